"""JSON from files, and into them."""

from __future__ import annotations

from typing import Any

from eagerflow.base.machine.budget import LoadLimitError, json_value
from eagerflow.base.serialization import as_json
from eagerflow.models.saving.errors import FileFormatError

__all__ = ["read_json", "write_json"]


def read_json(text: bytes | str, file: str, what: str) -> dict[str, Any]:
    """The JSON object in `text`.

    Raises:
        FileFormatError: when it is too deep, no JSON, or no object.
        LoadLimitError: when it holds too much.
    """
    try:
        found = json_value(bytes(text) if isinstance(text, memoryview) else text, f"its {what}")
    except LoadLimitError:
        raise
    except ValueError as error:
        told = f"{error}" if "levels deep" in str(error) else f"its {what} is damaged, no JSON ({error})"
        raise FileFormatError(f"{file!r}: {told}.") from None
    if not isinstance(found, dict):
        raise FileFormatError(f"{file!r}: its {what} is a {type(found).__name__}; expected a JSON object.")
    return found


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
