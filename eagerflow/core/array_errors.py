"""What NumPy does about overflow and invalid numbers, for functions on arrays that expect them; CuPy says nothing."""

from numpy import errstate

__all__ = ["errstate"]
