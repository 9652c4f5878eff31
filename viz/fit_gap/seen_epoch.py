"""The last epoch of a `fit`: what it reported, what it was fed, and the weights that it left."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from eagerflow import Tensor
from eagerflow.core import observe
from eagerflow.data.arrays import rows_of
from eagerflow.data.feed import ArrayFeed, Feed
from eagerflow.data.packing import unpack_x_y_sample_weight
from viz.doctor.user_code import user_line
from viz.recorder.descriptions import flat

__all__ = ["EpochWatch", "Rows", "SeenEpoch"]

_MOST_BYTES = 2 << 30  # of batches that are kept because nothing else can give them again


class Rows:
    """The batches of the last epoch: those of arrays are cut again in the order of that epoch, others were kept."""

    def __init__(self, feed: Feed, kept: list[Any] | None) -> None:
        self._again = copy.copy(feed) if isinstance(feed, ArrayFeed) and Rows.can_repeat(feed) else None
        self._kept = kept

    @staticmethod
    def can_repeat(feed: Feed) -> bool:
        """Whether the batches of an epoch can be had again without keeping them."""
        return isinstance(feed, ArrayFeed) and not feed.goes_on

    def batches(self) -> Iterator[Any]:
        """The batches, as steps get them."""
        if self._again is not None:
            yield from self._again.make(self._again._pieces)
        elif self._kept is None:
            raise ValueError(
                "gap: the batches of an epoch take more than 2 GB and can't be had again from a generator or data set. "
                "Train on arrays, or on fewer steps_per_epoch."
            )
        else:
            yield from self._kept


class SeenEpoch:
    """What is known of an epoch."""

    def __init__(self, model: Any, place: tuple[str, int] | None) -> None:
        self.model, self.place = model, place
        self.epoch = 0  # its number, from 1
        self.logs: dict[str, Any] = {}  # the numbers that `fit` reported
        self.data_loss: float | None = None  # the mean loss without what layers and weights added, if that was seen
        self.after: list[tuple[Any, Any]] = []  # the model's variables with their arrays at the end of the epoch
        self.final: list[tuple[Any, Any]] = []  # when `fit` was over; of one broken off those of the last whole epoch
        self.rows: Rows | None = None  # the batches once more
        self.updates = 0  # the steps that the optimizer has made
        self.bad_since: dict[str, int] = {}  # for numbers that are NaN or infinite, since which epoch they are so

    def report(self, epoch: int, logs: dict[str, Any]) -> None:
        """An epoch reported its numbers."""
        self.epoch, self.logs = epoch, dict(logs)
        bad = [name for name, value in logs.items() if isinstance(value, float) and not math.isfinite(value)]
        self.bad_since = {name: self.bad_since.get(name, epoch) for name in bad}


class EpochWatch(observe.Observer):
    """Listens to calls of `fit`."""

    wants_ops = False

    def __init__(self, ended: Callable[[SeenEpoch], None]) -> None:
        self._ended = ended
        self._fits: list[tuple[Any, SeenEpoch]] = []  # a callback may call `fit`, too
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self._fresh = False
        self._inside = 0
        self._losses: list[Any] = []
        self._sum, self._rows = 0.0, 0
        self._known = True
        self._batches: list[Any] | None = []
        self._bytes = 0

    # ------------------------------------------------------------------ `fit` says that it begins and ends

    @property
    def _training(self) -> Any:
        return self._fits[-1][0] if self._fits else None

    @_training.setter
    def _training(self, fit: Any) -> None:
        if fit is not None:
            self._fits.append((fit, SeenEpoch(fit.model, user_line(sys._getframe(1), None))))
            self._begin_epoch()
            return
        fit, seen = self._fits.pop()
        if seen.after:
            # Broken off within an epoch, the weights of the last whole one are compared.
            seen.final = _arrays(seen.model) if self._fresh else seen.after
            self._ended(seen)

    # ------------------------------------------------------------------ steps

    def on_scope_begin(self, scope: observe.Scope) -> None:
        if not self._is_step(scope):
            return
        if self._fresh:
            self._begin_epoch()
        self._inside += 1
        self._losses.clear()

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        if scope.kind == "loss" and self._inside:
            self._losses.append(outputs)
        elif self._inside and self._is_step(scope):
            self._inside -= 1
            if error is None:
                self._take(scope.owner, scope.inputs)

    def _is_step(self, scope: observe.Scope) -> bool:
        fit = self._training
        return scope.kind == "step" and scope.name == "train_step" and fit is not None and scope.owner is fit.model

    def _take(self, model: Any, data: Any) -> None:
        x, _, _ = unpack_x_y_sample_weight(data)
        rows = rows_of(x)
        loss = _weighted_sum(model, self._losses)
        self._known = self._known and loss is not None
        self._sum += 0.0 if loss is None else loss * rows
        self._rows += rows
        if self._batches is not None and not Rows.can_repeat(self._fits[-1][0].feed):
            self._batches.append(data)
            self._bytes += sum(t.data.nbytes for t in flat(data) if isinstance(t, Tensor))
            if self._bytes > _MOST_BYTES:
                self._batches = None

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        if kind != "epoch" or not self._fits:
            return
        fit, seen = self._fits[-1]
        self._fresh = True
        seen.report(step + 1, logs)
        seen.data_loss = self._sum / self._rows if self._known and self._rows else None
        seen.after = _arrays(fit.model)
        optimizer = fit.model.optimizer
        seen.updates = 0 if optimizer is None else int(optimizer.iterations)
        seen.rows = Rows(fit.feed, self._batches)


def _arrays(model: Any) -> list[tuple[Any, Any]]:
    """The variables with their arrays, which nobody writes to while they are held."""
    return [(variable, variable.data) for variable in model.variables]


def _weighted_sum(model: Any, losses: list[Any]) -> float | None:
    """The loss of a batch without penalties, of the losses that ran; None where it isn't known which they were."""
    compiled = model._ef_state.compiled.loss
    if compiled is None:
        return 0.0 if not losses else None
    weights = [1.0 if compiled.weights is None else compiled.weights]
    if compiled._parts is not None:
        weights = [part.weight for part in compiled._parts if part.loss is not None]
    if len(weights) != len(losses) or not all(isinstance(w, (int, float)) for w in weights):
        return None
    if any(not isinstance(loss, Tensor) or loss.data.size != 1 for loss in losses):
        return None
    return float(numpy.sum([w * float(loss.data) for w, loss in zip(weights, losses)]))
