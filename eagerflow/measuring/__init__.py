"""`python -m eagerflow measure`: how fast this processor is, for programs to choose their kernels by."""

__all__: list[str] = []
