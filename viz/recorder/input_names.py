"""What the user calls the tensors that a model is given and gives: the names of its ends, or the keys of a dict."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from viz.recorder.descriptions import flat

__all__ = ["names_of_inputs", "names_of_outputs"]

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
    found: dict[int, str] = {}
    for name, x in _named(model, inputs, "input_names"):
        at = positions(x)
        if len(at) == 1:
            found.setdefault(at[0], "" if _MADE_UP.fullmatch(str(name)) else str(name))
    return found


def names_of_outputs(model: Any, given: Any) -> list[tuple[str, Any]]:
    """The tensors that a model gave, each with its name: none of a single one, which needs no name.

    Args:
        model: the model.
        given: what its call returned.
    """
    named = [(str(name), x) for name, x in _named(model, given, "output_names")]
    return named if len({name for name, _ in named}) > 1 else []


def _named(model: Any, given: Any, names: str) -> list[tuple[Any, Any]]:
    return (list(given.items()) if isinstance(given, Mapping) else _in_order(model, given, names))[:_MOST]


def _in_order(model: Any, given: Any, which: str) -> list[tuple[Any, Any]]:
    """The model's own names with the tensors that stand in their places; none where it has no, or other, names."""
    try:
        names = list(getattr(model, which, ()))
    except Exception:  # noqa: BLE001  (a property of the user's: recording must not break a run)
        return []
    leaves = list(flat(given))
    return list(zip(names, leaves, strict=True)) if len(names) == len(leaves) else []
