"""What ops took in each of the recorded steps that ran them; usual is their median, of two that of the faster step.

One step tells little: the first one warms up, and any may have been held up by something else on the machine, most
often in one op. So each op has its own median, and of several ops the page adds these: times of parts add up to the
whole's, and what held up a single op once is in none of them. Of two steps, all times are those of the one that was
faster altogether: half of what the other took to warm up would still show.
"""

from __future__ import annotations

import collections
import statistics
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import NamedTuple

from viz.facts.schema import Op, Record
from viz.facts.selection import origin

__all__ = ["RecentTimes", "UsualTime", "steps_of", "told_steps", "usual_sums", "usual_times"]


class UsualTime(NamedTuple):
    """What an op took in several steps.

    Attributes:
        steps: the numbers of the steps that ran it; of two the one that was faster altogether is the first.
        times: what it took in each of them, in nanoseconds.
    """

    steps: tuple[int, ...]
    times: tuple[int, ...]

    @property
    def median(self) -> int:
        """The usual; of two steps that of the faster, as the first often warms up."""
        return round(statistics.median(self.times)) if len(self.times) > 2 else self.times[0]


def usual_sums(usual: Mapping[int, UsualTime]) -> Callable[[Iterable[Op]], int]:
    """A function that tells what some ops usually take together, in nanoseconds.

    It is the sum of what each usually takes. Of an op of which only this run is known, its own time counts.
    """
    return lambda ops: sum([usual[op.id].median if op.id in usual else op.duration for op in ops])


def told_steps(count: int) -> str:
    """Of which of so many steps a usual time is, as the page says it.

    >>> told_steps(4)
    'median of 4 steps'
    """
    if count < 2:
        return "one step"
    return f"{'median' if count > 2 else 'faster'} of {count:,} steps"


def steps_of(ops: Iterable[Op], usual: Mapping[int, UsualTime]) -> int:
    """In how many steps ops ran, the most of any; 0 where nothing is known of other steps."""
    return max([len(usual[op.id].steps) for op in ops if op.id in usual], default=0)


def usual_times(record: Record) -> dict[int, UsualTime]:
    """For each op that ran in several steps of a recording, by id, what it took in them."""
    found: dict[tuple[int, int], tuple[list[int], list[tuple[int, int]]]] = {}
    for op, key in _Kinds(record).timed():
        if op.step is not None:
            ids, times = found.setdefault(key, ([], []))
            ids.append(op.id)
            times.append((op.step, op.duration))
    several = [each for each in found.values() if len(each[0]) > 1]
    took = _took_together([times for _, times in several])
    known = {}
    for ids, times in several:
        known.update(dict.fromkeys(ids, _usual(times, took)))
    return known


class RecentTimes:
    """The times of ops in the last steps that were recorded one by one."""

    def __init__(self, most: int = 15) -> None:
        self._most = most
        self._added = 0
        self._times: dict[Hashable, collections.deque[tuple[int, int]]] = {}  # numbers of steps, and times

    def add(self, record: Record) -> dict[int, UsualTime]:
        """Remember a recorded step; gives, as `usual_times`, what its ops took in this and the steps before it."""
        self._added += 1
        oldest, found = self._added - self._most, {}
        kinds = _Kinds(record)
        for op, (kind, nth) in kinds.timed():
            known = self._times.setdefault((kinds.told[kind], nth), collections.deque(maxlen=self._most))
            known.append((self._added, op.duration))
            recent = [(number, time) for number, time in known if number > oldest]
            if len(recent) > 1:
                found[op.id] = recent
        self._times = {key: known for key, known in self._times.items() if known[-1][0] > oldest}
        took = _took_together(found.values())
        return {op: _usual(recent, took) for op, recent in found.items()}


def _took_together(times: Iterable[list[tuple[int, int]]]) -> dict[int, int]:
    """What ops took together in each step, by its number: of pairs of a step and a time, a list for each op."""
    took: dict[int, int] = {}
    for of_op in times:
        for number, time in of_op:
            took[number] = took.get(number, 0) + time
    return took


def _usual(times: list[tuple[int, int]], took: Mapping[int, int]) -> UsualTime:
    ordered = sorted(times, key=lambda each: took[each[0]]) if len(times) == 2 else times
    steps, durations = zip(*ordered)
    return UsualTime(steps, durations)


class _Kinds:
    """What ops share with the same ones of other steps, as the second Dense's matmul.

    Shapes are a part of it: the last batch of an epoch is often smaller.

    Attributes:
        told: each kind of op, by its number: the same in other recordings.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self.told: list[Hashable] = []
        arrays: dict[Hashable, int] = {}
        self._arrays = [arrays.setdefault((tensor.shape, tensor.dtype), len(arrays)) for tensor in record.tensors]
        self._steps = [record.scopes[step.scope].name for step in record.steps]

    def timed(self) -> Iterator[tuple[Op, tuple[int, int]]]:
        """Each op that was timed, with the number of its kind, and which op of this kind in its step it is."""
        record, array = self._record, self._arrays.__getitem__
        numbers: dict[Hashable, int] = {}
        places: dict[tuple[int | None, int | None], tuple[str, str]] = {}  # by step and scope: where ops are
        seen: dict[tuple[int | None, int], int] = {}
        for op in record.ops:
            if op.start is None or op.end is None or op.error is not None:
                continue
            at = op.step, origin(record, op).scope
            if at not in places:
                places[at] = self._place(*at)
            alike = (*places[at], op.name, op.phase, *map(array, op.inputs), *map(array, op.outputs))
            kind = numbers.setdefault(alike, len(numbers))
            if kind == len(self.told):
                tensors = [record.tensors[i] for i in (*op.inputs, *op.outputs)]
                self.told.append((*alike[:4], *[(tensor.shape, tensor.dtype) for tensor in tensors]))
            nth = seen[op.step, kind] = seen.get((op.step, kind), 0) + 1
            yield op, (kind, nth)

    def _place(self, step: int | None, scope: int | None) -> tuple[str, str]:
        """The name of a step, and the path of a scope."""
        return "" if step is None else self._steps[step], self._record.path(scope)
