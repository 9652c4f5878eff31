"""Layers that scale inputs: a normalization that was never adapted."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import layers

__all__ = ["unadapted_normalization"]


def unadapted_normalization(inside: list[Any]) -> Any:
    """The first `Normalization` among layers whose means are still 0 and whose variances are still 1.

    Other layers that need `adapt` (`Discretization`, `StringLookup`, `TextVectorization`) refuse their first call.

    Returns:
        The layer, or None.

    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Normalization(name="scale"), ef.layers.Dense(1)])
    >>> unadapted_normalization(model.layers).name
    'scale'
    >>> model.layers[0].adapt([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]] * ef.ops.ones((2, 3)))
    >>> unadapted_normalization(model.layers) is None
    True
    """
    for layer in inside:
        if isinstance(layer, layers.Normalization) and layer.input_mean is None and layer.built:
            mean, variance = layer.mean, layer.variance
            if mean is not None and variance is not None and not _any(mean) and not _any(variance - 1):
                return layer
    return None


def _any(tensor: Any) -> bool:
    """Is any element of a tensor not 0?"""
    return bool(numpy.any(tensor.numpy()))
