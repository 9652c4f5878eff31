"""All that steps of training change, kept and put back bit for bit."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterable, Iterator
from typing import Any

from eagerflow.core import random
from eagerflow.core.observe import unobserved
from eagerflow.training.sandbox import only_kept

__all__ = ["optimizers_of", "put_back"]

_OF_TRAINING = ("optimizer", "history", "stop_training", "stop_evaluating", "stop_predicting")
_CONTAINERS = (list, dict, set)


def optimizers_of(model: Any) -> list[Any]:
    """The optimizers that a model holds: the compiled one, its own attributes, and those inside of others."""
    held = [getattr(model, "optimizer", None), *vars(model).values()]
    found: list[Any] = []
    while held:
        each = held.pop(0)
        if hasattr(each, "apply_gradients") and not any(each is known for known in found):
            found.append(each)
            held += vars(each).values()
    return found


@contextlib.contextmanager
def put_back(model: Any, optimizers: Iterable[Any] = ()) -> Iterator[None]:
    """When the block ends, model, optimizers and random states are as they were before it.

    These are weights, moving averages, states of recurrent layers and of random generators, everything that
    optimizers and metrics keep, what `compile` made, and the process-wide random states. What layers keep in Python
    attributes of their own isn't known here.

    Args:
        model: a model or layer whose weights exist.
        optimizers: those that the model doesn't hold itself.

    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> before = model.get_weights()
    >>> with put_back(model):
    ...     loss = model.train_on_batch([[1.0, 2.0]], [[3.0]])
    >>> bool((model.get_weights()[0] == before[0]).all()), model.optimizer.built
    (True, False)
    """
    every = [*optimizers_of(model), *optimizers]
    state: Any = getattr(model, "_ef_state", None)
    compiled = getattr(state, "compiled", None)
    parts = () if compiled is None else (compiled, compiled.loss, compiled.metrics, compiled.outputs)
    held = [(o, vars(o).copy() if o.built else _unbuilt(o, every)) for o in every]
    held += [(each, _attributes(each)) for each in (*parts, *getattr(model, "metrics", [])) if each is not None]
    own = {name: x for name, x in _attributes(model).items() if name in _OF_TRAINING}
    with only_kept(tuple), random.frozen():
        try:
            yield
        finally:
            with unobserved():
                for thing, attributes in held:
                    vars(thing).clear()
                    vars(thing).update(attributes)
                for name in _OF_TRAINING:
                    vars(model).pop(name, None)
                vars(model).update(own)
                if hasattr(state, "compiled"):
                    state.compiled = compiled


def _attributes(thing: Any) -> dict[str, Any]:
    """The attributes of an object, and what its lists and dicts hold."""
    return {name: copy.copy(x) if type(x) in _CONTAINERS else x for name, x in vars(thing).items()}


def _unbuilt(optimizer: Any, every: list[Any]) -> dict[str, Any]:
    """Copies of all attributes of an optimizer without state, but for what it is made of: variables and the like."""
    pinned = [optimizer, *every, *[v for o in every for v in o.variables]]
    memo = {id(thing): thing for thing in pinned}
    return {name: _deeply(value, memo) for name, value in vars(optimizer).items()}


def _deeply(value: Any, memo: dict[int, Any]) -> Any:
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # noqa: BLE001  (an attribute of the user's that can't be copied: then it stays as it is)
        return value
