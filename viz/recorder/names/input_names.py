"""What the user calls the tensors that a model is given and gives: the names of its ends, or the keys of a dict."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from viz.frameworks.objects import PLAIN_TENSORS
from viz.recorder.descriptions import flat

__all__ = ["name_inputs", "names_of_outputs"]

_MADE_UP = re.compile(r"(input|input_layer|keras_tensor)(_\d+)?")  # by eagerflow or Keras: they tell a reader nothing
_NUMBERED = re.compile(r"(input|input_layer)(_\d+)?")  # but these tell several inputs of a model apart


def name_inputs(
    model: Any, given: Any, positions: Callable[[Any], tuple[int, ...]], chosen: dict[int, str], made_up: dict[int, str]
) -> None:
    """Note the names of the tensors that a model is given; those noted before stay.

    Args:
        model: which one.
        given: what it is called with.
        positions: gives the positions of the tensors in something.
        chosen: by position, gets the names that the user chose; "" where the name of an `Input` was made up.
        made_up: by position, gets those made up for several inputs of a model, if their numbers tell them apart.
    """
    named = _named(model, given[0] if isinstance(given, tuple) and given else given, "input_names")
    are_numbered = len(named) > 1 and all(_NUMBERED.fullmatch(str(name)) for name, _ in named)
    for name, x in named:
        at = positions(x)
        if len(at) == 1:
            chosen.setdefault(at[0], "" if _MADE_UP.fullmatch(str(name)) else str(name))
            if are_numbered:
                made_up.setdefault(at[0], str(name))


def names_of_outputs(model: Any, given: Any) -> list[tuple[str, Any]]:
    """The tensors that a model gave, each with its name: none of a single one, which needs no name."""
    if given.__class__ in PLAIN_TENSORS:  # as usual
        return []
    named = [(str(name), x) for name, x in _named(model, given, "output_names")]
    return named if len({name for name, _ in named}) > 1 else []


def _named(model: Any, given: Any, which: str) -> list[tuple[Any, Any]]:
    """Tensors with their keys, or with the model's own names in their order; none where it has no, or other, names."""
    if isinstance(given, Mapping):
        return list(given.items())
    try:
        names = list(getattr(model, which, ()))
    except Exception:  # noqa: BLE001  (a property of the user's: recording must not break a run)
        return []
    leaves = [given] if given.__class__ in PLAIN_TENSORS else list(flat(given))
    return list(zip(names, leaves, strict=True)) if len(names) == len(leaves) else []
