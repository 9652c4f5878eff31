"""Losses and metrics that layers add in `call`."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

from eagerflow.base import tree
from eagerflow.base.errors import CapturedError, signature_of
from eagerflow.core.stateless_scope import current_stateless_scope
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor
from eagerflow.layer.call_context import current_call
from eagerflow.layer.input_spec import describe
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.metrics.means import Mean

__all__ = ["add_loss", "feed_metric", "forget_losses", "forget_losses_of", "hold_losses"]
__all__ += ["losses_added", "losses_left_alone", "note_losses", "summed"]

# The layers that hold losses just now; usually none, and then an outermost call has nothing to clear.
_holding: weakref.WeakSet[Any] = weakref.WeakSet()


def _made_outside(layer: Any, term: SymbolicTensor) -> str:
    """What to do about a loss that a layer's call made from tensors of the graph which aren't its inputs."""
    found: dict[Any, SymbolicTensor] = {}
    waiting, seen = [term], set[Any]()
    while waiting:
        x = waiting.pop()
        if x.origin in seen:
            continue
        seen.add(x.origin)
        if x.node is None or hasattr(x.node.operation, "_ef_state"):
            found[x.origin] = x
        else:
            waiting += x.node.inputs
    tensors = ", ".join([repr(x) for x in reversed(found.values())])
    return (
        f"{describe(layer)}.add_loss: the call uses symbolic tensors that are not among its inputs ({tensors}), which "
        "have no values here. Pass them when the layer is called, layer([x, y, ...]), and take them from its inputs."
    )


def add_loss(layer: Any, loss: Any) -> None:
    """See `Layer.add_loss`."""
    context, scope = current_call.get(), current_stateless_scope.get()
    for term in tree.flatten(loss):
        if isinstance(term, SymbolicTensor):
            if context is not None and context.running:
                raise CapturedError(_made_outside(layer, term))
            raise TypeError(
                f"{describe(layer)}.add_loss: {term!r} has no value yet. Write a Layer whose call computes the term "
                "and calls self.add_loss, and put that layer into the graph."
            )
        if not isinstance(term, (Tensor, int, float)):
            raise TypeError(
                f"{describe(layer)}.add_loss: expected scalar tensors; got {signature_of(term)}. "
                "Compute the term in call() and pass its value."
            )
        if context is None or not context.probing:
            layer._ef_state.losses.append(term)
            _holding.add(layer)
            if scope is not None and scope.collect_losses:
                scope.add_loss(term)


def feed_metric(layer: Any, value: Any, name: str) -> None:
    """Let a metric of the layer measure a value."""
    context = current_call.get()
    if context is not None and context.probing:
        return
    known = layer.__dict__.get("_added_metrics", {})
    if name not in known:
        layer._added_metrics = {**known, name: Mean(name=name)}
    layer.__dict__["_added_metrics"][name].update_state(value)


def losses_added(layer: Any) -> list[Any]:
    """What `add_loss` added in this layer and those inside."""
    return [term for each in layer._flatten_layers() for term in each._ef_state.losses] if _holding else []


def note_losses(layer: Any) -> None:
    """A layer came into being with losses: a copy of one that has some."""
    if layer._ef_state.losses:
        _holding.add(layer)


def hold_losses(layer: Any, losses: list[Any]) -> None:
    """Let a layer hold these losses, as if its call had added them."""
    layer._ef_state.losses[:] = losses
    note_losses(layer)


def forget_losses(layer: Any) -> None:
    """At the beginning of an outermost call: the losses of the last one are over."""
    if _holding:
        for each in layer._flatten_layers():
            each._ef_state.losses.clear()
            _holding.discard(each)


def forget_losses_of(layers: dict[int, Any]) -> None:
    """Let layers hold no losses."""
    if layers and _holding:
        for layer in [each for each in _holding if id(each) in layers and layers[id(each)]() is each]:
            layer._ef_state.losses.clear()
            _holding.discard(layer)


@contextlib.contextmanager
def losses_left_alone() -> Iterator[None]:
    """At the end of the block all layers hold the losses that they held before."""
    before = {layer: list(layer._ef_state.losses) for layer in _holding}
    scope = current_stateless_scope.get()
    collected = 0 if scope is None else len(scope.losses)
    try:
        yield
    finally:
        for layer in {*_holding, *before}:
            layer._ef_state.losses[:] = before.get(layer, [])
            (_holding.add if layer._ef_state.losses else _holding.discard)(layer)
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
