"""WAV files from arrays."""

from __future__ import annotations

import io
import wave

import numpy

__all__ = ["wav"]

_MOST = 32767  # of 16 bits


def wav(samples: numpy.ndarray, rate: int) -> bytes:
    """A WAV file of 16 bits.

    Args:
        samples: (frames, channels) of numbers from -1 to 1; larger ones are cut, and those that aren't finite are 0.
        rate: frames per second.
    """
    whole = (numpy.nan_to_num(samples, nan=0.0).clip(-1, 1) * _MOST).round().astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(whole.shape[1])
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(whole.tobytes())
    return file.getvalue()
