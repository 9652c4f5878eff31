"""JSON from files: limited in size and depth before it is parsed."""

from __future__ import annotations

import json
import re
from typing import Any

from eagerflow.base.serialization import as_json
from eagerflow.models.saving.errors import FileFormatError

__all__ = ["LARGEST", "read_json", "write_json"]

LARGEST = 64 * 2**20  # bytes
_DEEPEST = 200
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def read_json(text: bytes | str, file: str, what: str) -> dict[str, Any]:
    """The JSON object in `text`.

    Raises:
        FileFormatError: when it is too long or too deep, no JSON, or no object.
    """
    raw = text.encode() if isinstance(text, str) else bytes(text)
    if len(raw) > LARGEST:
        raise FileFormatError(f"{file!r}: its {what} has {len(raw)} bytes; at most {LARGEST} are read.")
    if _depth(raw) > _DEEPEST:
        raise FileFormatError(f"{file!r}: its {what} is nested more than {_DEEPEST} levels deep.")
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise FileFormatError(f"{file!r}: its {what} is damaged, no JSON ({error}).") from None
    if not isinstance(found, dict):
        raise FileFormatError(f"{file!r}: its {what} is a {type(found).__name__}; expected a JSON object.")
    return found


def _depth(raw: bytes) -> int:
    deepest = depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", raw)):
        depth += 1 if bracket[0] in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def write_json(config: Any, model: Any, **kwargs: Any) -> str:
    """`config` as JSON text; see `as_json`, to which `kwargs` go.

    Raises:
        TypeError: when a layer's config holds something that isn't JSON, such as a lambda.
    """
    try:
        return as_json(config, **kwargs)
    except TypeError as error:
        raise TypeError(f"This model can't be saved: {_culprit(model, error)}.") from None


def _culprit(model: Any, error: TypeError) -> str:
    for layer in reversed(list(model._flatten_layers())):
        try:
            as_json(layer.get_config())
        except TypeError:
            what = f"{type(layer).__name__} {layer.name!r}"
            if type(layer).__name__ == "Lambda":
                return (
                    f"{what} holds a function without a name. Write it with `def`, and put "
                    "@saving.register_keras_serializable() on the line before it"
                )
            return f"the get_config() of {what} gives values that JSON can't hold ({error})"
    return f"its arguments hold values that JSON can't hold ({error})"
