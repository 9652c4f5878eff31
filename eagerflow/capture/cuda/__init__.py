"""A captured step on a GPU as CUDA graphs: `graphs.py` makes them, of stretches of instructions (`segments.py`)."""

__all__: list[str] = []
