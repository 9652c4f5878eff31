"""What `fit`, `evaluate` and `predict` draw their batches from, whatever the user handed in.

A feed gives one epoch's batches at a time: `x`, `(x, y)` or `(x, y, sample_weight)`, with tensors on the
current device. Slices of arrays share their memory with them: a batch lives no longer than its step.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.config import max_steps_per_epoch
from eagerflow.base.errors import a_kind
from eagerflow.base.tracebacks import warn
from eagerflow.core import random
from eagerflow.core.device import current_device
from eagerflow.core.random import Key, generator, next_key
from eagerflow.data.arrays import as_arrays, as_batch, check_lengths, is_array_like, refuse_holes
from eagerflow.data.dataset import Dataset
from eagerflow.data.no_data import how_to_call, how_to_read
from eagerflow.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from eagerflow.data.py_dataset import PyDataset, batches_of
from eagerflow.data.rows import batches_of_rows
from eagerflow.data.weights import class_weights, weigh

__all__ = ["ArrayFeed", "Feed", "IterableFeed", "PyDatasetFeed", "feed_for"]


class Feed:
    """Base of the feeds.

    Attributes:
        steps: the number of batches of an epoch, None when unknown.
        batch_size: the number of samples of a batch, None when unknown.
        shuffle: whether a pass over the data has an order of its own.
        endless: whether an epoch would never end.
        goes_on: where an epoch of fewer steps than there are batches begins. If True, as in training, which has to
            see all data: where the last one stopped. If False, as in validation: with the first batch, each time.
            Iterators, which can't start over, always go on.
        draws: gives the key of the order of the next pass; None where each pass has the order in which data come.
    """

    steps: int | None = None
    batch_size: int | None = None
    shuffle: Any = False
    endless = False
    goes_on = False
    draws: Callable[[], Key] | None = None
    _done = 0  # batches of the next epoch which were used before training was interrupted

    def epoch(self) -> Iterator[Any]:
        """The batches of the next epoch; after `go_to` those which are left of it."""
        raise NotImplementedError

    def rows_of_batch(self) -> numpy.ndarray | None:
        """The numbers of the rows that the last batch has; None where they aren't known."""
        return None

    def on_epoch_end(self) -> None:
        """Called by `fit` after each epoch."""

    def position(self) -> dict[str, Any]:
        """Where in the data training is, as values that fit into JSON."""
        raise NotImplementedError

    def go_to(self, position: dict[str, Any], done: int) -> None:
        """Go on where an equal feed was when it told its `position`."""
        raise NotImplementedError

    def begin_at(self, epoch: int, key_of: Callable[[int], Key]) -> None:
        """Begin with an epoch as if those before had been drawn, where a pass over the data takes several of them.

        Args:
            epoch: its number, from 0.
            key_of: gives the key of the order of a pass that begins in an epoch.
        """


Piece = Sequence[Any]
"""Part of a pass over the data: the key of its order (or None), the first batch, and how many (None: without end)."""


class _NumberedFeed(Feed):
    """Data whose batches have numbers: an epoch takes the next pieces of passes over them."""

    available: int | None
    _key: Any = None  # of the running pass
    _at: int | None = None  # its batches that belong to epochs so far; None: the next epoch begins a pass
    _pieces: Sequence[Piece] = ()  # of the running epoch
    _drawn = 0  # batches of it so far
    _began: Any = None  # the random state when it began

    def make(self, pieces: Sequence[Piece]) -> Iterator[Any]:
        """The batches of some pieces."""
        raise NotImplementedError

    def begin_epoch(self) -> None:
        """Called before the first batch of an epoch is made."""

    def epoch(self) -> Iterator[Any]:
        done, self._done = self._done, 0
        if not done:
            if (left := _without(self._pieces, self._drawn)) and self.goes_on:  # the last epoch was broken off
                self._key, self._at, _ = left[0]
            self._began, self._pieces = random.get_state(), self._take(self.steps)
            self.begin_epoch()
        self._drawn = done
        for batch in self.make(_without(self._pieces, done)):
            self._drawn += 1
            yield batch

    def _take(self, steps: int | None) -> list[Piece]:
        """The pieces of the next epoch."""
        if self.available is None or steps is None:
            first = self._at or 0
            self._at = first + (steps or 0) if self.goes_on else 0
            return [(None, first, steps)]
        pieces: list[Piece] = []
        at, left = self._at if self.goes_on else None, steps
        while left:
            if at is None or at == self.available:
                at, self._key = 0, list((self.draws or next_key)()) if self.shuffle else None
            count = min(left, self.available - at)
            pieces.append((self._key, at, count))
            at, left = at + count, left - count
        self._at = at
        return pieces

    def position(self) -> dict[str, Any]:
        return {"key": self._key, "at": self._at, "pieces": self._pieces, "began": self._began}

    def go_to(self, position: dict[str, Any], done: int) -> None:
        self._key, self._at = position["key"], position["at"]
        if done:
            self._pieces, self._began, self._done = position["pieces"], position["began"], done
            with random.frozen():
                random.set_state(self._began)
                self.begin_epoch()

    def begin_at(self, epoch: int, key_of: Callable[[int], Key]) -> None:
        if not self.goes_on or not self.steps or not epoch:
            return
        if self.available is None:
            self._at = epoch * self.steps
            return
        passes, self._at = divmod(epoch * self.steps, self.available)
        if self._at and self.shuffle:
            self._key = list(key_of(passes * self.available // self.steps))
        self._at = self._at or None


class ArrayFeed(_NumberedFeed):
    """Slices of arrays, shuffled when asked for.

    Args:
        x: arrays, see `as_arrays`.
        y: the same, or None.
        sample_weight: the same, or None.
        batch_size: at least 1; default 32.
        shuffle: True, False, or `"batch"` (whole batches change places, for data on a slow disk).
        class_weight: a dict from class numbers to weights, or None.
        steps: the batches of an epoch; default: all.
        goes_on: see `Feed`.
    """

    available: int

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        shuffle: Any = False,
        class_weight: Any = None,
        steps: int | None = None,
        goes_on: bool = False,
    ) -> None:
        x, y = as_arrays("x", x), as_arrays("y", y)
        sample_weight = as_arrays("sample_weight", sample_weight)
        self.rows = check_lengths(x=x, y=y, sample_weight=sample_weight)
        weights = class_weights(class_weight)
        if weights is not None:
            sample_weight = weigh(y, sample_weight, weights)
        self.size = self.batch_size = 32 if batch_size is None else batch_size
        self.shuffle = shuffle
        self.parts = pack_x_y_sample_weight(x, y, sample_weight)
        self.has_targets = y is not None
        self.available = -(-self.rows // self.size)
        self.steps = _within_limit(_one_pass(steps, self.available))
        self.goes_on = goes_on and self.steps != self.available

    _known: tuple[Any, Any] = (None, None)  # the key and the order of the last pass

    def rows_of_batch(self) -> numpy.ndarray | None:
        if not self._drawn:
            return None
        key, batch, _ = _without(self._pieces, self._drawn - 1)[0]
        start, stop, order = batch * self.size, min((batch + 1) * self.size, self.rows), self.order(key)
        return numpy.arange(start, stop) if order is None else order[start:stop]

    def make(self, pieces: Sequence[Piece]) -> Iterator[Any]:
        return map(self.packer(), self.made(pieces, batches_of_rows))

    def made(self, pieces: Sequence[Piece], cut: Callable[..., Iterator[Any]]) -> Iterator[Any]:
        """What a function with the arguments of `batches_of_rows` gives for the arrays."""
        for key, first, count in pieces:
            arrays, order, start = tree.flatten(self.parts), self.order(key), first * self.size
            if order is None and start:
                arrays = [None if a is None else a[start:] for a in arrays]
            yield from cut(arrays, self.size, count, None if order is None else order[start:], current_device())

    def packer(self) -> Callable[[list[Any]], Any]:
        """What puts tensors into the structure of the arrays."""
        parts = self.parts
        if type(parts) is tuple and not any(tree.is_nested(part) for part in parts):
            return tuple
        return partial(tree.pack_sequence_as, parts) if tree.is_nested(parts) else itemgetter(0)

    def order(self, key: Any) -> Any:
        """The numbers of the rows in the order of a pass; None for rows as they are."""
        if key is None or not self.shuffle:
            return None
        if self._known[0] != key:
            self._known = key, self._permutation(generator((key[0], key[1])))
        return self._known[1]

    def _permutation(self, rng: numpy.random.Generator) -> numpy.ndarray:
        if self.shuffle != "batch":
            return rng.permutation(self.rows)
        whole = self.rows // self.size * self.size
        blocks = rng.permutation(numpy.arange(whole).reshape(-1, self.size))
        return numpy.concatenate([blocks.reshape(-1), numpy.arange(whole, self.rows)])


class PyDatasetFeed(_NumberedFeed):
    """Batches by number, in random order when asked for."""

    def __init__(
        self,
        dataset: Any,
        shuffle: Any = False,
        class_weight: Any = None,
        steps: int | None = None,
        goes_on: bool = False,
    ) -> None:
        self.goes_on = goes_on
        self.dataset = dataset
        self.shuffle = bool(shuffle)
        self.weights = class_weights(class_weight)
        self.available = dataset.num_batches if isinstance(dataset, PyDataset) else len(dataset)
        if self.available == 0:
            raise ValueError(f"the data is empty: {type(dataset).__name__} has no batches.")
        self.steps = _within_limit(_one_pass(steps, self.available))

    def begin_epoch(self) -> None:
        if hasattr(self.dataset, "on_epoch_begin"):
            self.dataset.on_epoch_begin()

    def make(self, pieces: Sequence[Piece]) -> Iterator[Any]:
        return map(self.converted, batches_of(self.dataset, self.indices(pieces)))

    def converted(self, batch: Any) -> Any:
        """A batch of the data set as tensors, with the weights of its classes."""
        return _weighed(as_batch(_checked(batch)), self.weights)

    def indices(self, pieces: Sequence[Piece]) -> Iterator[int]:
        """The numbers of the batches of some pieces."""
        for key, first, count in pieces:
            if key is None:
                yield from itertools.count(first) if count is None else range(first, first + count)
            else:
                order = generator((key[0], key[1])).permutation(self.available or 0)
                yield from order[first : first + count].tolist()

    def position(self) -> dict[str, Any]:
        return {**super().position(), **_state_of(self.dataset)}

    def go_to(self, position: dict[str, Any], done: int) -> None:
        _set_state(self.dataset, position)
        super().go_to(position, done)

    def on_epoch_end(self) -> None:
        if hasattr(self.dataset, "on_epoch_end"):
            self.dataset.on_epoch_end()


class IterableFeed(Feed):
    """Any iterable of batches: generators, data sets, loaders of other libraries.

    What can be iterated again starts over when it is exhausted, but an epoch never has more than all of it.
    """

    def __init__(
        self, iterable: Any, class_weight: Any = None, steps: int | None = None, goes_on: bool = False
    ) -> None:
        self.goes_on = goes_on
        self.brings = bool(getattr(iterable, "brings", False))
        self.iterable = iterable = getattr(iterable, "undivided", iterable)  # of a data set that was divided already
        self.weights = class_weights(class_weight)
        self.once = iter(iterable) is iterable
        known = steps if self.once else _one_pass(steps, _length(iterable))
        self.steps = _within_limit(known)
        self.limit = None if steps is None and self.steps == known else self.steps
        self.endless = self.steps is None and isinstance(iterable, Dataset) and iterable.cardinality() == -1
        self._running: Iterator[Any] | None = None
        self._origin: Any = None  # the random state when the running pass over the data began; None: none is running
        self._drawn = 0  # batches of that pass so far
        self._passes = 0
        self._resumed = False

    def epoch(self) -> Iterator[Any]:
        goes_on = (self.goes_on and self.limit is not None) or self.once or self._resumed
        begins = not goes_on or self._running is None
        if self._running is None or begins:
            self._running = self._pass()
        done, self._done, self._resumed = self._done, 0, False
        whole = begins or self._drawn == done  # the pass begins with this epoch
        while self.limit is None or done < self.limit:
            batch = next(self._running, _END)
            if batch is _END:
                if self.limit is None or (whole and done and self._ended(done)) or not self._restarted(done):
                    return
                whole = not done
                continue
            done += 1
            yield _weighed(as_batch(_checked(batch)), self.weights)

    def _pass(self, origin: Any = None) -> Iterator[Any]:
        """One pass over the data, in an order that depends on the pass alone; `position` tells how far it is."""
        self._passes += 1
        if origin is None:
            origin = random.get_state()
            if self.draws is not None:
                origin["order"] = list(self.draws())
        return self._noted(origin)

    def _noted(self, origin: dict[str, Any]) -> Iterator[Any]:
        self._origin, self._drawn = origin, 0
        key = origin.get("order")
        orders = None if key is None else random.Orders((key[0], key[1]))
        running: Iterator[Any] | None = None
        while True:
            with random.ordering(orders):
                running = iter(self.iterable) if running is None else running
                batch = next(running, _END)
            if batch is _END:
                break
            self._drawn += 1
            yield batch
        self._origin = None

    def position(self) -> dict[str, Any]:
        state = _state_of(self.iterable)
        return {"origin": self._origin, "drawn": self._drawn, "passes": self._passes, **state}

    def go_to(self, position: dict[str, Any], done: int) -> None:
        """The running pass starts over, from the random state of then, without the batches that were used."""
        self._done, origin = done, position["origin"]
        if _set_state(self.iterable, position):
            return
        self._passes = position["passes"] - (origin is not None)
        with random.frozen():
            for _ in range(self._passes if isinstance(self.iterable, Dataset) else 0):
                next(iter(self.iterable), None)  # a data set may have another order in each pass
            if origin is not None:
                random.set_state(origin)
                self._running, self._resumed = self._pass(origin), True
                next(itertools.islice(self._running, position["drawn"], position["drawn"]), None)

    def _ended(self, done: int) -> bool:
        """Whether an epoch ends with the data, which it has all seen; says so. Now their number is known."""
        if self.once:
            return False
        warn(_MORE_ASKED.format(self.limit, done))
        self.steps = self.limit = done
        return True

    def _restarted(self, done: int) -> bool:
        """Start over in the middle of an epoch; False where that is impossible or gives nothing."""
        if self.once:
            warnings.warn(
                f"the data ran out after {done} of {self.limit} batches: the generator gives fewer batches than "
                "steps_per_epoch × epochs. Let it repeat its data.",
                stacklevel=5,
            )
            return False
        self._running = self._pass()
        first = next(self._running, _END)
        if first is _END:
            return False
        self._running = _chained(first, self._running)
        return True


_END: Any = object()
_MORE_ASKED = (
    "{} steps were asked for, and the data have {} batches: an epoch ends with its data. For longer epochs let the "
    "data repeat."
)


def _one_pass(steps: int | None, available: int | None) -> int | None:
    """The steps of an epoch: no more than there are batches."""
    if steps is None or available is None:
        return available if steps is None else steps
    if steps <= available:
        return steps
    warn(_MORE_ASKED.format(steps, available))
    return available


def _without(pieces: Sequence[Piece], done: int) -> list[Piece]:
    """What is left of pieces without their first batches."""
    left: list[Piece] = []
    for key, first, count in pieces:
        used = done if count is None else min(done, count)
        done -= used
        if count is None or count > used:
            left.append((key, first + used, None if count is None else count - used))
    return left


def _state_of(data: Any) -> dict[str, Any]:
    """The position of custom data that keep one."""
    return {"state": data.get_state()} if hasattr(data, "get_state") and hasattr(data, "set_state") else {}


def _set_state(data: Any, position: dict[str, Any]) -> bool:
    """Move custom data to a saved position, if there is one."""
    if "state" not in position or not hasattr(data, "set_state"):
        return False
    data.set_state(position["state"])
    return True


def _within_limit(steps: int | None) -> int | None:
    """The steps of an epoch, or the process-wide limit where that is lower."""
    limit = max_steps_per_epoch()
    if limit is None or (steps is not None and steps <= limit):
        return steps
    warnings.warn(f"config.set_max_steps_per_epoch limits every epoch to {limit} steps.", stacklevel=2)
    return limit


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _length(iterable: Any) -> int | None:
    try:
        return len(iterable)
    except (TypeError, NotImplementedError):
        return None


def _checked(batch: Any) -> Any:
    """A batch as a tuple or `x`: lists of two or three parts, as loaders give them, become tuples."""
    if isinstance(batch, list):
        batch = tuple(batch)
    unpack_x_y_sample_weight(batch)
    return batch


def _weighed(batch: Any, weights: dict[int, float] | None) -> Any:
    if weights is None:
        return batch
    x, y, sample_weight = unpack_x_y_sample_weight(batch)
    return x, y, weigh(y, sample_weight, weights)


def feed_for(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: Any = False,
    class_weight: Any = None,
    goes_on: bool = False,
    what: str = "x",
) -> Feed:
    """The feed for what the user handed in as `what`; see `ArrayFeed` for the other arguments.

    Raises:
        TypeError: for data that is none of arrays, `PyDataset` and iterables of batches.
        ValueError: for arguments that don't go with it.
    """
    if isinstance(x, Feed):
        return x
    if is_array_like(x):
        return ArrayFeed(x, y, sample_weight, batch_size, shuffle, class_weight, steps, goes_on)
    if x is None or isinstance(x, (str, bytes, int, float)) or not (hasattr(type(x), "__iter__") or _indexed(x)):
        raise TypeError(
            f"{what}: expected arrays, a data.Dataset, a PyDataset or an iterable of batches; got {type(x).__name__}."
            f"{how_to_read(x)}{how_to_call(x)}"
        )
    if isinstance(x, (list, tuple)) and (text := _first_text(x)) is not None:
        raise TypeError(
            f"x: a list of text ({text!r:.40}) is no array yet. A model that begins with layers.TextVectorization or "
            "layers.StringLookup takes numpy.array(x); others take numbers, so encode text first."
        )
    if isinstance(x, Mapping):
        as_arrays(what, x)  # says which part of it is no array
    refuse_holes(x, what)
    for name, value in (("y", y), ("sample_weight", sample_weight), ("batch_size", batch_size)):
        if value is not None:
            raise ValueError(
                f"{name}: x is {a_kind(x)}, whose batches hold x, y and sample weights already; leave {name} out."
            )
    if isinstance(x, PyDataset) or not hasattr(type(x), "__iter__"):
        return PyDatasetFeed(x, shuffle, class_weight, steps, goes_on)
    return IterableFeed(x, class_weight, steps, goes_on)


def _indexed(x: Any) -> bool:
    return hasattr(type(x), "__getitem__") and hasattr(type(x), "__len__")


def _first_text(x: Any) -> str | None:
    """The text that a list, or a list of lists, begins with; None where it begins with something else."""
    while isinstance(x, (list, tuple)) and x:
        x = x[0]
    return x if isinstance(x, str) else None
