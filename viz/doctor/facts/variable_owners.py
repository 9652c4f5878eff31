"""Which layer a variable belongs to."""

from __future__ import annotations

from typing import Any

from viz.frameworks.contract import Variable
from viz.frameworks.objects import is_variable
from viz.frameworks.owners import uses_inner_weights

__all__ = ["Owners", "layers_in"]


def layers_in(owner: Any) -> list[Any]:
    """A layer or model and all layers inside of it, outer ones first."""
    return list(owner._flatten_layers()) if hasattr(owner, "_flatten_layers") else [owner]


def known_weights(owner: Any) -> list[Variable]:
    """The weights of a layer or model; for those of Keras itself, the variables that they hold."""
    return [v for v in [getattr(v, "_value", v) for v in owner.weights] if is_variable(v)]


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
        """Was this layer called, or one of the framework's around it, which may use its weights without a call?"""
        holders = [each for each in self.roots() if uses_inner_weights(each)]
        return self.met(layer) or any(inside is layer for each in holders for inside in layers_in(each))

    def roots(self) -> list[Any]:
        """The layers and models that were called, in the order of their first calls."""
        return list(self._met.values())

    def of(self, variable: Variable) -> Any:
        """The innermost layer that holds a variable; None for one of the user's own."""
        if variable.identity not in self._of:
            self._learn()
        return self._of.get(variable.identity)

    def variables(self) -> list[Variable]:
        """All variables of the layers met."""
        return list({v.identity: v for root in self.roots() for v in known_weights(root)}.values())

    def _learn(self) -> None:
        """The layer with the fewest weights among those that have it is the innermost."""
        fewest: dict[int, int] = {}
        for root in self.roots():
            for layer in layers_in(root):
                weights = known_weights(layer)
                for variable in weights:
                    if len(weights) <= fewest.get(variable.identity, len(weights)):
                        fewest[variable.identity] = len(weights)
                        self._of[variable.identity] = layer
