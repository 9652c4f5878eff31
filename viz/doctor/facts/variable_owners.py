"""Which layer a variable belongs to."""

from __future__ import annotations

from typing import Any

from eagerflow import Variable

__all__ = ["Owners", "layers_in"]


def layers_in(owner: Any) -> list[Any]:
    """A layer or model and all layers inside of it, outer ones first."""
    known = getattr(owner, "_flatten_layers", None)
    return [owner] if known is None else list(known())


class Owners:
    """Knows the layers that were called, and finds that which made a variable."""

    def __init__(self) -> None:
        self._met: dict[int, Any] = {}
        self._of: dict[int, Any] = {}

    def meet(self, opened: Any) -> None:
        """Note a layer or model that is called."""
        if opened.owner is not None:
            self._met[id(opened.owner)] = opened.owner

    def met(self, layer: Any) -> bool:
        """Was this layer ever called?"""
        return id(layer) in self._met

    def used(self, layer: Any) -> bool:
        """Was this layer called, or one of eagerflow's own around it, which may use its weights without a call?"""
        holders = [each for each in self.roots() if type(each).__module__.startswith("eagerflow.layers.")]
        return self.met(layer) or any(inside is layer for each in holders for inside in layers_in(each))

    def roots(self) -> list[Any]:
        """The layers and models that were called, in the order of their first calls."""
        return list(self._met.values())

    def of(self, variable: Variable) -> Any:
        """The innermost layer that holds a variable; None for one of the user's own."""
        found = self._of.get(variable.identity)
        if found is None:
            self._learn()
            found = self._of.get(variable.identity)
        return found

    def variables(self) -> list[Variable]:
        """All variables of the layers met."""
        seen = {v.identity: v for root in self.roots() for v in root.weights if isinstance(v, Variable)}
        return list(seen.values())

    def _learn(self) -> None:
        """The layer with the fewest weights among those that have it is the innermost."""
        fewest: dict[int, int] = {}
        for root in self.roots():
            for layer in layers_in(root):
                weights = [v for v in layer.weights if isinstance(v, Variable)]
                for variable in weights:
                    if len(weights) <= fewest.get(variable.identity, len(weights)):
                        fewest[variable.identity] = len(weights)
                        self._of[variable.identity] = layer
