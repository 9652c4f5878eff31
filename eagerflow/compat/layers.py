"""Layers of Keras 2 that have no class of their own any more."""

from __future__ import annotations

from typing import Any

from eagerflow import layers, ops
from eagerflow.core.tensor import Tensor
from eagerflow.layers.convolutional.conv_base import ConvolutionBase

__all__ = ["CuDNNGRU", "CuDNNLSTM", "ThresholdedReLU"]
__all__ += ["_Conv", "_Pooling1D", "_Pooling2D", "_Pooling3D"]

# Base classes of Keras 2, for `isinstance`; those of the pooling layers are tuples here.
_Conv = ConvolutionBase
_Pooling1D = (layers.MaxPooling1D, layers.AveragePooling1D)
_Pooling2D = (layers.MaxPooling2D, layers.AveragePooling2D)
_Pooling3D = (layers.MaxPooling3D, layers.AveragePooling3D)


def CuDNNLSTM(units: int, **kwargs: Any) -> layers.LSTM:
    """An `LSTM`, whose arithmetic is the same on every device."""
    return layers.LSTM(units, **kwargs)


def CuDNNGRU(units: int, **kwargs: Any) -> layers.GRU:
    """A `GRU` with `reset_after`, as cuDNN computes it."""
    return layers.GRU(units, reset_after=True, **kwargs)


class ThresholdedReLU(layers.Layer):
    """`x` where it is above `theta`, else 0.

    Raises:
        ValueError: for a negative threshold.
    """

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not theta >= 0:
            raise ValueError(f"ThresholdedReLU(theta={theta!r}): expected a number of at least 0.")
        self.theta = float(theta)
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        """The thresholded inputs."""
        return inputs * ops.cast(inputs > self.theta, inputs.dtype)
