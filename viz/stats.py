"""Numbers about an array's elements, on the device where it lives."""

from __future__ import annotations

import math
from typing import Any

import numpy

from viz.schema import Stats

__all__ = ["BINS", "LEVELS", "measure"]

LEVELS = ("none", "basic", "full")
BINS = 32
_PREVIEW = 8


def measure(array: Any, level: str) -> Stats | None:
    """The statistics of `array` (NumPy's or CuPy's, or a NumPy scalar); None when it holds no real numbers.

    Args:
        array: real numbers of any shape.
        level: `"basic"`, or `"full"` for the histogram, the first elements, zeros and the L2 norm too.
    """
    if array.dtype.kind not in "biuf" or array.size == 0:
        return None
    values = array.reshape(-1)
    if values.dtype.kind != "f" or values.dtype.itemsize < 4:
        values = values.astype("float32" if values.dtype.itemsize < 4 else "float64")
    nan = int((values != values).sum())
    inf = int((abs(values) == math.inf).sum())
    finite = values[abs(values) < math.inf] if nan or inf else values
    found = Stats(nan=nan, inf=inf)
    if level == "full":
        found.preview = tuple([float(x) for x in values[:_PREVIEW]])
        found.zeros = int((values == 0).sum())
    if finite.size:
        _measure_finite(finite, found, level)
    return found


def _measure_finite(finite: Any, found: Stats, level: str) -> None:
    found.min, found.max = float(finite.min()), float(finite.max())
    # Scaled by a power of two, which is exact, so that squares of large numbers stay finite.
    scale = 2.0 ** (math.frexp(max(abs(found.min), abs(found.max)))[1] - 1)
    scaled = finite / finite.dtype.type(scale)
    found.mean = float(scaled.mean(dtype="float64")) * scale
    found.std = float(scaled.std(dtype="float64")) * scale
    if level == "full":
        found.l2 = math.sqrt(float((scaled * scaled).sum(dtype="float64"))) * scale
        found.histogram = histogram(finite, found.min, found.max)


def histogram(values: Any, low: float, high: float, bins: int = BINS) -> tuple[int, ...]:
    """How many of the finite `values` fall into each of `bins` equal bins from `low` to `high`."""
    if high == low:
        return (int(values.size), *[0] * (bins - 1))
    width = high / bins - low / bins  # in this order, numbers near the largest float don't overflow
    positions = (values.astype("float64") / width - low / width).astype("int64").clip(0, bins - 1)
    return tuple(numpy.bincount(positions, minlength=bins).tolist())  # on CuPy's arrays it is CuPy's bincount
