"""What ops took in each of the recorded steps that ran them; usual is their median, of two that of the faster step.

One step tells little: the first one warms up, and any may have been held up by something else on the machine, most
often in one op. So each op has its own median, and of several ops the page adds these: times of parts add up to the
whole's, and what held up a single op once is in none of them. Of two steps, all times are those of the one that was
faster altogether: half of what the other took to warm up would still show.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Hashable, Iterable, Iterator, Mapping

from viz.facts.digest.usual_sums import usual_of
from viz.facts.schema import Op, Record
from viz.facts.selection import origin

__all__ = ["RecentTimes", "UsualTime", "usual_times"]


@dataclasses.dataclass(frozen=True, slots=True)
class UsualTime:
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
        return usual_of(self.times)


def usual_times(record: Record) -> dict[int, UsualTime]:
    """For each op that ran in several steps of a recording, by id, what it took in them."""
    found: dict[Hashable, list[Op]] = {}
    for op, key in _keys(record):
        if op.step is not None:
            found.setdefault(key, []).append(op)
    several = [ops for ops in found.values() if len(ops) > 1]
    took = _took_together([[(op.step or 0, op.duration) for op in ops] for ops in several])
    known = {}
    for ops in several:
        usual = _usual([(op.step or 0, op.duration) for op in ops], took)
        known.update(dict.fromkeys([op.id for op in ops], usual))
    return known


class RecentTimes:
    """The times of ops in the last steps that were recorded one by one.

    Args:
        most: how many steps are remembered.
    """

    def __init__(self, most: int = 15) -> None:
        self._most = most
        self._added = 0
        self._times: dict[Hashable, collections.deque[tuple[int, int]]] = {}  # numbers of steps, and times

    def add(self, record: Record) -> dict[int, UsualTime]:
        """Remember a recorded step; gives, as `usual_times`, what its ops took in this and the steps before it."""
        self._added += 1
        oldest, found = self._added - self._most, {}
        for op, key in _keys(record):
            known = self._times.setdefault(key, collections.deque(maxlen=self._most))
            known.append((self._added, op.duration))
            recent = [(number, time) for number, time in known if number > oldest]
            if len(recent) > 1:
                found[op.id] = recent
        self._times = {key: known for key, known in self._times.items() if known[-1][0] > oldest}
        took = _took_together(found.values())
        return {op: _usual(recent, took) for op, recent in found.items()}


def _took_together(times: Iterable[list[tuple[int, int]]]) -> dict[int, int]:
    """What ops took together in each step, by its number: of pairs of a step and a time, a list for each op."""
    took: collections.Counter[int] = collections.Counter()
    for of_op in times:
        for number, time in of_op:
            took[number] += time
    return took


def _usual(times: list[tuple[int, int]], took: Mapping[int, int]) -> UsualTime:
    ordered = sorted(times, key=lambda each: took[each[0]]) if len(times) == 2 else times
    steps, durations = zip(*ordered)
    return UsualTime(steps, durations)


def _keys(record: Record) -> Iterator[tuple[Op, Hashable]]:
    """Each op that was timed, and what it shares with the same one of other steps, as the second Dense's matmul.

    Shapes are a part of it: the last batch of an epoch is often smaller.
    """
    seen: collections.Counter[Hashable] = collections.Counter()
    paths: dict[int | None, str] = {None: ""}
    steps = [record.scopes[step.scope].name for step in record.steps]
    arrays: dict[Hashable, int] = {}
    array_of = [arrays.setdefault((tensor.shape, tensor.dtype), len(arrays)) for tensor in record.tensors]
    kinds: dict[Hashable, Hashable] = {}  # by what is quickly compared, within this recording
    for op in record.ops:
        if op.start is None or op.end is None or op.error is not None:
            continue
        scope = origin(record, op).scope
        if scope not in paths:
            paths[scope] = record.path(scope)
        step = "" if op.step is None else steps[op.step]
        alike = (step, paths[scope], op.name, op.phase, *[array_of[i] for i in (*op.inputs, *op.outputs)])
        if alike not in kinds:
            tensors = [record.tensors[i] for i in (*op.inputs, *op.outputs)]
            kinds[alike] = (*alike[:4], *[(tensor.shape, tensor.dtype) for tensor in tensors])
        seen[op.step, alike] += 1
        yield op, (kinds[alike], seen[op.step, alike])
