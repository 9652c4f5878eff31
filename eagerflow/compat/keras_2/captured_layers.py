"""Layers of Keras 2 whose `call` uses symbolic tensors from outside, as in variational autoencoders.

Keras 2 called a layer on symbolic tensors, so any others could take part. Here such a `call` is run on them once: what
it computes is a graph, for which the tensors from outside are further inputs.
"""

from __future__ import annotations

from typing import Any

from eagerflow.base import tree
from eagerflow.base.errors import CapturedError
from eagerflow.compat.overrides import instead_of
from eagerflow.core import random
from eagerflow.layer import layer as layer_calls
from eagerflow.layer.layer import Layer
from eagerflow.layer.symbolic.graph import Graph
from eagerflow.layer.symbolic.splice import from_intermediate
from eagerflow.layer.symbolic.tensors import Origin, Serial, SymbolicTensor, serial_now
from eagerflow.layer.tensor_masks import masks_of, put_masks

__all__ = ["OVERRIDES"]


class _Inlined(Layer):
    """What a layer computes of its inputs and of further ones, with the losses that it adds."""

    def __init__(self, layer: Layer, graph: Graph) -> None:
        super().__init__(name=layer.name)
        self.layer, self._inside = layer, graph
        self.used = [each for each in graph.operations if isinstance(each, Layer)]

    def call(self, inputs: list[Any]) -> Any:
        outputs, terms = self._inside.run(inputs)
        for term in terms:
            self.add_loss(term)
        return outputs

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(
            f"{type(self.layer).__name__} {self.name!r} uses symbolic tensors that are not among its inputs, which a "
            "config can't tell. Pass them when the layer is called, layer([x, y, ...]); or save the weights alone."
        )


def _inlined(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The symbolic outputs of the call; None where it draws random numbers, which would always be the same ones."""
    terms: list[Any] = []
    begun, before = serial_now(), random.get_state()
    layer.__dict__["add_loss"] = lambda loss, inputs=None: terms.extend(tree.flatten(loss))
    try:
        outputs = layer.call(*args, **kwargs)
    finally:
        del layer.__dict__["add_loss"]
    values = [x for x in tree.flatten([outputs, terms]) if isinstance(x, SymbolicTensor)]
    if random.get_state() != before or len(values) < len(tree.flatten([outputs, terms])):
        return None
    given = {x.origin: x for x in tree.flatten([args, kwargs]) if isinstance(x, SymbolicTensor)}
    ends = given | _made_before(begun, values)
    graph = Graph(*from_intermediate(list(ends.values()), [outputs, terms]), layer.name)
    return _Inlined(layer, graph)(list(ends.values()))


def _made_before(begun: Serial, values: list[SymbolicTensor]) -> dict[Origin, SymbolicTensor]:
    """The tensors of calls before that number which the values are made of."""
    found: dict[Origin, SymbolicTensor] = {}
    waiting, seen = list(values), set[Origin]()
    while waiting:
        x = waiting.pop()
        if x.origin in seen:
            continue
        seen.add(x.origin)
        if x.node is None or x.node.serial < begun:
            found[x.origin] = x
        else:
            waiting += x.node.inputs
    return found


def _call_symbolically(original: Any, self: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return original(self, args, kwargs)
    except CapturedError as error:
        outputs = _inlined(self, args, kwargs)
        if outputs is None:
            raise error from error.__cause__
    first = self._ef_state.signature.first_of(args, kwargs)
    mask = masks_of(first)
    if mask is not None and self.supports_masking:
        put_masks(outputs, self.compute_mask(first, mask))
    return outputs


OVERRIDES = [instead_of(layer_calls, "call_symbolically", _call_symbolically)]
