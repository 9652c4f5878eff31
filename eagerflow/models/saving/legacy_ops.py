"""TensorFlow's functions between the layers of a Keras 2 model: `x + y` is a "TFOpLambda" of `__operators__.add`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["is_place", "tensor", "tensorflow_op"]

_NAMES = {
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "div": "divide",
    "neg": "negative",
    "pow": "power",
    "reduce_mean": "mean",
    "reduce_sum": "sum",
    "reduce_max": "max",
    "reduce_min": "min",
    "reduce_prod": "prod",
    "reduce_std": "std",
    "reduce_variance": "var",
    "reduce_logsumexp": "logsumexp",
    "concat": "concatenate",
    "getitem": "get_item",
    "gather": "take",
    "clip_by_value": "clip",
    "l2_normalize": "normalize",
}
_ARGUMENTS = {"perm": "axes", "keepdims": "keepdims", "clip_value_min": "x_min", "clip_value_max": "x_max"}
_SECOND = ("y", "b", "slice_spec", "indices", "shape", "multiples", "paddings", "dtype")  # come next by position


def is_place(value: Any) -> bool:
    """`["dense", 0, 0]`, perhaps with keyword arguments behind."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(type(n) is int for n in value[1:3])
    )


def tensor(place: Any) -> dict[str, Any]:
    """The reference to a tensor in Keras 3's layout."""
    return {"class_name": "__keras_tensor__", "config": {"keras_history": list(place[:3])}}


def tensorflow_op(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a function of TensorFlow, as one of ours; unknown ones are refused by their name later."""
    settings = entry.get("config") or {}
    function = str(settings.get("function", "")).rpartition(".")[2]
    calls = [_call(call) for call in entry.get("inbound_nodes", [])]
    config = {"name": settings.get("name")}
    return {
        "module": "eagerflow.ops",
        "class_name": _NAMES.get(function, function),
        "config": config,
        "name": entry.get("name") or settings.get("name"),
        "inbound_nodes": calls,
    }


def _call(call: Any) -> dict[str, Any]:
    """The arguments of `[name, call, output, kwargs]`, or of a list of such."""
    places = [call] if isinstance(call[0], str) else list(call)
    values = [_first(place) for place in places]
    kwargs = {k: v for k, v in places[0][3].items() if k != "name"} if len(places[0]) > 3 else {}
    args = [values[0] if len(values) == 1 else values]
    args += [_value(kwargs.pop(name)) for name in _SECOND if name in kwargs]
    return {"args": args, "kwargs": {_ARGUMENTS.get(k, k): _value(v) for k, v in kwargs.items()}}


def _first(place: Any) -> Any:
    return place[2] if place[0] == "_CONSTANT_VALUE" else tensor(place)


def _value(value: Any) -> Any:
    if is_place(value):
        return tensor(value)
    if isinstance(value, Mapping) and set(value) == {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": dict(value)}
    return [_value(v) for v in value] if isinstance(value, list) else value
