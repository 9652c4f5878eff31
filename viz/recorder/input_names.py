"""What the user calls the tensors that a model is given: the names of its `Input`s, or the keys of a dict."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from viz.recorder.descriptions import flat

__all__ = ["names_of_inputs"]

_MADE_UP = re.compile(r"(input|input_layer|keras_tensor)(_\d+)?")  # by eagerflow or Keras: they tell a reader nothing
_MOST = 64  # of one model


def names_of_inputs(model: Any, given: Any, positions: Callable[[Any], tuple[int, ...]]) -> dict[int, str]:
    """The names of what a model was given, by position; "" where the name of its `Input` was made up.

    Args:
        model: the model.
        given: the arguments of its call, of which the first holds the inputs.
        positions: gives the positions of the tensors in a part of them.
    """
    inputs = given[0] if isinstance(given, tuple) and given else given
    named = list(inputs.items()) if isinstance(inputs, Mapping) else _in_order(model, inputs)
    found: dict[int, str] = {}
    for name, x in named[:_MOST]:
        at = positions(x)
        if len(at) == 1:
            found.setdefault(at[0], "" if _MADE_UP.fullmatch(str(name)) else str(name))
    return found


def _in_order(model: Any, inputs: Any) -> list[tuple[Any, Any]]:
    """The model's own names with the tensors that stand in their places; none where it has no, or other, names."""
    try:
        names = list(getattr(model, "input_names", ()))
    except Exception:  # noqa: BLE001  (a property of the user's: recording must not break a run)
        return []
    leaves = list(flat(inputs))
    return list(zip(names, leaves, strict=True)) if len(names) == len(leaves) else []
