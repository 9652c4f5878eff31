"""Images as the functions here draw on them: NumPy arrays (batch, height, width, channels) of bytes."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.config import image_data_format
from eagerflow.base.errors import expect_one_of, signature_of
from eagerflow.base.typing import DataFormat
from eagerflow.core.tensor import convert_to_tensor

__all__ = ["batch_of", "channels_last", "is_first"]

_FORMATS = ("channels_last", "channels_first")


def is_first(function: str, data_format: DataFormat | None) -> bool:
    """Whether channels come before height and width."""
    found = data_format or image_data_format()
    expect_one_of(function, "data_format", found, _FORMATS)
    return found == "channels_first"


def channels_last(function: str, images: Any, data_format: DataFormat | None) -> numpy.ndarray:
    """A batch of images as an array with channels last.

    Raises:
        ValueError: when `images` has no four axes.
    """
    found: numpy.ndarray = convert_to_tensor(images).numpy()
    if found.ndim != 4:
        raise ValueError(
            f"{function}(images): expected a batch (batch, height, width, channels); got {signature_of(found)}."
        )
    return found.transpose(0, 2, 3, 1) if is_first(function, data_format) else found


def batch_of(function: str, images: Any, data_format: DataFormat | None) -> numpy.ndarray:
    """The same as bytes, a copy: floats up to 1 are stretched to 255, others cut at 0 and 255."""
    found = channels_last(function, images, data_format)
    if found.dtype.kind == "f" and found.size and found.max() <= 1:
        found = found * 255
    return numpy.clip(found, 0, 255).astype("uint8")
