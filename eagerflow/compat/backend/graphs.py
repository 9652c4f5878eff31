"""`K.function` and `K.gradients`: values and derivatives of any symbolic tensor of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eagerflow import ops
from eagerflow.core import tree
from eagerflow.core.tape import GradientTape
from eagerflow.core.variable import Variable
from eagerflow.layers.base import Layer
from eagerflow.layers.session import get_source_inputs
from eagerflow.layers.symbolic import SymbolicTensor
from eagerflow.models.model import Model

__all__ = ["function", "gradients"]


def function(inputs: Any, outputs: Any, updates: Any = None, **kwargs: Any) -> Callable[[Any], Any]:
    """A function from values of symbolic tensors to values of others.

    Args:
        inputs: what `Input` gave, or tensors from the middle of a model; a list may contain `K.learning_phase()`,
            for which the function then takes 0 or 1.
        outputs: symbolic tensors made from them.
        updates: nothing; variables are assigned to as programs run.
        **kwargs: `name`; anything else is TensorFlow's and without meaning here.

    Returns:
        A function of a list of arrays, which gives a list of NumPy arrays (one array for a single output).

    Raises:
        TypeError: for outputs that aren't symbolic.
        ValueError: for `updates`.
    """
    if updates:
        raise ValueError("K.function(updates=...): assign to variables in a layer's call, or after the call.")
    listed = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    for x in tree.flatten(outputs):
        if not isinstance(x, SymbolicTensor):
            raise TypeError(
                f"K.function(outputs): expected symbolic tensors, such as layer.output; got {type(x).__name__}."
            )
    phase = next((i for i, x in enumerate(listed) if isinstance(x, int)), None)
    model = Model([x for x in listed if not isinstance(x, int)], outputs, name="function")

    def call(values: Any) -> Any:
        values = list(values) if isinstance(values, (list, tuple)) else [values]
        if len(values) != len(listed):
            raise ValueError(f"K.function: expected {len(listed)} value(s); got {len(values)}.")
        training = bool(values.pop(phase)) if phase is not None else False
        return tree.map_structure(ops.convert_to_numpy, model(values, training=training))

    return call


def gradients(loss: Any, variables: Any) -> list[Any]:
    """The gradients of a symbolic tensor's sum with respect to symbolic tensors or weights, symbolically.

    Args:
        loss: made from `Input` by layers and ops.
        variables: one tensor or weight, or a list of them: `model.input`, `layer.output`, `layer.kernel`.

    Returns:
        A symbolic tensor for each, for `K.function` and models.

    Raises:
        TypeError: when the loss is a number already; `GradientTape` differentiates those.
    """
    if not isinstance(loss, SymbolicTensor):
        raise TypeError(
            f"K.gradients: expected a symbolic loss, made of model.output; got {type(loss).__name__}, whose history "
            "is gone. Write: with tf.GradientTape() as tape: ...; tape.gradient(loss, variables)."
        )
    listed = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    places = [x for x in listed if isinstance(x, SymbolicTensor)]
    weights = [x for x in listed if isinstance(x, Variable)]
    found = _Gradients(loss, places, weights).of()
    return [found.pop(id(x)) for x in listed]


class _Gradients(Layer):
    """The gradients of a graph's output with respect to tensors in it, and weights."""

    def __init__(self, loss: Any, places: Sequence[Any], weights: Sequence[Variable]) -> None:
        super().__init__()
        self.autocast = False
        self.places, self.watched = list(places), list(weights)
        known = {x.origin for x in places}
        others = [x for x in get_source_inputs(loss) if x.origin not in known]
        self.sources = [*places, *_needed(places, others, loss)]
        self.graph = Model(self.sources, loss, name="loss")

    def of(self) -> dict[int, Any]:
        """The symbolic gradients, by the identity of what they belong to."""
        made = tree.flatten(self(self.sources))
        return {id(x): g for x, g in zip([*self.places, *self.watched], made)}

    def call(self, values: list[Any]) -> list[Any]:
        """The gradients at these values."""
        with GradientTape() as tape:
            tape.watch(values)
            loss = self.graph(values)
        wanted: list[Any] = [*values[: len(self.places)], *self.watched]
        found: list[Any] = tape.gradient(loss, wanted, unconnected_gradients="zero")
        return found


def _needed(places: Sequence[Any], others: Sequence[Any], loss: Any) -> list[Any]:
    """The inputs besides `places` that the loss can't be computed without."""
    try:
        Model(list(places), loss, name="loss")
    except ValueError:
        return list(others)
    return []
