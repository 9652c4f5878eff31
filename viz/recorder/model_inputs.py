"""What a model can be called with that nobody gave inputs for."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import tree

__all__ = ["inner_layers", "known_shape", "symbolic_ends", "zeros_for"]


def symbolic_ends(model: Any) -> tuple[list[Any], list[Any]] | None:
    """The symbolic inputs and outputs; None where the model has none."""
    try:
        return list(model.inputs), list(model.outputs)
    except AttributeError:
        return None


def inner_layers(layer: Any) -> list[Any]:
    """The layers among an object's attributes, and in lists and dicts there, in the order in which they were set."""
    found = getattr(layer, "layers", None)
    if found is not None:
        return list(found)
    return [each for each in tree.flatten(list(vars(layer).values())) if hasattr(each, "get_build_config")]


def known_shape(layer: Any) -> Any:
    """The shape of a layer's input: what it was built with, or else what its first inner layer was."""
    config = layer.get_build_config() if getattr(layer, "built", False) else None
    shape = (config or {}).get("input_shape")
    inner = [] if shape is not None else list(inner_layers(layer))
    for each in inner:
        shape = known_shape(each)
        if shape is not None:
            break
    return shape


def zeros_for(model: Any, hint: str) -> Any:
    """One sample of zeros, of the shape that the model was built with."""
    ends = symbolic_ends(model)
    if ends is not None:
        found = [numpy.zeros([1 if n is None else n for n in x.shape], str(x.dtype)) for x in ends[0]]
        return found if len(found) > 1 else found[0]
    shape = known_shape(model)
    if shape is None:
        raise ValueError(
            f"{type(model).__name__} {getattr(model, 'name', '')!r} doesn't know its input: call it on a batch first, "
            f"or give one: {hint}."
        )
    return tree.map_shape_structure(lambda s: numpy.zeros([1 if n is None else n for n in s], "float32"), shape)
