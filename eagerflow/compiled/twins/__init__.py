"""Compiled kernels with the arguments of the plain ones that they stand in for, a file per subject."""

__all__: list[str] = []
