"""Lambda layers in files: Keras stores the compiled code of their functions, which is never run here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.models.saving.errors import FileFormatError

__all__ = ["without_code"]

_LEFT_OVER = ("function_type", "module", "output_shape_type", "output_shape_module")  # Keras 2 tells about code


def without_code(config: Any, file: str, custom_objects: Mapping[str, Any] | None, safe_mode: bool) -> Any:
    """The config with user functions instead of the code of Lambda layers.

    Raises:
        FileFormatError: when there is code, and `safe_mode` or no function for that layer.
    """
    if isinstance(config, list):
        return [without_code(value, file, custom_objects, safe_mode) for value in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "Lambda" and isinstance(config.get("config"), dict):
        return {**config, "config": _settings(config["config"], file, custom_objects, safe_mode)}
    if config.get("class_name") == "__lambda__":
        raise FileFormatError(f"{file!r} holds the code of a Python lambda, which is never run.")
    return {k: without_code(v, file, custom_objects, safe_mode) for k, v in config.items()}


def _settings(config: Mapping[str, Any], file: str, custom_objects: Mapping[str, Any] | None, safe_mode: bool) -> Any:
    found = {k: v for k, v in config.items() if k not in _LEFT_OVER}
    codes = [k for k, v in found.items() if _is_code(k, v)]
    if not codes:
        return {k: without_code(v, file, custom_objects, safe_mode) for k, v in found.items()}
    name = str(config.get("name"))
    if safe_mode or name not in (custom_objects or {}):
        raise FileFormatError(
            f"{file!r}: the Lambda layer {name!r:.80} holds code, which is never run: it could do anything. If you "
            f"know what it computes, pass your own function: load_model(..., safe_mode=False, "
            f"custom_objects={{{name!r:.80}: function}}). For files of your own: write the function with `def` and "
            "@register_keras_serializable()."
        )
    found = {k: v for k, v in found.items() if k not in codes}
    return {**found, "function": {"class_name": "function", "config": name, "registered_name": name}}


def _is_code(key: str, value: Any) -> bool:
    """As Keras 3 writes it, or as Keras 2 does: `[code, defaults, closure]`."""
    if isinstance(value, dict):
        return value.get("class_name") == "__lambda__"
    return key == "function" and isinstance(value, list)
