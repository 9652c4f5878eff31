"""Fourier transforms. Complex tensors come and go as pairs `(real, imaginary)`, as in Keras."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.op import apply, composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.indexing import raw_index, scatter_index, take_index
from eagerflow.ops.arrays.join import pad
from eagerflow.ops.arrays.shape import broadcast_to, swapaxes
from eagerflow.ops.elementwise.arithmetic import add, divide, multiply, square
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.comparison import greater
from eagerflow.ops.elementwise.complex_numbers import conj, imag, real
from eagerflow.ops.elementwise.selection import where

__all__ = ["extract_sequences", "fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]

# Complex numbers: their real and their imaginary parts.
Pair = tuple[Tensor, Tensor]


# The transform is a symmetric matrix F, so the gradient is F conjugated, times g.
@op(lambda xp, g: apply(fourier, xp, g.conj()).conj(), floating=True)  # type: ignore[has-type]
def fourier(xp: Numpy, x: Array) -> Array:
    """The discrete Fourier transform along the last axis."""
    return xp.fft.fft(x)


def _check_counts(name: str, **counts: Any) -> None:
    """Raise ValueError unless all are whole numbers of at least 1."""
    for argument, n in counts.items():
        if isinstance(n, bool) or not hasattr(n, "__index__") or n < 1:
            raise ValueError(f"{name}: {argument}={n!r}: expected an integer of at least 1.")


def _complex(x: Any, name: str, rank: int = 1) -> Tensor:
    """One complex tensor of the pair that users give."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"{name}: expected a pair (real, imaginary) of tensors; got {type(x).__name__}.")
    re, im = convert_to_tensor(x[0]), convert_to_tensor(x[1])
    if re.shape != im.shape or re.dtype.kind == "c" or im.dtype.kind == "c":
        raise ValueError(
            f"{name}: real and imaginary part must be real tensors of one shape; got {re.dtype}{list(re.shape)} and "
            f"{im.dtype}{list(im.shape)}."
        )
    if re.ndim < rank:
        raise ValueError(f"{name}: expected at least {rank} axes; got shape {re.shape}.")
    return add(re, multiply(im, 1j))


def _pair(z: Tensor) -> Pair:
    return real(z), imag(z)


def _inverse(z: Tensor) -> Tensor:
    """The inverse transform along the last axis."""
    return divide(conj(fourier(conj(z))), max(z.shape[-1], 1))


@composite
def fft(x: TensorLike) -> Pair:
    """Discrete Fourier transform along the last axis.

    Args:
        x: a pair of tensors of shape `(..., n)`: real and imaginary part.

    Returns:
        The transform, as a pair of tensors of the same shape.

    Raises:
        ValueError: when `x` isn't such a pair.

    >>> [part.tolist() for part in ef.ops.fft(([1.0, 1.0], [0.0, 0.0]))]
    [[2.0, 0.0], [0.0, 0.0]]
    """
    return _pair(fourier(_complex(x, "fft")))


@composite
def fft2(x: TensorLike) -> Pair:
    """Discrete Fourier transform along the last two axes.

    Args:
        x: a pair of tensors of shape `(..., m, n)`: real and imaginary part.

    Returns:
        The transform, as a pair of tensors of the same shape.

    >>> real, imaginary = ef.ops.fft2((ef.Tensor([[1.0, 2.0], [3.0, 4.0]]), ef.ops.zeros((2, 2))))
    >>> real.tolist()
    [[10.0, -2.0], [-4.0, 0.0]]
    """
    z = fourier(_complex(x, "fft2", 2))
    return _pair(swapaxes(fourier(swapaxes(z, -1, -2)), -1, -2))


@composite
def ifft2(x: TensorLike) -> Pair:
    """Inverse of `fft2`: inverse discrete Fourier transform along the last two axes.

    Args:
        x: a pair of tensors of shape `(..., m, n)`: real and imaginary part.

    Returns:
        A pair of tensors of the same shape.

    >>> ones = np.ones((2, 2))
    >>> ef.ops.ifft2(ef.ops.fft2((ones, 0 * ones)))[0].tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    z = _inverse(_complex(x, "ifft2", 2))
    return _pair(swapaxes(_inverse(swapaxes(z, -1, -2)), -1, -2))


def _of_length(x: Tensor, length: int) -> Tensor:
    """Cut off, or padded with zeros, along the last axis."""
    missing = length - x.shape[-1]
    if missing <= 0:
        return x[..., :length]
    return pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)])


def _half_spectrum(x: Tensor, length: int) -> Tensor:
    """The first half of the transform of real numbers: the rest is its mirror image."""
    return fourier(_of_length(x, length))[..., : length // 2 + 1]


@composite
def rfft(x: TensorLike, fft_length: int | None = None) -> Pair:
    """Discrete Fourier transform of real numbers along the last axis, for the frequencies that aren't negative.

    Args:
        x: a tensor of real numbers, of shape `(..., n)`.
        fft_length: the length that the last axis is cut or padded with zeros to first; default: `n`.

    Returns:
        A pair of tensors of shape `(..., fft_length // 2 + 1)`: real and imaginary part.

    >>> [part.tolist() for part in ef.ops.rfft([1.0, 1.0])]
    [[2.0, 0.0], [0.0, 0.0]]
    """
    x = convert_to_tensor(x)
    if not x.ndim:
        raise ValueError("rfft: expected at least one axis; got shape ().")
    return _pair(_half_spectrum(x, x.shape[-1] if fft_length is None else fft_length))


@composite
def irfft(x: TensorLike, fft_length: int | None = None) -> Tensor:
    """Inverse of `rfft`: computes real numbers from the non-negative frequencies of their Fourier transform.

    Args:
        x: a pair of tensors of shape `(..., m)`: real and imaginary part.
        fft_length: the length of the result; default `2 * (m - 1)`.

    Returns:
        A tensor of real numbers, of shape `(..., fft_length)`.

    >>> ef.ops.irfft(ef.ops.rfft([1.0, 2.0, 3.0, 4.0])).numpy().round(4).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    z = _complex(x, "irfft")
    return _from_half(z, 2 * (z.shape[-1] - 1) if fft_length is None else fft_length)


def _from_half(z: Tensor, length: int) -> Tensor:
    if length < 1:
        raise ValueError(f"irfft: the result would have length {length}; give fft_length=.")
    half = _of_length(z, length // 2 + 1)
    weights = numpy.full(half.shape[-1], 2.0)  # each element stands for its mirror image, too
    weights[0] = 1
    if length % 2 == 0:
        weights[-1] = 1
    scaled = multiply(half, Tensor(weights, real(z).dtype, device=z.device))
    return real(_inverse(_of_length(scaled, length)))


def _frames(length: int, size: int, stride: int) -> numpy.ndarray:
    """The positions of overlapping windows, one row each."""
    count = max(0, (length - (size - stride)) // stride)
    return numpy.arange(count)[:, None] * stride + numpy.arange(size)


@composite
def extract_sequences(x: TensorLike, sequence_length: int, sequence_stride: int) -> Tensor:
    """Splits the last axis into windows, which may overlap.

    Args:
        x: a tensor of shape `(..., n)`.
        sequence_length: the length of a window.
        sequence_stride: the distance between the starts of windows.

    Returns:
        A tensor of shape `(..., windows, sequence_length)`.

    Raises:
        ValueError: for a stride or length below 1.

    >>> ef.ops.extract_sequences([1.0, 2.0, 3.0, 4.0], 2, 1).tolist()
    [[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
    """
    x = convert_to_tensor(x)
    _check_counts("extract_sequences", sequence_length=sequence_length, sequence_stride=sequence_stride)
    if not x.ndim:
        raise ValueError("extract_sequences: expected at least one axis; got shape ().")
    places = _frames(x.shape[-1], sequence_length, sequence_stride)
    return take_index(x, raw_index(x, (Ellipsis, places)))


def _window(name: str, window: Any, size: int, length: int, like: Tensor) -> Tensor:
    """The window, in the middle of `length` elements."""
    if length < size:
        raise ValueError(f"{name}: fft_length={length} must not be below sequence_length={size}.")
    if window is None:
        return Tensor(numpy.ones(length), like.dtype, device=like.device)
    if isinstance(window, str):
        if window not in _WINDOWS:
            raise ValueError(f"{name}: window={window!r}; expected 'hann', 'hamming', None or a vector.")
        constant, cosine = _WINDOWS[window]
        turns = numpy.cos(numpy.arange(size) * (2 * math.pi / size))
        window = Tensor(constant - cosine * turns, like.dtype, device=like.device)
    window = cast(window, like.dtype)
    if window.shape != (size,):
        raise ValueError(f"{name}: window must have shape ({size},), the sequence_length; got {window.shape}.")
    left = (length - size) // 2
    return pad(window, ((left, length - size - left),))


_WINDOWS = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46)}


@composite
def stft(
    x: TensorLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> Pair:
    """Short-time Fourier transform: the `rfft` of overlapping windows.

    Args:
        x: a tensor of real numbers, of shape `(..., n)`.
        sequence_length: the length of the window.
        sequence_stride: the distance between the starts of windows.
        fft_length: the length of the transform; windows are padded to it on both sides.
        window: `"hann"`, `"hamming"`, None or a vector.
        center: whether to pad `x` at both ends by mirroring, so that each window is centred at its time.

    Returns:
        A pair of tensors of shape `(..., windows, fft_length // 2 + 1)`.

    Raises:
        ValueError: when lengths don't fit, or for another window.
        TypeError: when `x` isn't of floats.

    >>> ef.ops.stft(np.ones(16), 4, 2, 4)[0].shape
    (9, 3)
    """
    x = convert_to_tensor(x)
    if x.dtype.kind != "f":
        raise TypeError(f"stft: expected floats; got {x.dtype}.")
    _check_counts("stft", sequence_length=sequence_length, sequence_stride=sequence_stride, fft_length=fft_length)
    shape = _window("stft", window, sequence_length, fft_length, x)
    if center:
        border = fft_length // 2
        x = pad(x, [(0, 0)] * (x.ndim - 1) + [(border, border)], mode="reflect")
    frames = extract_sequences(x, fft_length, sequence_stride)
    return _pair(_half_spectrum(multiply(frames, shape), fft_length))


@composite
def istft(
    x: TensorLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Tensor:
    """Inverse short-time Fourier transform: overlapping windows are added up.

    Args:
        x: a pair of tensors of shape `(..., windows, fft_length // 2 + 1)`.
        sequence_length: the length of the window.
        sequence_stride: the distance between the starts of windows.
        fft_length: the length of the transform.
        length: the length of the result; default: up to the end of the last window.
        window: `"hann"`, `"hamming"`, None or a vector, as given to `stft`.
        center: as given to `stft`.

    Returns:
        A tensor of real numbers, of shape `(..., length)`.

    Raises:
        ValueError: when lengths don't fit, or for another window.

    >>> wave = np.sin(np.arange(32.0))
    >>> back = ef.ops.istft(ef.ops.stft(wave, 8, 4, 8), 8, 4, 8)
    >>> bool(ef.ops.allclose(back, wave, atol=1e-6))
    True
    """
    z = _complex(x, "istft", 2)
    _check_counts("istft", sequence_length=sequence_length, sequence_stride=sequence_stride, fft_length=fft_length)
    frames = _from_half(z, fft_length)
    shape = _window("istft", window, sequence_length, fft_length, frames)
    total = fft_length + sequence_stride * (z.shape[-2] - 1)
    places = _frames(total, fft_length, sequence_stride)
    wave = _added_up(multiply(frames, shape), places, total)
    if window is not None:
        weight = _added_up(broadcast_to(square(shape), places.shape), places, total)
        wave = divide(wave, where(greater(weight, 1e-10), weight, 1))
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else total - start
    return wave[..., start:end]


def _added_up(frames: Tensor, places: numpy.ndarray, total: int) -> Tensor:
    return scatter_index(frames, raw_index(frames, (Ellipsis, places)), (*frames.shape[:-2], total))
