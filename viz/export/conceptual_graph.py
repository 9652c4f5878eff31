"""A model's configuration in the form from which TensorBoard can draw its conceptual graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["conceptual_of"]


def conceptual_of(model: Any) -> str | None:
    """The JSON of a `Sequential` or functional model, with lists where TensorBoard knows no dicts.

    TensorBoard reads inputs and outputs of models as lists alone, of arguments only tensors, and fails on all else.

    Returns:
        The JSON; None for subclassed models, whose calls nobody wrote down, and for what is no model.
    """
    to_json = getattr(model, "to_json", None)
    if to_json is None:
        return None
    try:
        known = json.loads(to_json())
        return json.dumps(_plain(known)) if _is_model(known) else None
    except (NotImplementedError, TypeError, ValueError):  # a subclassed model without get_config
        return None


def _is_model(layer: Any) -> bool:
    config = layer.get("config") if isinstance(layer, dict) else None
    layers = config.get("layers") if isinstance(config, dict) else None
    return isinstance(layers, list) and bool(layers) and all(isinstance(each, dict) for each in layers)


def _plain(layer: dict[str, Any]) -> dict[str, Any]:
    made = dict(layer, class_name=str(layer.get("class_name", "")).encode("ascii", "replace").decode("ascii"))
    config = dict(layer.get("config") or {})
    config.setdefault("name", layer.get("name", made["class_name"]))
    if _is_model(layer):
        config["layers"] = [_plain(each) for each in config["layers"]]
        if config.get("input_layers") and config.get("output_layers"):
            config["input_layers"] = [end[0] for end in _ends(config["input_layers"])]
            config["output_layers"] = list(_ends(config["output_layers"]))
    else:
        config.pop("layers", None)  # of a layer that holds others, which it doesn't run one after another
    made["config"] = config
    if isinstance(layer.get("inbound_nodes"), list):
        made["inbound_nodes"] = [{"args": [list(_tensors(node))]} for node in layer["inbound_nodes"]]
    return made


def _ends(told: Any) -> Iterator[list[Any]]:
    """The `[layer's name, call, output]` in a nested structure."""
    return _within(told, lambda each: isinstance(each, list) and len(each) == 3 and isinstance(each[0], str))


def _tensors(told: Any) -> Iterator[dict[str, Any]]:
    """What stands for tensors in the arguments of a call."""
    return _within(told, lambda each: isinstance(each, dict) and "keras_history" in (each.get("config") or {}))


def _within(told: Any, is_wanted: Callable[[Any], bool]) -> Iterator[Any]:
    """What is wanted of dicts and lists in each other, and of itself."""
    if is_wanted(told):
        yield told
        return
    for each in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        yield from _within(each, is_wanted)
