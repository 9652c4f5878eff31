"""`~/.keras/keras.json`: the settings that Keras reads when it is imported; here only compat runs do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eagerflow.base.config import set_epsilon, set_floatx, set_image_data_format

__all__ = ["read_settings"]

# Keras 1 named the layouts after the frameworks which preferred them.
_LAYOUTS = {"tf": "channels_last", "th": "channels_first"}
_SETTERS: dict[str, Callable[[Any], None]] = {
    "floatx": set_floatx,
    "epsilon": set_epsilon,
    "image_data_format": set_image_data_format,
    "image_dim_ordering": lambda value: set_image_data_format(_LAYOUTS.get(value, value)),
}


def read_settings(file: Path | None = None) -> dict[str, Any]:
    """Apply the settings in `keras.json`, where there is one.

    Raises:
        ValueError: when the file is no JSON object, or a value isn't possible.
    """
    file = file or Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    if not file.is_file():
        return {}
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: expected a JSON object with Keras' settings. ({error})") from None
    if not isinstance(settings, dict):
        raise ValueError(f'{file}: expected a JSON object such as {{"floatx": "float32"}}.')
    applied = {name: settings[name] for name in _SETTERS if name in settings}
    for name, value in applied.items():
        try:
            _SETTERS[name](value)
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from None
    return applied
