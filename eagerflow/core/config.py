"""Process-wide settings: default float type, epsilon, image layout, home folder."""

from __future__ import annotations

import os
from pathlib import Path

from eagerflow.core.errors import did_you_mean

__all__ = [
    "epsilon",
    "floatx",
    "home",
    "image_data_format",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]

_FLOATS = ("bfloat16", "float16", "float32", "float64")
_LAYOUTS = ("channels_last", "channels_first")
_settings: dict[str, str | float] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
}


def floatx() -> str:
    """The default float type of new tensors and weights, `"float32"` unless changed.

    >>> floatx()
    'float32'
    """
    return str(_settings["floatx"])


def set_floatx(value: str) -> None:
    """Set the default float type.

    Args:
        value: `"float16"`, `"bfloat16"`, `"float32"` or `"float64"`.

    Raises:
        ValueError: for any other name.
    """
    if value not in _FLOATS:
        hint = did_you_mean(str(value), _FLOATS)
        raise ValueError(f"set_floatx(value={value!r}): expected one of {', '.join(_FLOATS)}.{hint}")
    _settings["floatx"] = value


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite, 1e-7 unless changed.

    >>> epsilon()
    1e-07
    """
    return float(_settings["epsilon"])


def set_epsilon(value: float) -> None:
    """Set the small number which keeps divisions and logarithms finite.

    Raises:
        ValueError: when `value` is not a positive number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ValueError(f"set_epsilon(value={value!r}): expected a positive number such as 1e-7.")
    _settings["epsilon"] = float(value)


def image_data_format() -> str:
    """The default place of the channels axis: `"channels_last"` or `"channels_first"`.

    >>> image_data_format()
    'channels_last'
    """
    return str(_settings["image_data_format"])


def set_image_data_format(data_format: str) -> None:
    """Set the default place of the channels axis.

    Raises:
        ValueError: for anything but `"channels_last"` and `"channels_first"`.
    """
    if data_format not in _LAYOUTS:
        hint = did_you_mean(str(data_format), _LAYOUTS)
        raise ValueError(
            f"set_image_data_format(data_format={data_format!r}): expected one of {', '.join(_LAYOUTS)}.{hint}"
        )
    _settings["image_data_format"] = data_format


def home() -> Path:
    """The folder for downloads and settings: `EAGERFLOW_HOME`, else `~/.eagerflow`. Not created here."""
    return Path(os.environ.get("EAGERFLOW_HOME") or Path.home() / ".eagerflow")
