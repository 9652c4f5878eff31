"""Arrays as checks look at them: in the computer's own memory, with their sizes, and numbers in words."""

from __future__ import annotations

import math
from typing import Any

import numpy

from viz.frameworks.contract import Tensor
from viz.frameworks.objects import array_of, is_tensor, is_variable
from viz.recorder.descriptions import flat
from viz.recorder.finite_check import is_finite
from viz.recorder.tensor_stats import sum_of_squares

__all__ = ["array_of", "computed", "finite", "first", "first_gradient", "first_tensor", "host", "is_tensor"]
__all__ += ["is_variable", "key_of", "number", "rms", "tensors", "total", "tracked", "values_of"]


def host(data: Any) -> numpy.ndarray:
    """An array, or a tensor's, in the computer's own memory; not a copy where it is there already."""
    return numpy.asarray(data.get() if hasattr(data, "get") else data)


def key_of(x: Any) -> Any:
    """The key by which a tape knows a tensor; None for what no tape follows."""
    return getattr(x, "key", None)


def tracked(x: Any) -> bool:
    """Does a tape follow it?"""
    return is_tensor(x) and x.key is not None


def computed(x: Any) -> bool:
    """Does a tape follow it, and is it no variable?"""
    return tracked(x) and not is_variable(x)


def values_of(x: Any) -> numpy.ndarray:
    """The numbers of a tensor, or of anything that NumPy takes, in the computer's own memory."""
    return host(x.data if is_tensor(x) else numpy.asarray(x))


def first(given: Any) -> Any:
    """The first of some, where there are several: of an op's outputs, their keys or their gradients."""
    return given[0] if isinstance(given, (list, tuple)) and given else given


def first_gradient(gradients: Any) -> numpy.ndarray:
    """The gradient that arrives at an op's first output, in the computer's own memory."""
    gradient = first(gradients)
    return host(getattr(gradient, "data", gradient))


def tensors(nested: Any) -> list[Tensor]:
    """The tensors in nested tuples, lists and dicts."""
    return [x for x in flat(nested) if is_tensor(x)]


def first_tensor(nested: Any) -> Tensor | None:
    """The first tensor in nested tuples, lists and dicts."""
    found = tensors(nested)
    return found[0] if found else None


def total(targets: Any) -> float:
    """The sum of what a gradient was asked of; nearly always that is one number."""
    return sum([float(t.data) if t.data.size == 1 else float(host(t.data).sum()) for t in targets])


def finite(data: Any) -> bool:
    """Are all elements numbers? Integers always are."""
    if getattr(data, "dtype", None) is None:
        return not isinstance(data, float) or math.isfinite(data)
    return is_finite(data)


def rms(values: numpy.ndarray) -> float:
    """The root of the mean of the squares of finite values."""
    flat_values = values.reshape(-1)
    if not flat_values.size:
        return 0.0
    largest = float(numpy.abs(flat_values).max())
    if not largest or not math.isfinite(largest):
        return largest
    scaled = flat_values / largest
    return largest * math.sqrt(sum_of_squares(scaled) / flat_values.size)


def number(value: float) -> str:
    """A number as people read it: two digits, and up to a million all digits before the point.

    >>> number(0.000012345), number(12345.6), number(255.0), number(1234567.0)
    ('1.2e-05', '12346', '255', '1.2e+06')
    """
    return f"{value:.0f}" if 99.5 <= abs(value) < 1e6 else f"{value:.2g}"
