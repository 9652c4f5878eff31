"""Errors and warnings of arrays: NumPy's kinds, for functions that serve all devices; CuPy warns of nothing."""

from numpy import errstate
from numpy.exceptions import AxisError

__all__ = ["AxisError", "errstate"]
