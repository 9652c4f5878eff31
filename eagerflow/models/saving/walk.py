"""Which objects of a model are saved, and under which path: Keras 3's rule, so that its files fit ours.

The path of an object follows the attributes that lead to it: `layers/dense`, `encoder/query_dense`. In
lists, tuples and dicts an object is named by its class, numbered where that repeats, since names of
layers differ from run to run. Whatever is reached twice is saved once, where it is reached first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from eagerflow.layer.unique_names import snake_case
from eagerflow.layer.weights import WeightHolder
from eagerflow.optimizers.base import Optimizer

__all__ = ["children", "saved_objects"]


def saved_objects(model: Any, skipped: Iterable[Any] = ()) -> Iterator[tuple[str, Any]]:
    """All layers and optimizers of the model with their paths, parents first; the model's own path is "".

    Those among `skipped` are left out, with what is inside of them.
    """
    seen = {id(thing): thing for thing in skipped}  # kept alive: `model.layers` gives a list that dies at once
    waiting: list[tuple[str, Any]] = [("", model)]
    while waiting:
        path, thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        if isinstance(thing, (WeightHolder, Optimizer)):
            yield path, thing
            below = [(f"{path}/{name}" if path else name, child) for name, child in children(thing)]
        else:
            below = [(f"{path}/{name}", child) for name, child in _in_container(thing)]
        waiting.extend(reversed(below))


def children(thing: Any) -> Iterator[tuple[str, Any]]:
    """The attributes which may hold something to save: public names first, each in alphabetical order."""
    held = _attributes(thing)
    if hasattr(thing, "_shown_layers"):
        if thing._ef_state.graph is not None or thing._ef_state.sequence is not None:
            yield "layers", thing.layers
        held["layers"] = thing.layers
        if thing.compiled:
            held["optimizer"] = thing.optimizer
    for name in sorted(held, key=lambda n: f"~{n}" if n.startswith("_") else n):
        yield name, held[name]


def _attributes(thing: Any) -> dict[str, Any]:
    """What the attributes hold; a private one goes by the name of its public property, as in Keras."""
    held: dict[str, Any] = {}
    hidden = getattr(type(thing), "_private_in_files", ())
    for name, value in vars(thing).items():
        tracked = name in thing._ef_state.tracked if isinstance(thing, WeightHolder) else False
        if not (tracked or isinstance(value, Optimizer)):
            continue
        public = name.lstrip("_")
        if public in hidden:
            name = f"_{public}"
        elif name != public and isinstance(getattr(type(thing), public, None), property):
            name = public
        held[name] = value
    return held


def _in_container(container: Any) -> Iterator[tuple[str, Any]]:
    """The members to save, named by their classes."""
    used: dict[str, int] = {}
    for value in _values(container):
        if isinstance(value, (WeightHolder, Optimizer)):
            name = snake_case(type(value).__name__)
        elif isinstance(value, (list, tuple, dict)):
            name = "container"
        else:
            continue
        used[name] = used.get(name, -1) + 1
        yield f"{name}_{used[name]}" if used[name] else name, value


def _values(container: Any) -> Iterable[Any]:
    if isinstance(container, dict):
        return list(container.values())
    return container if isinstance(container, (list, tuple)) else ()
