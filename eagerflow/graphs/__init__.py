"""What CUDA graphs need wherever they are made: captured steps (`eagerflow/capture`), optimizers' updates."""
