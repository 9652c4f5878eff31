"""Kernels compiled for this processor, of which each has a plain twin in `eagerflow.kernels`.

Loops in Python (`loops/`) are translated by Numba (`building.py`), kept on disk (`store.py`) and loaded without Numba
(`objects.py`).
"""

__all__: list[str] = []
