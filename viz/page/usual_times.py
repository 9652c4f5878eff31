"""What ops took in each of the recorded steps that ran them; usual is the median of these, of two the faster.

One step tells little: the first one warms up, and any may have been held up by something else on the machine. Of
several ops the page adds the times of each step, and takes the median of these sums: no step took all medians at once.
"""

from __future__ import annotations

import collections
import dataclasses
import statistics
from collections.abc import Hashable, Iterator

from viz.facts.schema import Op, Record
from viz.facts.selection import origin

__all__ = ["RecentTimes", "UsualTime", "usual_times"]


@dataclasses.dataclass(frozen=True, slots=True)
class UsualTime:
    """What an op took in several steps.

    Attributes:
        steps: the numbers of the steps that ran it.
        times: what it took in each of them, in nanoseconds.
    """

    steps: tuple[int, ...]
    times: tuple[int, ...]

    @property
    def median(self) -> int:
        """The usual; of two steps the faster, as the first one often warms up, which half of it would still show."""
        return round(statistics.median(self.times)) if len(self.times) > 2 else min(self.times)


def usual_times(record: Record) -> dict[int, UsualTime]:
    """For each op that ran in several steps of a recording, by id, what it took in them."""
    found: dict[Hashable, list[Op]] = {}
    for op, key in _keys(record):
        if op.step is not None:
            found.setdefault(key, []).append(op)
    known = {}
    for ops in found.values():
        if len(ops) > 1:
            usual = UsualTime(tuple([op.step or 0 for op in ops]), tuple([op.duration for op in ops]))
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
                found[op.id] = UsualTime(*zip(*recent))
        self._times = {key: known for key, known in self._times.items() if known[-1][0] > oldest}
        return found


def _keys(record: Record) -> Iterator[tuple[Op, Hashable]]:
    """Each op that was timed, and what it shares with the same one of other steps, as the second Dense's matmul.

    Shapes are a part of it: the last batch of an epoch is often smaller.
    """
    seen: collections.Counter[Hashable] = collections.Counter()
    paths: dict[int | None, str] = {None: ""}
    for op in record.ops:
        if op.start is None or op.end is None or op.error is not None:
            continue
        scope = origin(record, op).scope
        if scope not in paths:
            paths[scope] = record.path(scope)
        step = "" if op.step is None else record.scopes[record.steps[op.step].scope].name
        tensors = [record.tensors[i] for i in (*op.inputs, *op.outputs)]
        alike = (step, paths[scope], op.name, op.phase, *[(tensor.shape, tensor.dtype) for tensor in tensors])
        seen[op.step, alike] += 1
        yield op, (alike, seen[op.step, alike])
