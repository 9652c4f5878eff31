"""`Subject`: the training that is checked, and what checks may do with it; nothing they do remains."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow import no_grad, tree
from eagerflow.core.observe import observing
from eagerflow.data.arrays import as_batch
from eagerflow.data.dataset import Dataset
from eagerflow.data.feed import ArrayFeed, IterableFeed
from eagerflow.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from eagerflow.optimizers import Adam
from viz.check.stopwatch import Stopwatch
from viz.doctor.facts.host_arrays import array_of, host, total, values_of
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place, made_at
from viz.dry_run.first_step import FirstStep, rows_of
from viz.dry_run.kept_state import put_back
from viz.recorder.descriptions import flat
from viz.recorder.listening import Listening

__all__ = ["FEW", "ROUNDING", "Losses", "Subject", "leaves", "name_of", "number_of"]

FEW = 8  # rows: as many show what a model makes of rows; fewer may be equal by chance
ROUNDING = 1e-5  # of the size of numbers: as far apart are those that are equal but for the order of sums
_READING = 2.0  # seconds in which the batches of an epoch are read


class Subject:
    """A training that is about to begin. All checks together may take some seconds, besides 20 of its steps."""

    def __init__(self, first: FirstStep, seconds: float = 30.0) -> None:
        self.first = first
        self.model = first.model
        self.x = first.batch[0]
        self.rows = rows_of(self.x)  # how many rows the batch has
        self.step_seconds: float | None = None  # how long one of its steps takes; None while none was made
        self._watch = Stopwatch()
        self._seconds = seconds

    @property
    def left(self) -> float:
        """Seconds that may still be used."""
        allowed = self._seconds + 20 * (self.step_seconds or 0.0)
        return max(0.0, allowed - self._watch.seconds)

    @property
    def place(self) -> Place | None:
        """The line of the call of `fit`, or of the loop."""
        return self.first.place

    @property
    def compiled_at(self) -> Place | None:
        """The line on which the optimizer was made, which nearly always is that of `compile`; else that of `fit`."""
        return made_at(self.first.optimizer) or self.place

    @property
    def fixed(self) -> bool:
        """Does the model take batches of one size only?"""
        shapes = [getattr(self.model, "input_shape", None)] if getattr(self.model, "built", False) else []
        layers = list(self.model._flatten_layers()) if hasattr(self.model, "_flatten_layers") else []
        stateful = any(getattr(layer, "stateful", False) for layer in layers)
        return stateful or any(isinstance(s, tuple) and s and isinstance(s[0], int) for s in shapes)

    def build(self) -> None:
        """Make the weights, as the first step would; then they can be put back."""
        if not (getattr(self.model, "built", True) and self.model.variables):
            with put_back(self.model), no_grad(), contextlib.suppress(NotImplementedError):
                self.first.call(self.x, False)

    def undone(self) -> contextlib.AbstractContextManager[None]:
        """Everything that happens in the block is put back at its end."""
        given = self.first.optimizer
        return put_back(self.model, [] if given is None else [given])

    def part(self, rows: int) -> Any:
        """A batch of the first rows only; the whole batch where the model takes no other."""
        if rows >= self.rows or self.fixed:
            return self.first.data
        cut = lambda t: t[:rows] if getattr(t, "shape", ()) and t.shape[0] == self.rows else t  # noqa: E731
        return pack_x_y_sample_weight(*[tree.map_structure(cut, each) for each in self.first.batch])

    def batches(self, count: int) -> Iterator[Any]:
        """The first batch, then others of the script's arrays where it trains with arrays; else the first again."""
        feed = getattr(self.first.fit, "feed", None)
        yield self.first.data
        if isinstance(feed, ArrayFeed) and "make" not in vars(feed) and feed.available > 1:
            yield from itertools.islice(feed.make([(None, 0, min(count, feed.available))]), 1, None)
        else:
            yield from itertools.repeat(self.first.data, count - 1)

    def epoch(self) -> Iterator[Any]:
        """The batches of an epoch, in an order that the script gives them; none where they can't be had twice.

        Those of a generator are lost to the script once they are drawn, and those of a loop aren't known. Of many only
        those are given that can be read in a short while.
        """
        feed: Any = getattr(self.first.fit, "feed", None)
        batches: Iterator[Any] = iter(())
        if isinstance(feed, ArrayFeed) and "make" not in vars(feed):
            batches = feed.make([(feed._key, 0, feed.available)])  # in the order of the running pass
        elif isinstance(feed, IterableFeed) and isinstance(feed.iterable, Dataset) and feed.weights is None:
            batches = itertools.islice(feed.iterable, feed.steps)
        ends = self.left - min(_READING, self.left / 4)
        for batch in itertools.takewhile(lambda batch: self.left >= ends, batches):
            yield as_batch(tuple(batch) if isinstance(batch, list) else batch)

    def outputs(self, x: Any, training: bool = False) -> Any:
        """The model's outputs."""
        return self.first.call(x, training)

    def loss(self, data: Any) -> float | None:
        """The loss of a batch in inference mode, without penalties; None where the step doesn't tell it."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with no_grad():
            value = self.first.loss_of(y, self.outputs(x), sample_weight)
        return None if value is None else number_of(value)

    @contextlib.contextmanager
    def optimized_by(self, rate: float | None) -> Iterator[None]:
        """Inside, Adam of the script's library updates the weights with this rate; for None the script's optimizer."""
        first, given = self.first, self.first.optimizer
        chosen = given if rate is None else getattr(given, "_ef_adam", Adam)(rate)
        self.first = dataclasses.replace(first, optimizer=chosen)
        if first.kind != "loop":
            self.model.optimizer = chosen
        try:
            yield
        finally:
            self.first = first

    def train(self, data: Any, losses: Losses) -> None:
        """Make a step; `losses` hears what it minimized."""
        watch = Stopwatch()
        with observing(Listening.to(losses)):
            self.first.train(data)
        if self.step_seconds is None:
            self.step_seconds = watch.seconds


class Losses:
    """Hears what each step minimizes, and which variables get a gradient."""

    def __init__(self) -> None:
        self.values: list[float] = []  # the loss of each backward pass to weights
        self.nonzero: dict[int, int] = {}  # how many gradients of each variable weren't all zeros, by its identity
        self.nonfinite: dict[int, int] = {}  # the first pass, from 0, with NaN or infinity in a variable's gradient

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        wanted = [(s, g) for s, g in zip(sources, results) if hasattr(s, "identity")]
        if not wanted:
            return
        self.values.append(total(targets))
        for source, gradient in wanted:
            if gradient is not None:
                known = source.identity
                data = host(getattr(gradient, "data", gradient))
                self.nonzero[known] = self.nonzero.get(known, 0) + bool(data.any())
                if data.dtype.kind == "f" and not numpy.isfinite(data).all():
                    self.nonfinite.setdefault(known, len(self.values) - 1)


def number_of(value: Any) -> float:
    """A loss as a float; the mean of one that has a value per row."""
    data = host(array_of(value))
    return float(data.mean()) if data.size else math.nan


def name_of(owner: Any) -> str:
    """What a layer or model is called, with the layers around it; else its class."""
    return layer_label(owner) or type(owner).__name__


def leaves(structure: Any) -> Iterator[numpy.ndarray]:
    """The arrays in a structure of tensors."""
    for each in flat(structure):
        if each is not None:
            yield values_of(each)
