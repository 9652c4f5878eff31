"""Weights of samples from weights of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.config import floatx
from eagerflow.base.tracebacks import warn
from eagerflow.core.device import device_of, place, to_host
from eagerflow.core.tensor import Tensor

__all__ = ["class_weights", "weigh"]


def class_weights(class_weight: Any) -> dict[int, float] | None:
    """The argument `class_weight`, checked.

    Raises:
        TypeError: when it is no dict from class numbers to numbers.
        ValueError: for a negative weight.
    """
    if class_weight is None:
        return None
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"class_weight: expected a dict from class numbers to weights, {{0: 1.0, 1: 5.0}}; "
            f"got {type(class_weight).__name__}."
        )
    try:
        checked = {int(label): float(weight) for label, weight in class_weight.items()}
    except (TypeError, ValueError):
        label = next((label for label in class_weight if not _is_number(label)), None)
        wrong = f"the class {label!r}" if label is not None else f"{dict(class_weight)!r:.100}"
        raise TypeError(
            f"class_weight: expected a dict from class numbers to weights, {{0: 1.0, 1: 5.0}}; got {wrong}. Classes go "
            "by the numbers that y has for them, not by names."
        ) from None
    if any(weight < 0 for weight in checked.values()):
        raise ValueError(f"class_weight: weights can't be negative; got {checked}.")
    return checked


def _is_number(label: Any) -> bool:
    try:
        return int(label) is not None
    except (TypeError, ValueError):
        return False


def weigh(y: Any, sample_weight: Any, weights: dict[int, float]) -> Any:
    """One weight per sample: that of its class (1.0 where none is given), times `sample_weight` where given.

    Args:
        y: labels, as a raw array or a tensor: class numbers, or one-hot rows.
        sample_weight: the same kind of array, or None.
        weights: by class number.

    Raises:
        ValueError: for several outputs.
    """
    if y is None or tree.is_nested(y):
        raise ValueError("class_weight works for models with one output, and needs y.")
    array = y.data if isinstance(y, Tensor) else y
    found = place(_by_class(to_host(array), weights), device_of(array))
    if isinstance(y, Tensor):
        found = Tensor(found, None, None)
    return found if sample_weight is None else found * sample_weight


def _by_class(y: numpy.ndarray, weights: dict[int, float]) -> numpy.ndarray:
    labels = y.argmax(axis=-1) if y.ndim > 1 and y.shape[-1] > 1 else numpy.rint(y).astype("int64")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes, place_of = numpy.unique(labels, return_inverse=True)
    _note_more_classes(int(classes[-1]) if len(classes) else 0, weights)
    table = numpy.array([weights.get(int(c), 1.0) for c in classes], floatx())
    return table[place_of.reshape(labels.shape)]


def _note_more_classes(highest: int, weights: dict[int, float]) -> None:
    """Warn of labels above weights for the classes 0, 1, ...: who weighs some classes only leaves others out, too."""
    count = len(weights)
    if 1 < count <= highest and weights.keys() == set(range(count)):
        warn(
            f"class_weight: y has the class {highest}, and there are weights for the classes 0 to {count - 1} alone; "
            "samples of others count 1.0. Name each class, as in class_weight={..., "
            f"{highest}: 1.0}}."
        )
