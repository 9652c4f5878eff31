"""Weights of samples from weights of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.config import floatx
from eagerflow.base.errors import a_kind
from eagerflow.base.tracebacks import warn
from eagerflow.core.device import device_of, place, to_host
from eagerflow.core.tensor import Tensor

__all__ = ["class_weights", "weigh"]


def class_weights(class_weight: Any) -> Any:
    """The argument `class_weight`, checked: a dict; for several outputs a list of them, or a dict by their names.

    Raises:
        TypeError: when it is no dict from class numbers to numbers.
        ValueError: for a negative weight.
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, (list, tuple)) and all(isinstance(w, (Mapping, type(None))) for w in class_weight):
        return [class_weights(weights) for weights in class_weight]
    if (
        isinstance(class_weight, Mapping)
        and class_weight
        and all(isinstance(w, Mapping) for w in class_weight.values())
    ):
        return {name: class_weights(weights) for name, weights in class_weight.items()}
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


def _weighed_if(y: Any, sample_weight: Any, weights: Any) -> Any:
    return sample_weight if weights is None else weigh(y, sample_weight, weights)


def _is_of_one(weights: Any) -> bool:
    return isinstance(weights, Mapping) and not any(isinstance(w, Mapping) for w in weights.values())


def _is_number(label: Any) -> bool:
    try:
        return int(label) is not None
    except (TypeError, ValueError):
        return False


def weigh(y: Any, sample_weight: Any, weights: Any) -> Any:
    """One weight per sample: that of its class (1.0 where none is given), times `sample_weight` where given.

    Args:
        y: labels, as a raw array or a tensor: class numbers, or one-hot rows.
        sample_weight: the same kind of array, or None.
        weights: by class number; for several outputs, a list or dict of such weights like that of the outputs.

    Raises:
        ValueError: for several outputs with the weights of one, or other ones.
    """
    if isinstance(y, dict) and isinstance(weights, dict) and not _is_of_one(weights) and weights.keys() <= y.keys():
        given = sample_weight or {}
        return {k: _weighed_if(y[k], given.get(k), weights.get(k)) for k in y}
    if isinstance(y, (list, tuple)) and isinstance(weights, list) and len(weights) == len(y):
        given = [None] * len(y) if sample_weight is None else sample_weight
        return [_weighed_if(*each) for each in zip(y, given, weights, strict=True)]
    if y is None or tree.is_nested(y) or not _is_of_one(weights):
        raise ValueError(
            "class_weight needs y, and for several outputs weights of each: a list of dicts for a list of targets, a "
            f"dict of dicts for a dict of them. Got {weights!r:.100} for {a_kind(y)}."
        )
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
