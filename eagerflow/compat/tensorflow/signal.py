"""`tf.signal`: spectra of sounds."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.core.tensor import Tensor

__all__ = ["frame", "hann_window", "rfft", "stft"]


def hann_window(window_length: int, periodic: bool = True, dtype: Any = "float32", name: str | None = None) -> Tensor:
    """The weights of a cosine window."""
    length = int(window_length)
    period = max(1, length + int(periodic) * (1 - length % 2) - 1)
    weights = 0.5 - 0.5 * numpy.cos(2 * math.pi * numpy.arange(length) / period)
    return ops.convert_to_tensor(numpy.ones(1, dtype) if length == 1 else weights.astype(dtype))


def stft(
    signals: Any,
    frame_length: int,
    frame_step: int,
    fft_length: int | None = None,
    window_fn: Any = None,
    pad_end: bool = False,
    name: str | None = None,
) -> Tensor:
    """The spectra of windows along the last axis: (..., windows, fft_length // 2 + 1), complex.

    >>> stft(ef.ops.ones((16,)), frame_length=8, frame_step=4).shape
    (3, 5)
    """
    length = fft_length or _power_of_two(frame_length)
    weights = (window_fn or hann_window)(frame_length)
    return rfft(frame(signals, frame_length, frame_step, pad_end) * weights, [length])


def frame(
    signal: Any,
    frame_length: int,
    frame_step: int,
    pad_end: bool = False,
    pad_value: float = 0,
    axis: int = -1,
    name: str | None = None,
) -> Tensor:
    """Windows along the last axis: (..., windows, frame_length).

    Raises:
        ValueError: for another axis.

    >>> frame([1, 2, 3, 4, 5], 3, 2).tolist()
    [[1, 2, 3], [3, 4, 5]]
    """
    signal = ops.convert_to_tensor(signal)
    if axis not in (-1, len(signal.shape) - 1):
        raise ValueError(f"tf.signal.frame(axis={axis}): only the last axis is possible; move it there.")
    length = signal.shape[-1]
    if pad_end:
        count = -(-length // frame_step)
        missing = max(0, (count - 1) * frame_step + frame_length - length)
        before = [(0, 0)] * (len(signal.shape) - 1)
        signal = ops.pad(signal, [*before, (0, missing)], "constant", pad_value)
    else:
        count = max(0, 1 + (length - frame_length) // frame_step)
    places = numpy.arange(count)[:, None] * frame_step + numpy.arange(frame_length)
    return ops.take(signal, places, axis=-1)


def rfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The spectrum of real numbers along the last axis.

    >>> abs(rfft([1.0, 1.0])).tolist()
    [2.0, 0.0]
    """
    parts = ops.rfft(input_tensor, None if fft_length is None else int(fft_length[0]))
    return ops.view_as_complex(ops.stack(list(parts), axis=-1))


def _power_of_two(length: int) -> int:
    return 1 << max(0, int(length) - 1).bit_length()
