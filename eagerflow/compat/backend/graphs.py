"""`K.function` and `K.gradients`: values and derivatives of any symbolic tensor of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eagerflow import ops
from eagerflow.base import tree
from eagerflow.core.tape import GradientTape
from eagerflow.core.variable import Variable
from eagerflow.layer.layer import Layer
from eagerflow.layer.symbolic.session import get_source_inputs
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.models.model import Model

__all__ = ["function", "gradients"]


def function(inputs: Any, outputs: Any, updates: Any = None, **kwargs: Any) -> Callable[[Any], Any]:
    """A function from values of symbolic tensors to values of others.

    Raises:
        TypeError: for outputs that aren't symbolic.
        ValueError: for `updates`.

    >>> x = ef.Input((2,))
    >>> doubled = function([x], [2 * x])
    >>> doubled([np.array([[1.0, 2.0]])])
    [array([[2., 4.]], dtype=float32)]
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
        place = phase
        if phase is None and len(values) == len(listed) + 1 and _is_phase(values[-1]):
            place = len(listed)  # the phase, though it isn't among the inputs
        elif len(values) != len(listed):
            raise ValueError(f"K.function: expected {len(listed)} value(s); got {len(values)}.")
        training = bool(values.pop(place)) if place is not None else False
        found = tree.flatten(model(values, training=training))  # of one output, without the list that was asked for
        return tree.map_structure(ops.convert_to_numpy, tree.pack_sequence_as(outputs, found))

    return call


def _is_phase(value: Any) -> bool:
    """Whether it is 0 or 1, as a learning phase is."""
    return isinstance(value, (bool, int, float)) and value in (0, 1)


def gradients(loss: Any, variables: Any) -> list[Any]:
    """The gradients of a symbolic tensor's sum with respect to symbolic tensors or weights, symbolically.

    Raises:
        TypeError: when the loss is a number already; `GradientTape` differentiates those.

    >>> x = ef.Input((2,))
    >>> slopes = function([x], gradients(x * x, [x]))
    >>> slopes([np.array([[1.0, 2.0]])])
    [array([[2., 4.]], dtype=float32)]
    """
    if not isinstance(loss, SymbolicTensor):
        raise TypeError(
            f"K.gradients: expected a symbolic loss, made of model.output; got {type(loss).__name__}, whose history "
            "is gone. Write: with tf.GradientTape() as tape: ...; tape.gradient(loss, variables)."
        )
    listed = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    for x in listed:
        if not isinstance(x, (Variable, SymbolicTensor)):
            raise TypeError(f"K.gradients(variables): expected symbolic tensors or weights; got {type(x).__name__}.")
    weights = [x for x in listed if isinstance(x, Variable)]
    of_weights = iter(_Gradients(loss, None, weights).of() if weights else [])
    return [next(of_weights) if isinstance(x, Variable) else _with_respect_to(loss, x) for x in listed]


def _with_respect_to(loss: SymbolicTensor, place: Any) -> Any:
    """The symbolic gradient; None where the loss isn't made from that tensor."""
    waiting, seen = [loss], set[Any]()
    while waiting:
        x = waiting.pop()
        if x.origin == place.origin:
            return _Gradients(loss, place, []).of()[0]
        if x.origin not in seen and x.node is not None:
            seen.add(x.origin)
            waiting += x.node.inputs
    return None


class _Gradients(Layer):
    """The gradients of a graph's output with respect to one tensor in it, or to weights.

    A graph that begins at a tensor in the middle has no way to what lies before it, so every tensor has its own.
    """

    def __init__(self, loss: Any, place: Any, weights: Sequence[Variable]) -> None:
        super().__init__()
        self.autocast = False
        self.watched = list(weights)
        self.sources = _sources(loss, place)
        self.graph = Model(self.sources, loss, name="loss")

    def of(self) -> list[Any]:
        """The symbolic gradients."""
        return tree.flatten(self(self.sources))

    def call(self, values: list[Any]) -> list[Any]:
        """The gradients at these values."""
        with GradientTape() as tape:
            tape.watch(values)
            loss = self.graph(values)
        found: list[Any] = tape.gradient(loss, self.watched or values[:1], unconnected_gradients="zero")
        return found


def _sources(loss: Any, place: Any) -> list[Any]:
    """What the loss is computed from: `place`, and the inputs without which it can't be."""
    inputs = list(get_source_inputs(loss))
    if place is None:
        return inputs
    try:
        Model([place], loss, name="loss")
    except ValueError:
        return [place, *[x for x in inputs if x.origin != place.origin]]
    return [place]
