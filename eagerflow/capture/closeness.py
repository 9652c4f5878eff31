"""Whether arrays that were computed twice are the same: to the last bit on the CPU, but for rounding on a GPU.

A GPU's kernels may add in another order each time (scattered sums do, and what cuBLAS splits up), so there floats may
differ by the part `TOLERANCE` of the largest finite number in the array. NaN must stand where NaN stands, infinities of
the same sign likewise, and integers and bools must be equal.
"""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.core.device import is_device_array, to_host

__all__ = ["TOLERANCE", "not_close"]

# By the bytes of a real number, for arrays on a GPU.
TOLERANCE = {2: 1e-2, 4: 1e-5, 8: 1e-12}


def not_close(value: Any, eager: Any) -> str | None:
    """How an array differs from the eager one, in words: in any bit on the CPU, by more than rounding on a GPU."""
    if value is eager or not hasattr(eager, "dtype"):
        return None
    rounds = is_device_array(eager)
    value, eager = numpy.asarray(to_host(value)), numpy.asarray(to_host(eager))
    if value.shape != eager.shape or value.dtype != eager.dtype:
        return f"{value.dtype}{list(value.shape)} instead of {eager.dtype}{list(eager.shape)}"
    if value.tobytes() == eager.tobytes():
        return None
    if rounds and _within_rounding(value, eager):
        return None
    with numpy.errstate(all="ignore"):
        apart = numpy.nan_to_num(numpy.abs(value.astype("complex128") - eager.astype("complex128"))).max()
    return f"values that differ by up to {apart:.3g}"


def _within_rounding(value: numpy.ndarray, eager: numpy.ndarray) -> bool:
    if eager.dtype.kind in "iub":
        return False
    tolerance = TOLERANCE[eager.dtype.itemsize // (2 if eager.dtype.kind == "c" else 1)]
    value, eager = (array.astype("complex128" if eager.dtype.kind == "c" else "float64") for array in (value, eager))
    largest = numpy.abs(eager[numpy.isfinite(eager)]).max(initial=0.0)
    return bool(numpy.allclose(value, eager, 0.0, tolerance * largest, equal_nan=True))
