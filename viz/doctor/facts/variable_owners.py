"""Which layer a variable belongs to."""

from __future__ import annotations

from typing import Any

from eagerflow import Variable, layers
from eagerflow.core.tensor import as_tensor

__all__ = ["Owners", "layers_in", "one_time_step"]


def layers_in(owner: Any) -> list[Any]:
    """A layer or model and all layers inside of it, outer ones first."""
    known = getattr(owner, "_flatten_layers", None)
    return [owner] if known is None else list(known())


def one_time_step(owners: list[Any], variable: Variable) -> tuple[int | None, ...] | None:
    """The shape of sequences of one time step, where a variable belongs to a recurrent layer that was built for them.

    Their state is 0 when the only step begins, so what the state is multiplied by gets no gradient.

    Args:
        owners: layers and models to look in.
        variable: one of their weights.

    >>> gru = layers.GRU(2)
    >>> gru.build((None, 1, 3))
    >>> one_time_step([gru], gru.weights[0])
    (None, 1, 3)
    """
    for layer in [layer for owner in owners for layer in layers_in(owner) if isinstance(layer, layers.RNN)]:
        config = layer.get_build_config() or {}
        shapes = [shape for shape in (config.get("shapes_dict") or config).values() if isinstance(shape, tuple)]
        if shapes and len(shapes[0]) > 2 and shapes[0][1] == 1 and any(v is variable for v in layer.weights):
            return shapes[0]
    return None


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
        if variable.identity not in self._of:
            self._learn()
        return self._of.get(variable.identity)

    def variables(self) -> list[Variable]:
        """All variables of the layers met."""
        seen = {v.identity: v for root in self.roots() for v in map(as_tensor, root.weights) if isinstance(v, Variable)}
        return list(seen.values())

    def _learn(self) -> None:
        """The layer with the fewest weights among those that have it is the innermost."""
        fewest: dict[int, int] = {}
        for root in self.roots():
            for layer in layers_in(root):
                weights = [v for v in map(as_tensor, layer.weights) if isinstance(v, Variable)]
                for variable in weights:
                    if len(weights) <= fewest.get(variable.identity, len(weights)):
                        fewest[variable.identity] = len(weights)
                        self._of[variable.identity] = layer
