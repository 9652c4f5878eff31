"""Is an array finite? Asked after every op while a trace guards, so it has to cost next to nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy

from viz.recorder.sums import sum_of_squares

__all__ = ["SAFE", "has_nonfinite_number", "is_finite", "nonfinite"]

# Ops with one array that make no NaN of anything else, and no infinity of finite numbers: what they return needs no
# look of its own, as what they were given was looked at. (Data from outside then shows at the next op.)
SAFE = frozenset(
    """
    absolute argmax argmin argsort broadcast_to ceil conj copy cut erf erfc floor identity_of imag leaky_relu max
    max_pool min negative real relu reshape roll round sigmoid sign_of stop_gradient take_index tanh to_device transpose
    trunc
    """.split()
)


def is_finite(array: Any) -> bool:
    """Whether no element of `array` is NaN or infinite.

    The scalar product of the array with itself is NaN or infinite when an element is: one fast pass, with no array
    made. It may overflow for large finite numbers too, so a suspicion is looked into exactly.
    """
    if array.dtype.kind != "f":
        return array.dtype.kind != "c" or not nonfinite(array)[2]
    flags = array.flags
    if flags.c_contiguous:
        flat = array.reshape(-1)
    elif flags.f_contiguous:
        flat = array.T.reshape(-1)
    else:
        return _is_finite_view(array)
    return bool(sum_of_squares(flat) < math.inf) or not nonfinite(array)[2]


def _is_finite_view(array: Any) -> bool:
    """The same for a view: what broadcasting repeats is looked at once, and turned axes are turned back."""
    if 0 in array.strides:
        array = array[tuple([slice(None) if stride else slice(0, 1) for stride in array.strides])]
    array = array.transpose(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))
    if array.flags.c_contiguous:
        return is_finite(array)
    with numpy.errstate(all="ignore"):
        return bool(abs(array.sum()) < math.inf) or not nonfinite(array)[2]


def nonfinite(array: Any) -> tuple[int, int, int]:
    """How many elements are NaN, how many infinite, and how many either."""
    if getattr(array, "dtype", None) is None or array.dtype.kind not in "fc":
        return 0, 0, 0
    nan = int((array != array).sum())
    with numpy.errstate(all="ignore"):
        infinite = int((abs(array) == math.inf).sum())
    return nan, infinite, nan + infinite


def has_nonfinite_number(settings: Iterable[Any]) -> bool:
    """Whether a number that the code gave is NaN or infinite, as in `ops.where(mask, x, -inf)`."""
    for value in settings:
        if isinstance(value, (list, tuple)):
            if has_nonfinite_number(value):
                return True
        elif isinstance(value, dict):
            if has_nonfinite_number(value.values()):
                return True
        elif _is_nonfinite(value):
            return True
    return False


def _is_nonfinite(value: Any) -> bool:
    if isinstance(value, (float, numpy.floating)):
        return not math.isfinite(value)
    return isinstance(value, str) and value in ("nan", "inf", "-inf")  # as files write them
