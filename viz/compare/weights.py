"""What differs between two models, or two files of weights."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy

from viz.compare.difference import Difference, WeightChange
from viz.compare.op_places import shared_name
from viz.compare.sequence_alignment import align, by_occurrence
from viz.compare.tensor_distance import apart, comparable
from viz.facts import formatting
from viz.facts.json_data import to_plain
from viz.facts.schema import VARIABLES, Record, TensorInfo
from viz.facts.selection import variables_of

__all__ = ["MISSING", "OF_NO_INTEREST", "compare_models", "compare_weights", "config_changes", "weight_changes"]

Arrays = dict[str, numpy.ndarray]

# What has names of its own, and what is compared by itself.
OF_NO_INTEREST = "name layers input_layers output_layers layer backward_layer build_input_shape".split()
MISSING: Any = object()
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # of a function: another in each run


def compare_weights(a: Arrays, b: Arrays, tolerance: float, names: tuple[str, str]) -> Difference:
    """Compare arrays by name; those whose names have no counterpart by place, shape and type."""
    found = Difference(*names, "weights", tolerance)
    found.weights = _of_arrays(a, b, tolerance)
    found.compared = {"values": len(a.keys() & b.keys())}
    if a and b and not a.keys() & b.keys():
        found.notes.append("no two arrays have the same name: they were matched by their order and shapes")
    return found


def compare_models(a: Any, b: Any, tolerance: float, names: tuple[str, str]) -> Difference:
    """Compare the layers' settings, and the weights."""
    found = Difference(*names, "models", tolerance)
    found.settings = _settings(a, b)
    arrays_a, arrays_b = ({v.path: v.numpy() for v in model.weights} for model in (a, b))
    found.weights = _of_arrays(arrays_a, arrays_b, tolerance)
    found.compared = {"values": min(len(arrays_a), len(arrays_b))}
    for model in (a, b):
        if not model.built:
            found.notes.append(f"model {formatting.clean(model.name)!r} has no weights yet: call it on data first")
    return found


# ---------------------------------------------------------------------- weights


def weight_changes(
    a: Record, b: Record, read: Iterable[tuple[int, int]], tolerance: float, by_form: bool = False
) -> list[WeightChange]:
    """Compare the weights of two recordings.

    Those are the same that stand in pairs of what the same ops `read`; of others those of the same name, then of the
    same without generated numbers, and at last `by_form` those of the same shape and type, in their order.
    """
    firsts_a, firsts_b = variables_of(a), variables_of(b)
    same: dict[int, tuple[int, int]] = {}  # by the weight's first version: the versions that were read
    taken: set[int] = set()
    for i, j in read:
        if i in firsts_a and j in firsts_b and firsts_a[i] not in same and firsts_b[j] not in taken:
            same[firsts_a[i]] = i, j
            taken.add(firsts_b[j])
    left_a = [t for t in a.tensors if _is_weight(t) and t.id not in same]
    left_b = [t for t in b.tensors if _is_weight(t) and t.id not in taken]
    for token in (lambda t: t.name, _shared_path, formatting.tensor)[: 3 if by_form else 2]:
        matched = by_occurrence([token(t) for t in left_a], [token(t) for t in left_b])
        same |= {left_a[i].id: (left_a[i].id, left_b[j].id) for i, j in matched}
        taken.update([left_b[j].id for _, j in matched])
        left_a, left_b = [t for t in left_a if t.id not in same], [t for t in left_b if t.id not in taken]
    pairs = sorted(same.values(), key=lambda pair: pair[1])
    changes = [change for i, j in pairs if (change := _change(a, b, i, j, tolerance)) is not None]
    changes += [WeightChange("removed", a.shown(t.id), formatting.tensor(t)) for t in left_a]
    return changes + [WeightChange("added", b.shown(t.id), b=formatting.tensor(t), tensor_b=t.id) for t in left_b]


def _is_weight(info: TensorInfo) -> bool:
    return info.role in VARIABLES and not info.version and info.producer is None


def _shared_path(info: TensorInfo) -> str:
    return "/".join([shared_name(part) for part in info.name.split("/")[1:]]) or shared_name(info.name)


def _change(a: Record, b: Record, i: int, j: int, tolerance: float) -> WeightChange | None:
    before, after = a.tensors[i], b.tensors[j]
    shown = formatting.tensor(before), formatting.tensor(after)
    if before.shape != after.shape:
        return WeightChange("shape", b.shown(j), *shown, tensor_b=j)
    if before.dtype != after.dtype:
        return WeightChange("dtype", b.shown(j), *shown, tensor_b=j)
    by = comparable(a, b, i, j)
    error, changed, _ = (0.0, None, "") if by is None else apart(a, b, i, j, by, tolerance)
    return WeightChange("values", b.shown(j), *shown, error, changed, j) if error > tolerance else None


def _of_arrays(a: Arrays, b: Arrays, tolerance: float) -> list[WeightChange]:
    """The same of arrays by name."""
    found = weight_changes(_record(a), _record(b), (), tolerance, by_form=True)
    return [dataclasses.replace(change, tensor_b=None) for change in found]


def _record(arrays: Arrays) -> Record:
    tensors = [
        TensorInfo(i, array.shape, array.dtype.name, array.nbytes, "parameter", name)
        for i, (name, array) in enumerate(arrays.items())
    ]
    return Record(tensors=tensors, values=dict(enumerate(arrays.values())))


# ---------------------------------------------------------------------- layers


def _settings(a: Any, b: Any) -> list[str]:
    layers_a, layers_b = list(_layers(a)), list(_layers(b))
    tokens = [
        [(type(layer).__name__, shared_name(layer.name, type(layer).__name__)) for layer in layers]
        for layers in (layers_a, layers_b)
    ]
    matched = align(*tokens)
    gone, come = {i for i, _ in matched}, {j for _, j in matched}
    found = [f"layer {_called(each)} removed" for i, each in enumerate(layers_a) if i not in gone]
    found += [f"layer {_called(each)} added" for j, each in enumerate(layers_b) if j not in come]
    for i, j in matched:
        found += config_changes(layers_b[j].name, _config(layers_a[i]), _config(layers_b[j]))
    return found


def _layers(model: Any) -> Any:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)


def _called(layer: Any) -> str:
    return f"{formatting.clean(layer.name)} ({type(layer).__name__})"


def _config(layer: Any) -> dict[str, Any]:
    """The settings of a layer; none when it can't say, and of models none, as their layers are compared."""
    if hasattr(layer, "layers"):
        return {}
    try:
        config: dict[str, Any] = to_plain(layer.get_config())
    except NotImplementedError:
        return {}
    return {key: value for key, value in config.items() if key not in ("name", "build_config")}


def config_changes(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A line for each setting of a layer, loss or optimizer that changed: `"adam: learning_rate 0.001 → 0.01"`."""
    shown = [(key, *[_in_short(each.get(key, MISSING)) for each in (before, after)]) for key in {**before, **after}]
    return [
        f"{formatting.clean(name, 40)}: {key} {formatting.clean(old, 120)} → {formatting.clean(new, 120)}"
        for key, old, new in shown
        if old != new
    ]


def _in_short(setting: Any) -> str:
    """A setting in short: of a saved object its class and what it was given."""
    if setting is MISSING:
        return "(none)"
    if isinstance(setting, float):
        return f"{setting:.6g}"  # a learning rate is a float32: 0.0010000000474974513
    if isinstance(setting, dict) and "class_name" in setting:
        given = setting.get("config")
        given = given if isinstance(given, dict) else {}
        inner = [f"{k}={_in_short(v)}" for k, v in given.items() if v is not None and k not in OF_NO_INTEREST]
        return f"{setting['class_name']}({', '.join(inner)})"
    return _ADDRESS.sub("", repr(setting))
