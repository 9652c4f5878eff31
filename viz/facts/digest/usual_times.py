"""What ops took in each of the recorded steps that ran them; usual is their median, of two that of the faster step.

One step tells little: the first one warms up, and any may have been held up by something else on the machine, most
often in one op. So each op has its own median, and of several ops the page adds these: times of parts add up to the
whole's, and what held up a single op once is in none of them. Of two steps, all times are those of the one that was
faster altogether: half of what the other took to warm up would still show.
"""

from __future__ import annotations

import collections
import functools
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
    times: dict[Hashable, list[tuple[int, int]]] = {}
    of_op: dict[int, list[tuple[int, int]]] = {}
    for op, key in _timed(record):
        if op.step is not None:
            of_op[op.id] = times.setdefault(key, [])
            times[key].append((op.step, op.duration))
    return _usual({op: found for op, found in of_op.items() if len(found) > 1})


class RecentTimes:
    """The times of ops in the last steps that were recorded one by one."""

    def __init__(self, most: int = 15) -> None:
        self._most, self._added = most, 0
        self._times: dict[Hashable, collections.deque[tuple[int, int]]] = {}  # numbers of steps, and times

    def add(self, record: Record) -> dict[int, UsualTime]:
        """Remember a recorded step; gives, as `usual_times`, what its ops took in this and the steps before it."""
        self._added += 1
        oldest, found = self._added - self._most, {}
        for op, key in _timed(record):
            known = self._times.setdefault(key, collections.deque(maxlen=self._most))
            known.append((self._added, op.duration))
            found[op.id] = [(number, time) for number, time in known if number > oldest]
        self._times = {key: known for key, known in self._times.items() if known[-1][0] > oldest}
        return _usual({op: recent for op, recent in found.items() if len(recent) > 1})


def _usual(times: Mapping[int, list[tuple[int, int]]]) -> dict[int, UsualTime]:
    """By op the usual time, of lists of steps with their times, of which ops may share one."""
    several, took = {id(each): each for each in times.values()}, collections.Counter[int]()
    for each in several.values():
        for number, time in each:
            took[number] += time
    made = {
        key: UsualTime(*zip(*(sorted(each, key=lambda pair: took[pair[0]]) if len(each) == 2 else each)))
        for key, each in several.items()
    }
    return {op: made[id(each)] for op, each in times.items()}


def _timed(record: Record) -> Iterator[tuple[Op, Hashable]]:
    """Each op that was timed, with what it shares with the same op of other steps, as the second Dense's matmul.

    Shapes are a part of it: the last batch of an epoch is often smaller.
    """
    told = functools.cache(lambda shape, dtype: f"{shape} {dtype}")  # the hash of a text is computed once
    arrays = [told(tensor.shape, tensor.dtype) for tensor in record.tensors]
    names = {step.index: record.scopes[step.scope].name for step in record.steps}
    paths: dict[int | None, str] = {}
    seen = collections.defaultdict[Hashable, int](int)
    for op in record.ops:
        if op.start is None or op.end is None or op.error is not None:
            continue
        scope = origin(record, op).scope
        if scope not in paths:
            paths[scope] = record.path(scope)
        read, made = map(arrays.__getitem__, op.inputs), map(arrays.__getitem__, op.outputs)
        kind = "" if op.step is None else names[op.step], paths[scope], op.name, op.phase, *read, *made
        nth = seen[op.step, kind] = seen[op.step, kind] + 1
        yield op, (kind, nth)
