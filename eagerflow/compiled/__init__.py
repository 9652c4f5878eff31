"""Kernels that Numba compiles for this processor, in front of the plain ones in `eagerflow.kernels`.

A file has a kernel's loops, and functions with the plain kernel's arguments that return None where the loops don't take
them. `choice.py` says which files there are, and whether they are used; only then Numba is imported, by `jit.py`.
"""

__all__: list[str] = []
