"""Fourier transforms agree with NumPy, and windows of signals fit together again."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import ops
from tests.ops.compare import same, some


def pair(z):
    return (z.real, z.imag)


@pytest.mark.parametrize("shape", [(5,), (2, 8), (2, 3, 4), (1,), (2, 0, 3)])
def test_transforms(shape, device):
    z = some(*shape) + 1j * some(*shape)[::-1]
    same(ops.fft(pair(z)), pair(np.fft.fft(z)), "float32", atol=1e-5)
    if len(shape) > 1 and z.size:
        same(ops.fft2(pair(z)), pair(np.fft.fft2(z)), "float32", atol=1e-5)
        same(ops.ifft2(pair(z)), pair(np.fft.ifft2(z)), "float32", atol=1e-5)


@pytest.mark.parametrize("length", [None, 3, 6, 7, 12])
def test_transforms_of_real_numbers(length, device):
    x = some(2, 7, dtype="float64")
    same(ops.rfft(x, length), pair(np.fft.rfft(x, length)), "float64")
    half = np.fft.rfft(x)
    same(ops.irfft(pair(half + 0.5j), length), np.fft.irfft(half + 0.5j, length), "float64")


def test_windows_of_a_signal(device):
    x = some(2, 10)
    same(ops.extract_sequences(x, 4, 2), np.lib.stride_tricks.sliding_window_view(x, 4, axis=-1)[:, ::2])
    assert ops.extract_sequences(some(3), 4, 2).shape == (0, 4)
    with pytest.raises(ValueError, match="sequence_stride=0"):
        ops.extract_sequences(x, 4, 0)


@pytest.mark.parametrize("window", ["hann", "hamming", np.arange(1.0, 7.0)])
def test_short_time_transforms_and_back(window, device):
    x = some(2, 40, dtype="float64")
    spectrum = ops.stft(x, 6, 2, 8, window)
    assert spectrum[0].shape == (2, 21, 5)
    same(ops.istft(spectrum, 6, 2, 8, window=window, length=40), x)


def test_one_window_is_an_ordinary_transform():
    x = some(8, dtype="float64")
    same(ops.stft(x, 8, 8, 8, None, center=False), pair(np.fft.rfft(x)[None]))
    periodic = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(8) / 8)
    same(ops.stft(x, 8, 8, 8, center=False), pair(np.fft.rfft(x * periodic)[None]))
    same(ops.istft(ops.stft(x, 4, 4, 4, None, center=False), 4, 4, 4, window=None, center=False), x)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.fft(some(3)), ValueError, "pair"),
        (lambda: ops.fft((some(3), some(2))), ValueError, "one shape"),
        (lambda: ops.stft(some(8), 4, 2, 2), ValueError, "fft_length=2"),
        (lambda: ops.stft(some(8), 4, 2, 4, "cosine"), ValueError, "'cosine'"),
        (lambda: ops.stft(some(8), 4, 2, 4, [1.0]), ValueError, r"shape \(4,\)"),
        (lambda: ops.stft([1, 2, 3], 2, 1, 2), TypeError, "int32"),
        (lambda: ops.irfft((some(1), some(1))), ValueError, "length 0"),
    ],
)
def test_errors_of_transforms(call, error, message):
    with pytest.raises(error, match=message):
        call()
