"""`tf.signal`: spectra of sounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.core.tensor import Tensor

__all__ = ["fft", "fft2d", "frame", "hamming_window", "hann_window", "ifft", "ifft2d", "inverse_stft", "irfft"]
__all__ += ["linear_to_mel_weight_matrix", "rfft", "stft"]


def _window(a: float, b: float) -> Callable[..., Tensor]:
    """The function that gives the weights of a cosine window."""

    def call(window_length: int, periodic: bool = True, dtype: Any = "float32", name: str | None = None) -> Tensor:
        length = int(window_length)
        period = max(1, length + int(periodic) * (1 - length % 2) - 1)
        weights = a - b * numpy.cos(2 * math.pi * numpy.arange(length) / period)
        return ops.convert_to_tensor(numpy.ones(1, dtype) if length == 1 else weights.astype(dtype))

    return call


hann_window, hamming_window = _window(0.5, 0.5), _window(0.54, 0.46)


def _spectrum(op: Callable[..., Any]) -> Callable[..., Tensor]:
    def call(input: Any, name: str | None = None) -> Tensor:
        return _complex(op(_pair(input)))

    return call


fft, fft2d, ifft2d = map(_spectrum, (ops.fft, ops.fft2, ops.ifft2))


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


def inverse_stft(
    stfts: Any,
    frame_length: int,
    frame_step: int,
    fft_length: int | None = None,
    window_fn: Any = None,
    name: str | None = None,
) -> Tensor:
    """Sounds from the spectra of their windows, which are weighted and added up.

    >>> wave = ef.ops.sin(ef.ops.arange(32.0))
    >>> back = inverse_stft(stft(wave, 8, 4), 8, 4)
    >>> back.shape
    (32,)
    """
    made = irfft(stfts, [fft_length or _power_of_two(frame_length)])[..., :frame_length]
    pieces: Any = ops.convert_to_numpy(made * (window_fn or hann_window)(frame_length))
    count = pieces.shape[-2]
    sound = numpy.zeros((*pieces.shape[:-2], (count - 1) * frame_step + frame_length), pieces.dtype)
    for i in range(count):
        sound[..., i * frame_step : i * frame_step + frame_length] += pieces[..., i, :]
    return ops.convert_to_tensor(sound)


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
    return _complex(ops.rfft(input_tensor, None if fft_length is None else int(fft_length[0])))


def irfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """`rfft` undone.

    >>> irfft(rfft([1.0, 2.0, 3.0, 4.0])).round(4).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    parts = (ops.real(input_tensor), ops.imag(input_tensor))
    return ops.irfft(parts, None if fft_length is None else int(fft_length[0]))


def ifft(input: Any, name: str | None = None) -> Tensor:
    """`fft` undone.

    >>> abs(ifft(fft([1.0 + 0j, 2.0 + 0j]))).round(4).tolist()
    [1.0, 2.0]
    """
    real, imaginary = ops.fft(_pair(ops.conj(input)))
    count = real.shape[-1]
    return _complex((real / count, -imaginary / count))


def linear_to_mel_weight_matrix(
    num_mel_bins: int = 20,
    num_spectrogram_bins: int = 129,
    sample_rate: float = 8000,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
    dtype: Any = "float32",
    name: Any = None,
) -> Tensor:
    """The share of each frequency of a spectrum (row) in each band of the mel scale (column).

    >>> linear_to_mel_weight_matrix(num_mel_bins=20, num_spectrogram_bins=129).shape
    (129, 20)
    """

    def mel(hertz: Any) -> Any:
        return 1127.0 * numpy.log1p(numpy.asarray(hertz, float) / 700.0)

    frequencies = mel(numpy.linspace(0.0, sample_rate / 2, num_spectrogram_bins)[1:])[:, None]
    edges = numpy.linspace(mel(lower_edge_hertz), mel(upper_edge_hertz), num_mel_bins + 2)
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (frequencies - lower) / (center - lower), (upper - frequencies) / (upper - center)
    weights = numpy.maximum(0, numpy.minimum(rising, falling))
    return ops.convert_to_tensor(numpy.pad(weights, [(1, 0), (0, 0)]).astype(dtype))


def _pair(x: Any) -> tuple[Any, Any]:
    x = ops.convert_to_tensor(x)
    return ops.real(x), ops.imag(x)


def _complex(parts: Any) -> Tensor:
    return ops.view_as_complex(ops.stack(list(parts), axis=-1))


def _power_of_two(length: int) -> int:
    return 1 << max(0, int(length) - 1).bit_length()
