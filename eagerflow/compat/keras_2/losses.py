"""Loss functions of Keras 2 that reach for symbolic tensors of the model: `1 + z_log_var - K.square(z_mean)`.

Such a function is called once, on a placeholder for labels and the model's own symbolic output, which gives a graph.
What it takes from the model, and gradients within the model (`K.gradients(y_pred, x)`), are computed by the model at
every call, and handed to that graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from eagerflow.base import tree
from eagerflow.layer.symbolic.graph import Graph
from eagerflow.layer.symbolic.input import Input
from eagerflow.layer.symbolic.splice import from_intermediate
from eagerflow.layer.symbolic.tensors import SymbolicTensor

__all__ = ["with_captured"]


def with_captured(model: Any, loss: Any) -> Any:
    """The loss, or losses; those that use tensors of the model get their values."""
    if model._ef_state.graph is None:
        return loss
    outputs, taken = model.outputs, list[SymbolicTensor]()
    if len(outputs) == 1 and not isinstance(loss, (list, tuple, dict)):
        found = _connected(model, loss, outputs[0], taken)
    elif isinstance(loss, (list, tuple)) and len(loss) == len(outputs):
        found = [_connected(model, each, output, taken) for each, output in zip(loss, outputs)]
    elif isinstance(loss, dict) and set(loss) <= set(model.output_names):
        named = dict(zip(model.output_names, outputs))
        found = {name: _connected(model, each, named[name], taken) for name, each in loss.items()}
    else:
        return loss
    if not taken:
        return loss
    model._extended().connect(model, captured=taken)
    return found


def _connected(model: Any, loss: Any, output: SymbolicTensor, taken: list[SymbolicTensor]) -> Any:
    """One loss; what it takes from the model comes behind what others took."""
    if not any(isinstance(x, SymbolicTensor) for x in _seen_by(loss)):
        return loss
    ends = [Input(batch_shape=output.shape, name="y_true"), output]
    value = loss(*ends)
    own = _taken(value, ends) if isinstance(value, SymbolicTensor) else []
    if not own:
        return loss
    graph = Graph(*from_intermediate([*ends, *own], value), "loss")
    first, last = len(taken), len(taken) + len(own)
    taken += own

    def captured(y_true: Any, y_pred: Any) -> Any:
        return graph.run([y_true, y_pred, *model._extended().values[first:last]])

    captured.__name__ = getattr(loss, "__name__", "loss")
    return captured


def _seen_by(function: Any) -> Iterator[Any]:
    """What a function, and functions that it calls, find in closures, among global names and given arguments."""
    waiting, met = [function], dict[int, Any]()  # by identity; the dict keeps them
    while waiting:
        here: Any = waiting.pop()
        if id(here) in met:
            continue
        met[id(here)] = here
        seen: list[Any] = []
        if isinstance(here, partial):
            seen = [here.func, *here.args, *here.keywords.values()]
        elif hasattr(here, "__code__") and hasattr(here, "__globals__"):
            cells = [c.cell_contents for c in here.__closure__ or () if _is_filled(c)]
            seen = [cells, [here.__globals__[n] for n in here.__code__.co_names if n in here.__globals__]]
        elif hasattr(here, "__func__"):
            seen = [here.__func__]
        for found in tree.flatten(seen):
            yield found
            if callable(found) and not isinstance(found, type):
                waiting.append(found)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _taken(value: SymbolicTensor, ends: list[Any]) -> list[SymbolicTensor]:
    """The tensors that the loss takes from the model: made without `ends`, used together with what is made of them."""
    known: dict[Any, bool] = {x.origin: True for x in ends}  # whether a tensor depends on the ends
    waiting = [value]
    while waiting:
        x = waiting[-1]
        above = [] if x.node is None else x.node.inputs
        unknown = [y for y in above if y.origin not in known]
        if unknown:
            waiting += unknown
            continue
        known.setdefault(x.origin, any(known[y.origin] for y in above))
        waiting.pop()
    found: dict[Any, SymbolicTensor] = {} if known[value.origin] else {value.origin: value}
    waiting, seen = [value], {x.origin for x in ends}  # the loss's inputs
    while waiting:
        x = waiting.pop()
        if not known[x.origin] or x.origin in seen or x.node is None:
            continue
        seen.add(x.origin)
        found |= {y.origin: y for y in x.node.inputs if not known[y.origin]}
        waiting += x.node.inputs
    return list(found.values())
