"""Sounds for the Audio tab, as WAV files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.preprocessing.audio_folder import written_wav

__all__ = ["wav_files"]

_LOUDEST = 1.01  # with some noise


def wav_files(samples: Any, sample_rate: int, tell: Callable[[str], None]) -> list[bytes]:
    """A file for each sound.

    Args:
        samples: (frames,), (frames, channels) or (number, frames, channels), from -1 to 1.
        sample_rate: frames per second.
        tell: is told when louder ones are cut off.

    Raises:
        ValueError: for another shape or rate.
    """
    given = numpy.asarray(samples).astype("float64")
    found = given[:, numpy.newaxis] if given.ndim == 1 else given
    found = found[numpy.newaxis] if found.ndim == 2 else found
    if found.ndim != 3 or not 1 <= found.shape[-1] <= 255:
        raise ValueError(
            "audio(): expected (frames,), (frames, channels) or (number, frames, channels) with 1 to 255 channels; "
            f"got {given.shape}"
        )
    if sample_rate < 1:
        raise ValueError(f"audio(sample_rate={sample_rate!r}): expected frames per second, 1 or more")
    if numpy.abs(found).max(initial=0.0) > _LOUDEST:
        tell("samples of a sound beyond -1 and 1 are cut off: divide them by the largest, or by 32768 for 16 bits")
    return [written_wav(sound, int(sample_rate)) for sound in found]
