"""What differs between two models, or two files of weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from viz.compare.difference import Difference, WeightChange
from viz.compare.op_places import shared_name
from viz.compare.sequence_alignment import align, by_occurrence, without
from viz.compare.tensor_distance import arrays_apart
from viz.facts import formatting
from viz.facts.json_data import to_plain

__all__ = ["compare_models", "compare_weights"]

Arrays = dict[str, numpy.ndarray]


def compare_weights(a: Arrays, b: Arrays, tolerance: float, names: tuple[str, str]) -> Difference:
    """Compare arrays by name; those whose names have no counterpart by place, shape and type."""
    found = Difference(*names, "weights", tolerance)
    found.weights = _changes(a, b, tolerance)
    found.compared = {"values": len(a.keys() & b.keys())}
    if a and b and not a.keys() & b.keys():
        found.notes.append("no two arrays have the same name: they were matched by their order and shapes")
    return found


def compare_models(a: Any, b: Any, tolerance: float, names: tuple[str, str]) -> Difference:
    """Compare the layers' settings, and the weights."""
    found = Difference(*names, "models", tolerance)
    found.settings = _settings(a, b)
    arrays_a, arrays_b = ({v.path: v.numpy() for v in model.weights} for model in (a, b))
    found.weights = _changes(arrays_a, arrays_b, tolerance)
    found.compared = {"values": min(len(arrays_a), len(arrays_b))}
    for model in (a, b):
        if not model.built:
            found.notes.append(f"model {formatting.clean(model.name)!r} has no weights yet: call it on data first")
    return found


# ---------------------------------------------------------------------- arrays


def _changes(a: Arrays, b: Arrays, tolerance: float) -> list[WeightChange]:
    """By name, then by name without generated numbers, then by what stands in the same place."""
    names_a, names_b = list(a), list(b)
    pairs: list[tuple[str, str]] = []
    ways: list[tuple[Callable[..., list[tuple[int, int]]], Callable[[Arrays, str], str]]] = [
        (align, lambda _, name: name),
        (align, lambda _, name: _shared(name)),
        (by_occurrence, lambda arrays, name: form(arrays[name])),
    ]
    for match, token in ways:
        matched = match([token(a, name) for name in names_a], [token(b, name) for name in names_b])
        pairs += [(names_a[i], names_b[j]) for i, j in matched]
        names_a, names_b = without(names_a, [i for i, _ in matched]), without(names_b, [j for _, j in matched])
    order = {name: i for i, name in enumerate(b)}
    found = [_change(x, y, a[x], b[y], tolerance) for x, y in sorted(pairs, key=lambda pair: order[pair[1]])]
    changes = [change for change in found if change is not None]
    changes += [WeightChange("removed", name, form(a[name])) for name in names_a]
    return changes + [WeightChange("added", name, b=form(b[name])) for name in names_b]


def _shared(name: str) -> str:
    return "/".join([shared_name(part) for part in name.split("/")[1:]]) or name


def form(array: numpy.ndarray) -> str:
    """Shape and type of an array, in short."""
    return f"{formatting.shape(array.shape)} {formatting.dtype(array.dtype.name)}"


def _change(before: str, name: str, a: numpy.ndarray, b: numpy.ndarray, tolerance: float) -> WeightChange | None:
    if a.shape != b.shape:
        return WeightChange("shape", name, form(a), form(b))
    if a.dtype != b.dtype:
        return WeightChange("dtype", name, form(a), form(b))
    error, changed, _ = arrays_apart(a, b, tolerance)
    return WeightChange("values", name, form(a), form(b), error, changed) if error > tolerance else None


# ---------------------------------------------------------------------- layers


def _settings(a: Any, b: Any) -> list[str]:
    layers_a, layers_b = list(_layers(a)), list(_layers(b))
    tokens = [
        [(type(layer).__name__, shared_name(layer.name, type(layer).__name__)) for layer in layers]
        for layers in (layers_a, layers_b)
    ]
    matched = align(*tokens)
    found = []
    gone, come = {i for i, _ in matched}, {j for _, j in matched}
    found += [f"layer {_called(each)} removed" for i, each in enumerate(layers_a) if i not in gone]
    found += [f"layer {_called(each)} added" for j, each in enumerate(layers_b) if j not in come]
    for i, j in matched:
        found += _config_changes(layers_a[i], layers_b[j])
    return found


def _layers(model: Any) -> Any:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)


def _called(layer: Any) -> str:
    return f"{formatting.clean(layer.name)} ({type(layer).__name__})"


def _config_changes(a: Any, b: Any) -> list[str]:
    one, two = _config(a), _config(b)
    return [
        f"{formatting.clean(b.name)}: {key} {formatting.clean(repr(one.get(key)), 40)} → "
        f"{formatting.clean(repr(two.get(key)), 40)}"
        for key in sorted(one.keys() | two.keys())
        if repr(one.get(key)) != repr(two.get(key))
    ]


def _config(layer: Any) -> dict[str, Any]:
    """The settings of a layer; none when it can't say, and of models none, as their layers are compared."""
    if hasattr(layer, "layers"):
        return {}
    try:
        config: dict[str, Any] = to_plain(layer.get_config())
    except NotImplementedError:
        return {}
    return {key: value for key, value in config.items() if key not in ("name", "build_config")}
