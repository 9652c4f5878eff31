"""Process-wide settings, under the names of `keras.config`."""

from __future__ import annotations

from eagerflow.core.config import (
    epsilon,
    floatx,
    home,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)

__all__ = ["epsilon", "floatx", "home", "image_data_format", "set_epsilon", "set_floatx", "set_image_data_format"]
