"""Loss functions of Keras 2 that reach for symbolic tensors of the model: `1 + z_log_var - K.square(z_mean)`.

Such a function is called once, on placeholders for labels and predictions, which gives a graph. What it takes from
the model is computed by the model at every call, and handed to that graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from eagerflow.base import tree
from eagerflow.base.spellings import behaviour
from eagerflow.layer.symbolic.graph import Graph
from eagerflow.layer.symbolic.input import Input
from eagerflow.layer.symbolic.splice import from_intermediate
from eagerflow.layer.symbolic.tensors import SymbolicTensor

__all__ = ["with_captured"]


def with_captured(model: Any, loss: Any) -> Any:
    """The loss; in programs of Keras 2, one that uses tensors of the model gets their values."""
    code = getattr(loss, "__code__", None)
    if not behaviour.keras_2 or code is None or model._graph is None or len(model.outputs) != 1:
        return loss
    if not any(isinstance(x, SymbolicTensor) for x in _seen_by(loss)):
        return loss
    shape = model.outputs[0].shape
    ends = [Input(batch_shape=shape, name="y_true"), Input(batch_shape=shape, name="y_pred")]
    value = loss(*ends)
    taken = _taken(value, ends) if isinstance(value, SymbolicTensor) else []
    if not taken:
        return loss
    added = model._extended()
    added.connect(model, captured=taken)
    graph = Graph(*from_intermediate([*ends, *taken], value), "loss")

    def captured(y_true: Any, y_pred: Any) -> Any:
        return graph.run([y_true, y_pred, *added.values])

    captured.__name__ = loss.__name__
    return captured


def _seen_by(function: Callable[..., Any]) -> Iterator[Any]:
    """What a function, and functions that it calls, find in closures and among global names."""
    waiting, met = [function], set()
    while waiting:
        here: Any = waiting.pop()
        met.add(here)
        cells = [c.cell_contents for c in here.__closure__ or () if _is_filled(c)]
        names = [here.__globals__[n] for n in here.__code__.co_names if n in here.__globals__]
        for found in tree.flatten([cells, names]):
            yield found
            if hasattr(found, "__code__") and hasattr(found, "__globals__") and found not in met:
                waiting.append(found)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _taken(value: SymbolicTensor, ends: list[Any]) -> list[SymbolicTensor]:
    """The tensors that the loss takes from the model: made without `ends`, used beside what is made of them."""
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
    waiting, seen = [value], set()
    while waiting:
        x = waiting.pop()
        if not known[x.origin] or x.origin in seen or x.node is None:
            continue
        seen.add(x.origin)
        found |= {y.origin: y for y in x.node.inputs if not known[y.origin]}
        waiting += x.node.inputs
    return list(found.values())
