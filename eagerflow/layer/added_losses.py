"""The part of `Layer` that collects losses: those added in `call`, and those of regularizers."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

from eagerflow.base import tree
from eagerflow.base.errors import CapturedError, signature_of
from eagerflow.base.tracebacks import boundary
from eagerflow.core.stateless_scope import current_stateless_scope
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor
from eagerflow.layer.call_context import current_call
from eagerflow.layer.input_spec import describe
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.metrics.means import Mean

__all__ = [
    "LossHolder",
    "forget_losses",
    "forget_losses_of",
    "hold_losses",
    "losses_left_alone",
    "note_losses",
    "summed",
]

# The layers that hold losses just now; usually none, and then an outermost call has nothing to clear.
_holding: weakref.WeakSet[LossHolder] = weakref.WeakSet()


def _made_outside(layer: Any, term: SymbolicTensor) -> str:
    """What to do about a loss that a layer's call made from tensors of the graph which aren't its inputs."""
    found: dict[Any, SymbolicTensor] = {}
    waiting, seen = [term], set[Any]()
    while waiting:
        x = waiting.pop()
        if x.origin in seen:
            continue
        seen.add(x.origin)
        if x.node is None or hasattr(x.node.operation, "_calls"):
            found[x.origin] = x
        else:
            waiting += x.node.inputs
    tensors = ", ".join([repr(x) for x in reversed(found.values())])
    return (
        f"{describe(layer)}.add_loss: the call uses symbolic tensors that are not among its inputs ({tensors}), which "
        "have no values here. Pass them when the layer is called, layer([x, y, ...]), and take them from its inputs."
    )


class LossHolder:
    """`add_loss` and `losses`, `add_metric`."""

    _losses: list[Any]

    @boundary
    def add_loss(self, loss: Any) -> None:
        """Adds a term to the loss that training minimizes; it counts until the model is called again.

        Args:
            loss: a scalar tensor, or a list of them, usually computed in `call`.

        Raises:
            TypeError: for anything else.

        >>> class Penalized(ef.layers.Layer):
        ...     def call(self, inputs):
        ...         self.add_loss(0.5 * ef.ops.sum(inputs**2))
        ...         return inputs
        >>> layer = Penalized()
        >>> y = layer([[3.0, 4.0]])
        >>> [float(loss) for loss in layer.losses]
        [12.5]
        """
        context, scope = current_call.get(), current_stateless_scope.get()
        for term in tree.flatten(loss):
            if isinstance(term, SymbolicTensor):
                if context is not None and context.running:
                    raise CapturedError(_made_outside(self, term))
                raise TypeError(
                    f"{describe(self)}.add_loss: {term!r} has no value yet. Write a Layer whose call computes the term "
                    "and calls self.add_loss, and put that layer into the graph."
                )
            if not isinstance(term, (Tensor, int, float)):
                raise TypeError(
                    f"{describe(self)}.add_loss: expected scalar tensors; got {signature_of(term)}. "
                    "Compute the term in call() and pass its value."
                )
            if context is None or not context.probing:
                self._losses.append(term)
                _holding.add(self)
                if scope is not None and scope.collect_losses:
                    scope.add_loss(term)

    def add_metric(self: Any, *args: Any, **kwargs: Any) -> None:
        """Gone since Keras 3.

        Args:
            *args: not used.
            **kwargs: not used.

        Raises:
            NotImplementedError: always; it says what to write instead.
        """
        raise NotImplementedError(
            f"{describe(self)}.add_metric is gone since Keras 3. Hold a metric, self.measure = metrics.Mean(name=...) "
            "in __init__, and feed it in call, self.measure.update_state(value): fit shows it."
        )

    def _feed_metric(self: Any, value: Any, name: str) -> None:
        context = current_call.get()
        if context is not None and context.probing:
            return
        known = self.__dict__.get("_added_metrics", {})
        if name not in known:
            self._set("_added_metrics", {**known, name: Mean(name=name)})
        self.__dict__["_added_metrics"][name].update_state(value)

    @property
    def losses(self: Any) -> list[Tensor]:
        """What `add_loss` added in this layer and its sublayers, then the weight regularizers: a list of scalars.

        >>> layer = ef.layers.Dense(1, kernel_initializer="ones", kernel_regularizer=ef.regularizers.L2(0.5))
        >>> layer.build((None, 3))
        >>> [float(loss) for loss in layer.losses]  # 0.5 * (1 + 1 + 1)
        [1.5]
        """
        added: list[Any] = [term for layer in self._flatten_layers() for term in layer._losses] if _holding else []
        if self.trainable:
            added += [v.regularizer(v) for v in self.weights if v.regularizer is not None and v.trainable]
        return added

    def _clear_losses(self: Any) -> None:
        for layer in self._flatten_layers():
            layer._losses.clear()
            _holding.discard(layer)


def note_losses(layer: LossHolder) -> None:
    """A layer came into being with losses: a copy of one that has some."""
    if layer._losses:
        _holding.add(layer)


def hold_losses(layer: LossHolder, losses: list[Any]) -> None:
    """Let a layer hold these losses, as if its call had added them."""
    layer._losses[:] = losses
    note_losses(layer)


def forget_losses(layer: LossHolder) -> None:
    """At the beginning of an outermost call: the losses of the last one are over."""
    if _holding:
        layer._clear_losses()


def forget_losses_of(layers: dict[int, Any]) -> None:
    """Let layers hold no losses.

    Args:
        layers: what gives each of them, by their identities.
    """
    if layers and _holding:
        for layer in [each for each in _holding if id(each) in layers and layers[id(each)]() is each]:
            layer._losses.clear()
            _holding.discard(layer)


@contextlib.contextmanager
def losses_left_alone() -> Iterator[None]:
    """At the end of the block all layers hold the losses that they held before."""
    before = {layer: list(layer._losses) for layer in _holding}
    scope = current_stateless_scope.get()
    collected = 0 if scope is None else len(scope.losses)
    try:
        yield
    finally:
        for layer in {*_holding, *before}:
            layer._losses[:] = before.get(layer, [])
            (_holding.add if layer._losses else _holding.discard)(layer)
        if scope is not None:
            del scope.losses[collected:]


def summed(term: Any) -> Any:
    """A term of many numbers that was added to the loss counts as their sum.

    Raises:
        ValueError: where ranks share a batch, since nothing tells whether there is a number for each row.
    """
    if active.shard is not None:
        raise ValueError(
            f"add_loss: expected one number where ranks share each batch; got shape {tuple(term.shape)}. Give a mean "
            "over the rows, such as ops.mean(...), which all ranks together make the mean over the batch."
        )
    return term.sum()
