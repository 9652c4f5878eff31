"""Layers of Keras 2 that have no class of their own any more."""

from __future__ import annotations

from typing import Any

from eagerflow import layers, ops
from eagerflow.core.tensor import Tensor

__all__ = ["CuDNNGRU", "CuDNNLSTM", "ThresholdedReLU", "merge"]

_MERGES = {
    "ave": layers.average, "concat": layers.concatenate, "max": layers.maximum, "min": layers.minimum,
    "mul": layers.multiply, "sum": layers.add,
}  # fmt: skip


def CuDNNLSTM(units: int, **kwargs: Any) -> layers.LSTM:
    """An `LSTM`, whose arithmetic is the same on every device.

    Args:
        units: the length of the output.
        **kwargs: the arguments of `LSTM`.
    """
    return layers.LSTM(units, **kwargs)


def CuDNNGRU(units: int, **kwargs: Any) -> layers.GRU:
    """A `GRU` with `reset_after`, as cuDNN computes it.

    Args:
        units: the length of the output.
        **kwargs: the arguments of `GRU`.
    """
    return layers.GRU(units, reset_after=True, **kwargs)


class ThresholdedReLU(layers.Layer):
    """`x` where it is above `theta`, else 0.

    Args:
        theta: the threshold, at least 0.
        **kwargs: arguments of every layer.

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


def merge(inputs: list[Any], mode: str = "sum", concat_axis: int = -1, name: str | None = None) -> Any:
    """Several tensors as one, as Keras 1 wrote it.

    Args:
        inputs: symbolic tensors.
        mode: `"sum"`, `"mul"`, `"concat"`, `"ave"`, `"max"` or `"min"`.
        concat_axis: the axis for `"concat"`.
        name: of the layer.

    Raises:
        ValueError: for another mode.
    """
    if mode not in _MERGES:
        raise ValueError(f"merge(mode={mode!r}): expected one of {', '.join(_MERGES)}; or use layers.Dot.")
    extra = {"axis": concat_axis} if mode == "concat" else {}
    return _MERGES[mode](inputs, name=name, **extra)
