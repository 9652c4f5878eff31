"""Arguments of Keras 2 for `get_initial_state`."""

from __future__ import annotations

from typing import Any

from eagerflow.base.spellings import respelled

__all__ = ["of_inputs"]


def _batch_size_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Inputs stand for the number of their rows; a type is that of the layer."""
    inputs = kwargs.pop("inputs", None)
    kwargs.pop("dtype", None)
    owner, *rest = args
    first = rest[0] if rest else inputs
    if getattr(first, "shape", ()):
        kwargs.pop("batch_size", None)
        return (owner, first.shape[0]), kwargs
    return args, kwargs


of_inputs = respelled(_batch_size_of)
