"""What `fit`, `evaluate` and `predict` draw their batches from, whatever the user handed in.

A feed gives one epoch's batches at a time: `x`, `(x, y)` or `(x, y, sample_weight)`, with tensors on the
current device. Slices of arrays share their memory with them: a batch lives no longer than its step.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    ranks: Any = None  # what divides each batch among processes; feeds that ask it yield `(shard, rows)`
    brings = False  # whether ranks have batches of their own
    made_by_all = False  # whether each rank makes all batches in order to have its rows
    cuts = False  # whether `epoch` yields `(shard, rows)` where there are ranks
    _key: Key  # of the running pass
    _origin: Any = None  # the random state when the running pass over the data began; None where none is running
    _drawn = 0  # batches of that pass so far
    _done = 0  # batches of the next epoch which were used before training was interrupted

    def epoch(self) -> Iterator[Any]:
        """The batches of the next epoch; after `go_to` those which are left of it."""
        raise NotImplementedError

    def rows_of_batch(self) -> numpy.ndarray | None:
        """The numbers of the rows that the last batch has; None where they aren't known."""
        return None

    def facts(self) -> dict[str, Any]:
        """What has to be the same on all ranks that cut the same batches."""
        return {"steps per epoch": self.steps}

    def on_epoch_end(self) -> None:
        """Called by `fit` after each epoch."""

    def _noted(self, batches: Callable[[], Iterable[Any]], origin: Any = None, drawn: int = 0) -> Iterator[Any]:
        """One pass over the data, of which `position` tells how far it is."""
        self._origin, self._drawn = origin or self._begins(), drawn
        self._set_key(self._origin)
        for batch in batches():
            self._drawn += 1
            yield batch
        self._origin = None

    def _begins(self) -> dict[str, Any]:
        """What a pass that begins now depends on."""
        state = random.get_state()
        if not self.shuffle:
            return state
        order = list((self.draws or next_key)())
        return {**state, "order": order if self.ranks is None else self.ranks.broadcast_object(order)}

    def _set_key(self, origin: dict[str, Any]) -> None:
        """Order a pass as it was when it began."""
        if self.shuffle:
            seed, count = origin["order"]
            self._key = seed, count

    def position(self) -> dict[str, Any]:
        """Where in the data training is, as values that fit into JSON."""
        return {"origin": self._origin, "drawn": self._drawn}

    def go_to(self, position: dict[str, Any], done: int) -> None:
        """Go on where an equal feed was when it told its `position`.

        The running pass starts over, from the random state of then, without the batches that were used.

        Args:
            position: what the other feed told.
            done: how many batches of the epoch were used.
        """
        self._done = done
        if position["origin"] is not None:
            with random.frozen():
                random.set_state(position["origin"])
                self._take_up(position["origin"], position["drawn"])

    def _take_up(self, origin: Any, drawn: int) -> None:
        """Begin a pass, and leave out its first batches."""
        raise NotImplementedError

    def begin_at(self, epoch: int, key_of: Callable[[int], Key]) -> None:
        """Begin with an epoch as if those before had been drawn, where a pass over the data takes several of them.

        Args:
            epoch: its number, from 0.
            key_of: gives the key of the order of a pass that begins in an epoch.
        """


class ArrayFeed(Feed):
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
        self.size = 32 if batch_size is None else batch_size
        self.batch_size = self.size
        self.shuffle = shuffle
        self.parts = pack_x_y_sample_weight(x, y, sample_weight)
        self.has_targets = y is not None
        self.available = -(-self.rows // self.size)
        self.steps = _within_limit(_one_pass(steps, self.available))
        self.goes_on = goes_on and self.steps != self.available
        self._running: Iterator[Any] = iter(())
        self._rest: Iterator[Any] | None = None

    cuts = True
    _in_order: Any = None  # the order of the running pass

    def rows_of_batch(self) -> numpy.ndarray | None:
        if self.ranks is not None or not self._drawn:
            return None
        start, stop = (self._drawn - 1) * self.size, min(self._drawn * self.size, self.rows)
        return numpy.arange(start, stop) if self._in_order is None else self._in_order[start:stop]

    def facts(self) -> dict[str, Any]:
        return {"rows": self.rows, "batch_size": self.size, "shuffle": self.shuffle, **super().facts()}

    def epoch(self) -> Iterator[Any]:
        steps, self._done = (self.steps or 0) - self._done, 0
        if self.goes_on:
            return itertools.islice(self._without_end(), steps)
        rest, self._rest = self._rest, None
        return self._pass() if rest is None else rest

    def _pass(self, origin: Any = None) -> Iterator[Any]:
        count = self.available if self.goes_on else self.steps or 0
        return self._noted(lambda: self._batches(count), origin)

    def _take_up(self, origin: Any, drawn: int) -> None:
        begun = self._pass(origin)
        _skip(begun, drawn)
        if self.goes_on:
            self._running = begun
        else:
            self._rest = begun

    def begin_at(self, epoch: int, key_of: Callable[[int], Key]) -> None:
        if not self.goes_on or not self.steps:
            return
        passes, drawn = divmod(epoch * self.steps, self.available)
        if drawn:
            began = passes * self.available // self.steps
            self._running = self._pass({**random.get_state(), "order": list(key_of(began))})
            _skip(self._running, drawn)

    def _without_end(self) -> Iterator[Any]:
        """The rest of the running pass over the arrays, then pass after pass."""
        while True:
            for batch in self._running:  # noqa: UP028  `yield from` would close it at the end of an epoch
                yield batch
            self._running = self._pass()

    def _batches(self, count: int) -> Iterator[Any]:
        """The first batches of one pass over the arrays."""
        order = self._in_order = self._order()
        leaves = tree.flatten(self.parts)
        flat = isinstance(self.parts, tuple) and all(part is leaf for part, leaf in zip(self.parts, leaves))
        if self.ranks is not None:
            for shard, tensors in self.ranks.shards_of_rows(leaves, self.size, count, order, current_device()):
                yield shard, tuple(tensors) if flat else tree.pack_sequence_as(self.parts, tensors)
            return
        batches = batches_of_rows(leaves, self.size, count, order, current_device())
        if flat:
            yield from map(tuple, batches)
        elif len(leaves) == 1 and leaves[0] is self.parts:  # arrays without targets
            for (tensor,) in batches:
                yield tensor
        else:
            for tensors in batches:
                yield tree.pack_sequence_as(self.parts, tensors)

    def _order(self) -> Any:
        if not self.shuffle:
            return None
        rng = generator(self._key)
        if self.shuffle != "batch":
            return rng.permutation(self.rows)
        whole = self.rows // self.size * self.size
        blocks = rng.permutation(numpy.arange(whole).reshape(-1, self.size))
        return numpy.concatenate([blocks.reshape(-1), numpy.arange(whole, self.rows)])


class PyDatasetFeed(Feed):
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
        self._left: list[int] = []  # of the order of the last epoch; of endless data: the next number
        self._left_before: list[int] = []
        self._rest: Iterator[Any] | None = None

    def epoch(self) -> Iterator[Any]:
        rest, self._rest = self._rest, None
        return self._noted(lambda: self._batches(self._begin())) if rest is None else rest

    def _begin(self) -> Iterator[int]:
        if hasattr(self.dataset, "on_epoch_begin"):
            self.dataset.on_epoch_begin()
        return iter(self._indices())

    @property
    def cuts(self) -> bool:  # type: ignore[override]
        """Whether the data set can be asked for rows of a batch."""
        return hasattr(self.dataset, "rows")

    def facts(self) -> dict[str, Any]:
        return {"batches": self.available, "shuffle": self.shuffle, **super().facts()}

    def _batches(self, indices: Iterator[int]) -> Iterator[Any]:
        if self.ranks is not None and self.cuts:
            known, indices = itertools.tee(indices)
            asked = self.ranks.rows_of(self.dataset)
            for index, batch in zip(known, batches_of(asked, indices)):
                yield asked.shard(index), _weighed(as_batch(_checked(batch)), self.weights)
            return
        for batch in batches_of(self.dataset, indices):
            yield _weighed(as_batch(_checked(batch)), self.weights)

    def position(self) -> dict[str, Any]:
        left = self._left if self._origin is None else self._left_before
        return {**super().position(), **({"left": left} if left else {}), **_state_of(self.dataset)}

    def go_to(self, position: dict[str, Any], done: int) -> None:
        _set_state(self.dataset, position)
        self._left = list(position.get("left", ()))
        super().go_to(position, done)

    def _take_up(self, origin: Any, drawn: int) -> None:
        self._set_key(origin)
        indices = self._begin()
        _skip(indices, drawn)
        self._rest = self._noted(lambda: self._batches(indices), origin, drawn)

    def begin_at(self, epoch: int, key_of: Callable[[int], Key]) -> None:
        if self.steps == self.available:
            return
        for each in range(epoch):
            self._key = key_of(each)
            self._indices()

    def _indices(self) -> Any:
        steps, indices = self.steps or 0, self._left if self.goes_on else []
        self._left_before = indices
        if self.available is None:
            first = indices[0] if indices else 0
            self._left = [first + steps]
            return itertools.count(first) if self.steps is None else range(first, first + steps)
        while len(indices) < steps:
            indices = [*indices, *self._order(self.available)]
        self._left = indices[steps:]
        return indices[:steps]

    def _order(self, count: int) -> list[int]:
        if not self.shuffle:
            return list(range(count))
        order: list[int] = generator(self._key).permutation(count).tolist()
        return order

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
        self.made_by_all = not isinstance(iterable, Dataset)
        self.weights = class_weights(class_weight)
        self.once = iter(iterable) is iterable
        known = steps if self.once else _one_pass(steps, _length(iterable))
        self.steps = _within_limit(known)
        self.limit = None if steps is None and self.steps == known else self.steps
        self.endless = self.steps is None and isinstance(iterable, Dataset) and iterable.cardinality() == -1
        self._running: Iterator[Any] | None = None
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
        self._passes += 1
        return self._noted(lambda: self.iterable, origin)

    def _begins(self) -> dict[str, Any]:
        state = super()._begins()
        return state if self.draws is None else {**state, "order": list(self.draws())}

    def _noted(self, batches: Callable[[], Iterable[Any]], origin: Any = None, drawn: int = 0) -> Iterator[Any]:
        """The same, in orders that depend on the pass alone."""
        self._origin, self._drawn = origin or self._begins(), drawn
        key = self._origin.get("order")
        orders = None if key is None else random.Orders((key[0], key[1]))
        running: Iterator[Any] | None = None
        while True:
            with random.ordering(orders):
                running = iter(batches()) if running is None else running
                batch = next(running, _END)
            if batch is _END:
                break
            self._drawn += 1
            yield batch
        self._origin = None

    def position(self) -> dict[str, Any]:
        return {**super().position(), "passes": self._passes, **_state_of(self.iterable)}

    def go_to(self, position: dict[str, Any], done: int) -> None:
        if _set_state(self.iterable, position):
            self._done = done
            return
        finished = position["passes"] - (position["origin"] is not None)
        with random.frozen():
            for _ in range(finished if isinstance(self.iterable, Dataset) else 0):
                next(iter(self.iterable), None)  # a data set may have another order in each pass
        self._passes = finished
        super().go_to(position, done)

    def _take_up(self, origin: Any, drawn: int) -> None:
        self._running, self._resumed = self._pass(origin), True
        _skip(self._running, drawn)

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


def _skip(batches: Iterator[Any], count: int) -> None:
    """Skip this many batches."""
    next(itertools.islice(batches, count, count), None)


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
