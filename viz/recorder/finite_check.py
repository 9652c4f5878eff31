"""Is an array finite? Asked after every op while a trace guards, so it has to cost next to nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy
from numpy import isfinite, ndarray

from viz.recorder.descriptions import flat
from viz.recorder.tensor_stats import PIECE, SMALL, sum_of_squares

__all__ = ["SAFE", "are_finite", "has_nonfinite_number", "is_finite", "nonfinite"]

# Ops with one array that make no NaN of anything else, and no infinity of finite numbers: what they return needs no
# look of its own, as what they were given was looked at. (Data from outside then shows at the next op.)
SAFE = frozenset(
    """
    absolute argmax argmin argsort broadcast_to ceil conj copy erf erfc floor identity_of imag leaky_relu max max_pool
    min negative real relu reshape roll round sigmoid sign_of split stop_gradient take_index tanh to_device transpose
    trunc
    """.split()
)


def is_finite(array: Any) -> bool:
    """Whether no element of `array` is NaN or infinite.

    Of small arrays each element is asked, as calls are what takes time there. The scalar product of a larger array with
    itself is NaN or infinite when an element is: one fast pass, with no array made. It may overflow for large finite
    numbers too, so a suspicion is looked into exactly.
    """
    kind = array.dtype.kind
    if kind not in "fc":
        return True
    if array.__class__ is ndarray and array.size <= SMALL:
        return b"\0" not in isfinite(array).tobytes()
    if kind == "c":
        return not nonfinite(array)[2]
    flags = array.flags
    if flags.c_contiguous:
        flat = array.reshape(-1)
    elif flags.f_contiguous:
        flat = array.T.reshape(-1)
    else:
        return _is_finite_view(array)
    return bool(sum_of_squares(flat) < math.inf) or not nonfinite(array)[2]


def are_finite(arrays: Sequence[Any]) -> bool:
    """Whether all elements of all `arrays` are finite.

    Arrays that lie in one small array, as optimizers keep weights, are looked at all at once, with what else is in it.
    """
    base = arrays[0].base if arrays else None
    if (
        base.__class__ is ndarray
        and base.size <= PIECE
        and base.dtype == arrays[0].dtype
        and all([array.base is base for array in arrays])
        and is_finite(base)
    ):
        return True
    return all(map(is_finite, arrays))


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
    return any(map(_is_nonfinite, flat([*settings])))


def _is_nonfinite(value: Any) -> bool:
    if isinstance(value, (float, numpy.floating)):
        return not math.isfinite(value)
    return isinstance(value, str) and value in ("nan", "inf", "-inf")  # as files write them
