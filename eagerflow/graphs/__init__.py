"""What CUDA graphs need: optimizers' updates on a GPU are some (`optimizers/updates/graphed.py`)."""
