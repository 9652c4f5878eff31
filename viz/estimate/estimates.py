"""`Estimate`: memory and time by batch size, as two measured steps tell them."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow import tree
from viz.doctor.user_code import Place
from viz.dry_run.first_step import FirstStep, rows_of
from viz.estimate.measured import Measured, measure, measure_time, peak_so_far

__all__ = ["Estimate", "bytes_of", "estimated", "memory_of_machine"]

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}  # as viz prints sizes, and memory is sold
_MOST_TIMES = 16  # how much larger the second batch is at most
_MANY_ROWS = 10**6  # in a batch: nobody makes a larger one
_LINES = 8  # times the script's batch: the largest of the table, besides the largest that fits
_OF_FIT = ("History", "ProgbarLogger")  # callbacks that every `fit` has


def bytes_of(text: str) -> int:
    """A size as people write it, in powers of 1024, as viz prints it.

    >>> bytes_of("8GB"), bytes_of("512 MiB"), bytes_of("1000")
    (8589934592, 536870912, 1000)
    """
    found = re.fullmatch(r"\s*([\d.]+)\s*([kmgt]?)i?b?\s*", text.lower())
    try:
        return int(float(found[1]) * _UNITS[found[2]])  # type: ignore[index]
    except (TypeError, ValueError, KeyError):
        raise ValueError(f"a size such as 8GB, 512MB or 2GiB was expected; got {text!r}") from None


def memory_of_machine() -> int | None:
    """The memory that this process may use: the machine's, or its container's where that is less."""
    sizes = []
    for path, factor in (("/proc/meminfo", 1024), ("/sys/fs/cgroup/memory.max", 1)):
        try:
            with open(path, encoding="ascii") as file:
                words = file.readline().split()
            sizes.append(int(words[-2 if len(words) > 1 else 0]) * factor)
        except (OSError, ValueError, IndexError):
            continue
    return min(sizes, default=None)


@dataclasses.dataclass
class Estimate:
    """What a training will take, by batch size."""

    rows: int  # the batch size of the script
    measured: tuple[Measured, Measured]  # what was measured, at two batch sizes
    between: tuple[int, float] | None  # a batch size between them, and the time of a step there; None without
    before: int | None  # the most memory that the script had before it trained; None where the system doesn't tell
    limit: int | None  # the memory that may be used, or None
    all_rows: int | None  # how many rows the training data have; None where it isn't known
    epochs: int | None  # how many epochs are left, or None
    steps_per_epoch: int | None  # as the script makes them, or None where they aren't known
    validation_rows: int  # how many rows are validated after each epoch
    weights: int  # bytes of all weights
    optimizer: int  # bytes of the optimizer's state
    place: Place | None  # the line of the training
    callbacks: tuple[str, ...] = ()  # the classes of those given to `fit`, which aren't run
    data: int = 0  # bytes of the arrays that `fit` was given; 0 where it was given none

    def process(self, rows: int) -> int | None:
        """The peak memory of the process with batches of this many rows."""
        if any(m.process is None for m in self.measured):
            return None
        at_most = min(rows, self.measured[1].rows)
        beyond = max(0.0, self.per_row, self.arrays_per_row)  # no room is left there that the process had
        return max(int(self._line("process", at_most) + (rows - at_most) * beyond), self.before or 0)

    def arrays(self, rows: int) -> int:
        """The peak memory of arrays alone."""
        return int(self._line("arrays", rows))

    def seconds(self, rows: int) -> float:
        """The time of a training step."""
        small, large = [(m.rows, m.seconds) for m in self.measured]
        if self.between is not None and rows <= self.between[0]:
            large = self.between
        elif self.between is not None:
            small = self.between
        return _line(small, large, rows)

    def epoch_seconds(self, rows: int) -> float | None:
        """The time of an epoch with its validation; None where the number of its steps isn't known."""

        def passed(count: int, seconds: Callable[[int], float]) -> float:
            whole, left = divmod(count, rows)  # the last batch has what is left
            return whole * seconds(rows) + (seconds(left) if left else 0.0)

        steps = -(-(self.all_rows or 0) // rows)
        if rows == self.rows and self.steps_per_epoch not in (None, steps):
            steps, trained = self.steps_per_epoch or 0, (self.steps_per_epoch or 0) * self.seconds(rows)
        else:
            trained = passed(self.all_rows or 0, self.seconds)
        held = passed(self.validation_rows, lambda count: self._line("test_seconds", count))
        return trained + held if steps else None

    def all_seconds(self, rows: int) -> float | None:
        """The time of all epochs."""
        one = self.epoch_seconds(rows)
        return None if one is None or self.epochs is None else one * self.epochs

    @property
    def per_row(self) -> float:
        """Bytes that one more row of a batch costs."""
        small, large = self.measured
        values = [m.process if m.process is not None else m.arrays for m in (small, large)]
        return (values[1] - values[0]) / (large.rows - small.rows)

    @property
    def arrays_per_row(self) -> float:
        """Bytes of arrays that one more row of a batch costs."""
        small, large = self.measured
        return (large.arrays - small.arrays) / (large.rows - small.rows)

    @property
    def largest(self) -> int | None:
        """The largest batch that fits into the limit; 0 for none, None where nothing limits it."""
        if self.limit is None:
            return None
        known = self.measured[0].process is not None
        takes = (lambda rows: self.process(rows) or 0) if known else self.arrays
        if takes(1) > self.limit:
            return 0
        low, high = 1, self.all_rows or self._many
        if takes(high) <= self.limit:
            return high
        while high - low > 1:  # the largest of those that fit
            middle = (low + high) // 2
            low, high = (middle, high) if takes(middle) <= self.limit else (low, middle)
        return low

    @property
    def is_free(self) -> bool:
        """Is memory not what limits a batch, as more rows fit than anybody has?"""
        return self.all_rows is None and self.largest == self._many

    @property
    def _many(self) -> int:
        """More rows than anybody puts into a batch."""
        return max(_MANY_ROWS, _LINES * self.rows)

    def sizes(self) -> list[int]:
        """Batch sizes worth a line: around the script's, and the largest that fits, where that means anything."""
        found = {max(1, self.rows // 2), self.rows, 2 * self.rows, 4 * self.rows, _LINES * self.rows}
        if self.largest and not self.is_free:
            found = {b for b in found if b <= self.largest or b == self.rows} | {self.largest}
        return sorted(b for b in found if self.all_rows is None or b <= self.all_rows or b == self.rows)

    def _line(self, name: str, rows: int) -> float:
        """A number at `rows` on the line through both measured ones."""
        small, large = [(m.rows, getattr(m, name)) for m in self.measured]
        return _line(small, large, rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        lines = [
            {
                "batch_size": b,
                "process_bytes": self.process(b),
                "array_bytes": self.arrays(b),
                "step_seconds": self.seconds(b),
                "epoch_seconds": self.epoch_seconds(b),
                "all_seconds": self.all_seconds(b),
            }
            for b in self.sizes()
        ]
        place = self.place or (None, None)
        return {
            "batch_size": self.rows,
            "limit": self.limit,
            "largest_batch": self.largest,
            "bytes_per_row": self.per_row,
            "array_bytes_per_row": self.arrays_per_row,
            "before_training_bytes": self.before,
            "weights_bytes": self.weights,
            "optimizer_bytes": self.optimizer,
            "data_bytes": self.data,
            "epochs": self.epochs,
            "callbacks_left_out": list(self.callbacks),
            "file": place[0],
            "line": place[1],
            "sizes": lines,
            "peak": {"at": self.measured[1].at, "layers": self.measured[1].layers, "roles": self.measured[1].roles},
            "measured": [m._asdict() for m in self.measured],
            "between": self.between and {"rows": self.between[0], "seconds": self.between[1]},
        }


def _line(small: tuple[int, float], large: tuple[int, float], rows: int) -> float:
    """The value at `rows` on the line through two points; it doesn't fall below a part of the smaller."""
    slope = max(0.0, (large[1] - small[1]) / (large[0] - small[0]))
    return max(small[1] + slope * (rows - small[0]), small[1] * min(1.0, rows / small[0]))


def estimated(first: FirstStep, limit: int | None, own: int = 0) -> Estimate | str:
    """Measure steps at two batch sizes, and make an estimate; `own` are the bytes of viz: see `memory_of_viz`."""
    rows = rows_of(first.batch[0])
    if first.kind == "loop" and first.others:
        return "the loop calls several models, or one several times, so its step can't be made from outside"
    if not rows or not first.can_train:
        return "the loop's model, loss object and optimizer can't be recognized from outside, so no step can be made"
    before = peak_so_far()
    small = measure(first, rows)
    if isinstance(small, str):
        return f"a step of {rows} rows failed: {small}"
    large = measure(first, _second(small))
    if isinstance(large, str) and rows > 1:  # a model that takes no larger batch
        small, large = measure(first, max(1, rows // 2)), small
    if isinstance(small, str) or isinstance(large, str):
        why = small if isinstance(small, str) else large
        return f"a step of other batches than of {rows} rows failed, so nothing can be said of them: {why}"
    middle = small.rows * round(math.sqrt(large.rows / small.rows))
    time = measure_time(first, middle) if small.rows < middle < large.rows else "nothing is between"
    small, large = [m if m.process is None else m._replace(process=m.process - own) for m in (small, large)]
    before = None if before is None else before - own
    fit = first.fit
    feed, validation = getattr(fit, "feed", None), getattr(fit, "validation", None)
    held = getattr(validation, "rows", None)
    if validation is not None and held is None:
        held = (validation.steps or 0) * rows
    return Estimate(
        rows,
        (small, large),
        None if isinstance(time, str) else (middle, time),
        before,
        limit,
        getattr(feed, "rows", None),
        None if fit is None else fit.epochs - fit.initial_epoch,
        getattr(feed, "steps", None),
        held or 0,
        large.weights,
        large.optimizer,
        first.place,
        _callbacks(fit),
        _bytes_of_data(feed, validation),
    )


def _callbacks(fit: Any) -> tuple[str, ...]:
    """The classes of the callbacks that the script gave to `fit`."""
    given = [] if fit is None else fit.callbacks.callbacks
    return tuple(dict.fromkeys([name for name in (type(each).__name__ for each in given) if name not in _OF_FIT]))


def _bytes_of_data(*feeds: Any) -> int:
    """The arrays that these feeds cut, whole: `x[:600]` holds all of `x`."""
    arrays = [leaf for feed in feeds for leaf in tree.flatten(getattr(feed, "parts", None)) if leaf is not None]
    wholes = {}
    for array in arrays:
        while isinstance(getattr(array, "base", None), numpy.ndarray):
            array = array.base
        wholes[id(array)] = getattr(array, "nbytes", 0)
    return sum(wholes.values())


def _second(small: Measured) -> int:
    """The second batch size: as much larger as is quickly done, so that what grows with it is seen well.

    A step of it should take a second, and its arrays a quarter of the machine's memory, at most. A limit that is asked
    about doesn't count: what is measured is the same for each.
    """
    room = (memory_of_machine() or 2**32) / 4
    times = min(_MOST_TIMES, 1 / max(small.seconds, 1e-6), room / max(1, small.arrays))
    return small.rows * max(2, 1 << int(math.log2(max(times, 1))))
