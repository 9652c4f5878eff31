"""Losses that a step reads of layers which it hasn't called: whoever adds one outside changes what the step gives."""

from __future__ import annotations

from functools import partial
from typing import Any
from weakref import ref

from eagerflow.base.capturing import Shared

__all__ = ["ReadLosses"]


class ReadLosses:
    """What one run of a step reads of losses that were there before.

    Layers that it called itself hold none of those.

    Attributes:
        shared: what a replay depends on, by names that are the same in each run.
    """

    def __init__(self) -> None:
        self.shared: dict[str, Shared] = {}
        self._called: dict[int, ref[Any]] = {}  # layers by their identities; programs must not keep them alive

    def forget(self, layer: Any) -> None:
        """The outermost call of a layer begins: its losses are over, and those of the layers in it."""
        self._called.update((id(each), ref(each)) for each in layer._flatten_layers())

    def read(self, layer: Any) -> None:
        """Somebody asks for the losses of a layer and of those in it."""
        others = [each for each in layer._flatten_layers() if not self._has_called(each)]
        if others:
            name = f"the losses that {layer.name!r} holds"
            self.shared[f"{name} {[*map(id, others)]}"] = Shared(name, partial(_held, list(map(ref, others))))

    def _has_called(self, layer: Any) -> bool:
        called = self._called.get(id(layer))
        return called is not None and called() is layer


def _held(layers: list[Any]) -> tuple[Any, ...]:
    """What these layers hold: numbers, or the identities of tensors."""
    there = [layer for layer in (ask() for ask in layers) if layer is not None]
    return tuple([(i, _known_as(term)) for i, layer in enumerate(there) for term in layer._losses])


def _known_as(term: Any) -> Any:
    return term if type(term) in (int, float) else ("tensor", id(term))
