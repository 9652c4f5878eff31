"""What is heard of a run: which layers and convolutions ran, and the tensors that an explanation asks for.

Nothing is rebuilt: the model runs as it is, and its tensors are met where they are made. One thing goes beyond
listening: `Catch` may put other numbers into a tensor that has just been made, before anything reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy

from eagerflow import GradientTape, Tensor
from eagerflow.core.observe import Scope
from viz.frameworks.owners import layer_role

__all__ = ["Catch", "Embedded", "Place", "Survey"]

_CONVOLUTIONS = ("conv", "conv_bias", "depthwise_conv", "conv_transpose", "conv_transpose_bias")


class Place(NamedTuple):
    """Where in a run a tensor is made: by the n-th scope that began, or by the n-th op. The same in each run."""

    kind: str
    number: int
    name: str


class Embedded(NamedTuple):
    """One call of an embedding: where, for which of the inputs, the numbers looked up, and what they became."""

    place: Place
    inputs: frozenset[int]
    ids: numpy.ndarray
    made: numpy.ndarray


class _Counting:
    """Numbers scopes and ops in the order in which they begin."""

    def __init__(self) -> None:
        self.open: list[tuple[Scope, int]] = []
        self._scopes = self._ops = 0

    def on_scope_begin(self, scope: Scope) -> None:
        self.open.append((scope, self._scopes))
        self._scopes += 1

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        while self.open:
            opened, number = self.open.pop()
            if opened is scope:
                if error is None and scope.kind in ("layer", "model"):
                    self.met(Place("scope", number, scope.name), scope, outputs)
                return

    def on_op(
        self, op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None
    ) -> None:
        number, self._ops = self._ops, self._ops + 1
        if error is None:
            self.ran(Place("op", number, op.name), op, inputs, outputs)

    def met(self, place: Place, scope: Scope, outputs: Any) -> None:
        """A layer or model gave its outputs."""

    def ran(self, place: Place, op: Any, inputs: tuple[Any, ...], outputs: Any) -> None:
        """An op ran."""


class Survey(_Counting):
    """What a model does with some inputs: tensors, or None for text; and the layer (or its name) that is looked for."""

    def __init__(self, inputs: list[Any], named: Any = None) -> None:
        super().__init__()
        self._named = named
        self._from: dict[int, frozenset[int]] = {}  # by the identity of a tensor: the inputs that it was made of
        self._alive: list[Any] = []  # so that identities stay their own
        for number, tensor in enumerate(inputs):
            self._note(tensor, frozenset([number]))
        self.convolution: tuple[Place, Any] | None = None  # the last one, with its layer (None for a bare op)
        self.layer: tuple[Place, Any] | None = None  # the one that is looked for
        self.layers: dict[str, tuple[int, ...]] = {}  # those with places, in the order in which they ended
        self.embedded: list[Embedded] = []  # calls of embeddings

    def _note(self, tensor: Any, inputs: frozenset[int]) -> None:
        if inputs and tensor is not None:
            self._from[id(tensor)] = inputs
            self._alive.append(tensor)

    def _origin(self, given: Any) -> frozenset[int]:
        if isinstance(given, (list, tuple)):
            return frozenset().union(*[self._origin(each) for each in given])
        return self._from.get(id(given), frozenset())

    def met(self, place: Place, scope: Scope, outputs: Any) -> None:
        owner = scope.owner
        if not isinstance(outputs, Tensor):
            return
        if len(outputs.shape) > 2:
            self.layers[scope.name] = tuple(outputs.shape)
        if layer_role(owner) == "convolution":
            self.convolution = place, owner
        if self._named is not None and (owner is self._named or scope.name == self._named):
            self.layer = place, owner
        if layer_role(owner) == "embedding":
            ids = scope.inputs[0]
            made = numpy.array(outputs.numpy())
            looked_up = numpy.asarray(ids.numpy() if isinstance(ids, Tensor) else ids)
            self.embedded.append(Embedded(place, self._origin(ids), looked_up, made))

    def ran(self, place: Place, op: Any, inputs: tuple[Any, ...], outputs: Any) -> None:
        origin = self._origin(inputs)
        for each in outputs if isinstance(outputs, tuple) else (outputs,):
            self._note(each, origin)
        inside = any(layer_role(scope.owner) == "convolution" for scope, _ in self.open)
        if op.name in _CONVOLUTIONS and not inside:
            self.convolution = place, None


class Catch(_Counting):
    """Meets the tensors made at some places, puts others there, and lets a tape differentiate by them."""

    def __init__(self, places: Mapping[Place, numpy.ndarray | None], tape: GradientTape | None = None) -> None:
        super().__init__()
        self._places = places
        self._tape = tape
        self.found: dict[Place, Tensor] = {}

    def met(self, place: Place, scope: Scope, outputs: Any) -> None:
        self._take(place, outputs)

    def ran(self, place: Place, op: Any, inputs: tuple[Any, ...], outputs: Any) -> None:
        self._take(place, outputs)

    def _take(self, place: Place, outputs: Any) -> None:
        if place not in self._places or not isinstance(outputs, Tensor):
            return
        other = self._places[place]
        if other is not None:
            outputs.data, outputs.key = Tensor(other, outputs.dtype.name, device=outputs.device).data, None
        if self._tape is not None:
            self._tape.watch(outputs)
        self.found[place] = outputs
