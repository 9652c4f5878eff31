"""`tf.audio`: sounds as WAV files hold them."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy

from eagerflow import ops
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor, text_tensor
from eagerflow.preprocessing.audio_folder import read_wav, written_wav

__all__ = ["decode_wav", "encode_wav"]


class DecodeWav(NamedTuple):
    """A sound, (samples, channels) from -1 to 1, and its samples per second."""

    audio: Tensor
    sample_rate: Tensor


def decode_wav(
    contents: Any, desired_channels: int = -1, desired_samples: int = -1, name: str | None = None
) -> DecodeWav:
    """The sound in the bytes of a WAV file."""
    sound, rate = read_wav(io.BytesIO(text_tensor(contents).numpy()))
    if desired_channels != -1:
        sound = sound[:, numpy.minimum(numpy.arange(desired_channels), sound.shape[1] - 1)]
    if desired_samples != -1:
        sound = sound[:desired_samples]
        sound = numpy.pad(sound, [(0, desired_samples - len(sound)), (0, 0)])
    return DecodeWav(ops.convert_to_tensor(sound), ops.convert_to_tensor(numpy.int32(rate)))


def encode_wav(audio: Any, sample_rate: Any, name: str | None = None) -> TextTensor:
    """The bytes of a WAV file of 16 bits with a sound, (samples, channels) from -1 to 1."""
    return text_tensor(written_wav(ops.convert_to_numpy(audio), int(sample_rate)))
