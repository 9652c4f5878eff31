"""What the user calls the tensors that a model is given and gives: the names of its ends, or the keys of a dict."""

from __future__ import annotations

import re
import weakref
from collections.abc import Mapping
from typing import Any

from eagerflow import Tensor
from viz.recorder.descriptions import flat

__all__ = ["InputNames", "names_of_outputs"]

_MADE_UP = re.compile(r"(input|input_layer|keras_tensor)(_\d+)?")  # by eagerflow or Keras: they tell a reader nothing
_MOST = 64  # of one model


class InputNames:
    """The names of what models are given."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], str]] = {}  # of models with one input, which keep its name

    def of(self, model: Any, given: Any) -> list[tuple[str, Any]]:
        """The tensors that a model was given, each with its name; "" where the name of its `Input` was made up.

        Args:
            model: the model.
            given: the arguments of its call, of which the first holds the inputs.
        """
        inputs = given[0] if isinstance(given, tuple) and given else given
        if inputs.__class__ is not Tensor:
            return [(_told(name), x) for name, x in _named(model, inputs, "input_names")]
        known = self._known.get(id(model))
        if known is not None and known[0]() is model:
            return [(known[1], inputs)]
        found = [(_told(name), x) for name, x in _named(model, inputs, "input_names")]
        if found:
            self._known[id(model)] = weakref.ref(model), found[0][0]
        return found


def _told(name: Any) -> str:
    """The name, unless nobody chose it."""
    return "" if _MADE_UP.fullmatch(str(name)) else str(name)


def names_of_outputs(model: Any, given: Any) -> list[tuple[str, Any]]:
    """The tensors that a model gave, each with its name: none of a single one, which needs no name.

    Args:
        model: the model.
        given: what its call returned.
    """
    if given.__class__ is Tensor:  # as usual
        return []
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
    leaves = [given] if given.__class__ is Tensor else list(flat(given))
    return list(zip(names, leaves, strict=True)) if len(names) == len(leaves) else []
