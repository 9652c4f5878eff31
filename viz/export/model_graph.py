"""The graph of one call of a model, for the Graphs tab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow.core.random import frozen
from viz.export import tensorboard_graph
from viz.export.conceptual_graph import conceptual_of
from viz.export.tensorboard_events import EventLog
from viz.recorder.capture import Options
from viz.recorder.model_inputs import symbolic_ends, zeros_for
from viz.recorder.record_builder import record_of

__all__ = ["write"]


def write(log: EventLog, model: Any, inputs: Any = None) -> Sequence[str]:
    """Write the ops of a call in inference, and the layers.

    Args:
        log: the run.
        model: a model, a layer or a function.
        inputs: what it is called with, several as a tuple; None: zeros of the shape that it was built with.

    Returns:
        The names of the nodes.

    Raises:
        TypeError: when it can't be called.
        ValueError: when nobody knows what to call it with, or it ran nothing.
    """
    if not callable(model) or isinstance(model, type):
        raise TypeError(f"add_graph(model): expected a model, a layer or a function; got {type(model).__name__}")
    given = zeros_for(model, "add_graph(model, x)") if inputs is None else inputs
    is_several = isinstance(given, tuple) and (symbolic_ends(model) is None or len(given) == 1)
    arguments = given if is_several else (given,)  # a functional model takes all its inputs as one argument
    name = str(getattr(model, "name", getattr(model, "__name__", type(model).__name__)))
    with frozen():
        record = record_of(lambda: model(*arguments), Options(name, backward=False))
    if not record.ops:
        raise ValueError(f"add_graph(model): {name} ran no operation, so there is no graph to write")
    if (layers := conceptual_of(model)) is not None:
        log.model(layers)
    return sorted(tensorboard_graph.append(record, log))
