"""What a model answers when it is asked again in evaluation mode, with other values in one of its inputs."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, no_grad, tree
from eagerflow.core import random
from eagerflow.core.observe import unobserved
from viz.doctor.facts.host_arrays import host, is_tensor
from viz.doctor.facts.layer_kinds import may_run_again
from viz.doctor.facts.variable_owners import layers_in

__all__ = ["answer_with", "changes_with"]


def answer_with(model: Any, given: Any, x: Any, values: numpy.ndarray) -> numpy.ndarray | None:
    """The answers for these values of an input, and as many rows of the other inputs; nothing is changed by it.

    None where that isn't known: a model whose calls leave something behind isn't run.

    Args:
        model: what the program called.
        given: what it was called with.
        x: the input that gets other values.
        values: these.
    """
    if hasattr(model, "answer_with"):  # of another framework
        found: numpy.ndarray | None = model.answer_with(given, x, values)
        return found
    if not may_run_again(model):
        return None
    kept = [(v, v.data) for layer in layers_in(model) for v in layer.variables]  # replaced where it changes

    def cut(each: Any) -> Any:
        return Tensor(values if each is x else each.data[: len(values)]) if is_tensor(each) else each

    inputs = [each for each in given if not isinstance(each, bool)]
    with unobserved(), no_grad(), random.frozen():
        made = model(*tree.map_structure(cut, inputs), training=False)
    for variable, data in kept:
        if variable.data is not data:
            variable.data = data
    return host(made.data) if is_tensor(made) else None


def changes_with(
    model: Any, given: Any, x: Any, values: numpy.ndarray, other: numpy.ndarray
) -> tuple[numpy.ndarray, numpy.ndarray] | None:
    """The answers for values of an input, and how far they change with others; None where nothing tells."""
    found = [answer_with(model, given, x, each) for each in (values, values, other)]
    one, same, another = [None if each is None else each.astype("float64") for each in found]
    if one is None or same is None or another is None or one.shape != another.shape:
        return None
    known = numpy.isfinite(one).all() and numpy.isfinite(another).all() and numpy.array_equal(one, same)
    return (one, numpy.abs(another - one)) if known else None
