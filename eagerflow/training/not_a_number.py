"""What is said when the loss of a training is no number: once, with the cause as far as it shows afterwards."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.tracebacks import warn
from eagerflow.core.custom_gradient import no_grad
from eagerflow.core.device import to_host
from eagerflow.core.observe import Observer, Scope, observing, unobserved
from eagerflow.core.tensor import Tensor
from eagerflow.data.feed import ArrayFeed, Feed

__all__ = ["warn_of_nan"]

_ADVICE = (
    "`python -m viz nonfinite SCRIPT` names the op that began it, `python -m viz doctor SCRIPT` what is wrong with the "
    "training; callbacks.TerminateOnNaN() stops at once."
)
_ROWS = 32  # that a model is run on again
_GROWN = 2.0  # times the first epoch's loss: training that fails otherwise, by a log of 0, doesn't climb before
_HUGE = 1e4  # a loss that only large numbers give: those of logs and roots that fail are small until then
_LARGE = 1.0  # a learning rate above which no optimizer is meant to work


def warn_of_nan(loss: Any, epoch: int, model: Any, feed: Feed) -> bool:
    """Warn when the loss isn't finite: what is wrong with the data, and the first layer where it shows.

    Returns:
        Whether there was something to warn of.
    """
    if loss is None or numpy.isfinite(loss):
        return False
    warn(f"the loss is {loss} after epoch {epoch + 1}{_cause(model, feed)}. {_ADVICE}")
    return True


def _of_the_rate(model: Any) -> str:
    """What speaks for a learning rate that is too high, as a sentence; empty where nothing does.

    By itself NaN doesn't: a log, a root and a division by 0 give it at any rate.
    """
    losses = [each for each in model.history.history.get("loss", ()) if isinstance(each, float)]
    if len(losses) > 1 and losses[-1] > losses[0] and losses[-1] > _GROWN * abs(losses[0]):
        return f". The learning rate may be too high: the loss grew from {losses[0]:.3g} to {losses[-1]:.3g} before"
    if losses and _HUGE < losses[-1] < numpy.inf:
        return f". The learning rate may be too high, or the data unscaled: the loss was {losses[-1]:.3g} before"
    rate = _rate(model)
    return f". The learning rate may be too high: it is {rate:.3g}" if rate > _LARGE else ""


def _rate(model: Any) -> float:
    """The optimizer's learning rate; 0 where there is none that is one number."""
    with suppress(AttributeError, TypeError, ValueError):  # custom optimizers, or none
        return float(model.optimizer.learning_rate)
    return 0.0


def _cause(model: Any, feed: Feed) -> str:
    parts = _parts(feed) if isinstance(feed, ArrayFeed) else ()
    flawed = next((name for name, part in zip(("x", "y", "sample_weight"), parts) if not _all_finite(part)), None)
    if flawed in ("y", "sample_weight"):
        return f": {flawed} holds NaN or infinite values"
    x = parts[0] if parts else None
    layer = _first_layer(model, x, rows=_flawed_rows(x) if flawed else slice(0, _ROWS))
    if flawed is not None:
        meets = f", and layer {layer.path!r:.80} is the first that they reach" if layer is not None else ""
        return f": x holds NaN or infinite values{meets}"
    if layer is None and _all_finite(model.get_weights()):
        return f", though all weights are finite: look for a log, root or division in the loss{_of_the_rate(model)}"
    if layer is None:  # a model's own
        return f": weights hold NaN or infinity{_of_the_rate(model)}"
    first = f": layer {layer.path!r:.80} is the first"
    if _all_finite(layer.get_weights()):
        return (
            f"{first} whose output isn't finite though its weights are: look for a log, root or division in it"
            f"{_of_the_rate(model)}"
        )
    return f"{first} whose weights hold NaN or infinity{_of_the_rate(model)}"


def _parts(feed: ArrayFeed) -> tuple[Any, ...]:
    return feed.parts if isinstance(feed.parts, tuple) else (feed.parts,)


def _all_finite(part: Any) -> bool:
    arrays = [a for a in tree.flatten(part) if getattr(a, "dtype", None) is not None and a.dtype.kind == "f"]
    return all(bool((abs(to_host(a)) < numpy.inf).all()) for a in arrays)


def _flawed_rows(x: Any) -> Any:
    """The first row of the first array with such a row."""
    for array in tree.flatten(x):
        if getattr(array, "dtype", None) is not None and array.dtype.kind == "f":
            flat = ~numpy.isfinite(to_host(array)).reshape(len(array), -1).all(axis=1)
            if flat.any():
                first = int(flat.argmax())
                return slice(first, first + 1)
    return slice(0, 1)


class _FirstFlaw(Observer):
    """Notes the first layer whose output isn't finite."""

    layer: Any = None

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        if self.layer is None and scope.kind == "layer" and error is None:
            tensors = [x.data for x in tree.flatten(outputs) if isinstance(x, Tensor)]
            if not _all_finite(tensors):
                self.layer = scope.owner


def _first_layer(model: Any, x: Any, rows: slice) -> Any:
    """The first layer whose output for these rows isn't finite; else the first with such weights; or None."""
    flaw = _FirstFlaw()
    if x is not None:
        _outputs(model, x, rows, flaw)
    if flaw.layer is not None:
        return flaw.layer
    layers = model._flatten_layers(include_self=False)
    return next((layer for layer in layers if not _all_finite(layer.get_weights())), None)


def _outputs(model: Any, x: Any, rows: slice, listening: Observer) -> Any:
    """What a model makes of these rows of the data; None where it can't be called on them alone."""
    if any(getattr(layer, "stateful", False) for layer in model._flatten_layers(include_self=False)):
        return None
    # A model whose train_step calls it otherwise may fail here; its weights still tell something.
    with suppress(Exception), unobserved(), observing(listening), no_grad(), numpy.errstate(all="ignore"):
        return model(tree.map_structure(lambda a: a if a is None else a[rows], x), training=False)
    return None
