"""What the steps of a program took and made, which was recorded once or several times, as numbers to compare."""

from __future__ import annotations

import collections
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from viz.compare.noise import drift, quiet
from viz.facts.digest.made import Made
from viz.facts.digest.reports import step_before
from viz.facts.flops import all_flops
from viz.facts.memory_use import peak_of
from viz.facts.schema import Logs, Record
from viz.facts.selection import step_numbers

__all__ = ["EXACT", "NOISY", "Side", "figures_of", "last_reported", "nearest"]

NOISY = ("time", "forward", "backward", "update", "loss")
EXACT = ("memory", "peak", "ops", "params", "flops")


class Figures(NamedTuple):
    """The figures of a recording.

    Attributes:
        noisy: for each of `NOISY`, one number per step: times in nanoseconds.
        single: one number each. Of `EXACT`, which the machine doesn't change: bytes made in a step, the peak of bytes
            in use, ops and FLOPs of a step, numbers in trained weights; and by its name what training reported last.
    """

    noisy: dict[str, list[float]]
    single: dict[str, float]


class Side:
    """The recordings of one program.

    Attributes:
        runs: the figures of each.
    """

    def __init__(self, records: Sequence[Record], steps: frozenset[int] | None = None) -> None:
        self.runs = [figures_of(record, steps) for record in records]

    @property
    def names(self) -> list[str]:
        """What any of them has one number of, such as what training reported."""
        return list(dict.fromkeys([name for run in self.runs for name in run.single]))

    def times(self, name: str, least: int) -> list[float]:
        """The quicker half of each recording's times."""
        return [x for run in self.runs for x in quiet(run.noisy[name], least)]

    def lowered(self, name: str) -> float:
        """How far times differ for another reason than the program: within a recording, and from one to the next."""
        typical = [statistics.median(quiet(run.noisy[name])) for run in self.runs if run.noisy[name]]
        between = max(typical) / min(typical) - 1 if typical and min(typical) > 0 else 0.0
        return max([between, *[drift(run.noisy[name]) for run in self.runs]])

    def losses(self) -> list[float]:
        """The loss of each step, the mean of all recordings where they made as many steps."""
        found = [run.noisy["loss"] for run in self.runs]
        if len({len(each) for each in found}) == 1:
            return [statistics.fmean(each) for each in zip(*found)]
        return [x for each in found for x in each]

    def single(self, name: str) -> list[float]:
        """A figure of which a recording has one number, of each; empty where one of them hasn't got it."""
        found = [run.single[name] for run in self.runs if name in run.single]
        return found if len(found) == len(self.runs) else []


def nearest(a: Sequence[float], b: Sequence[float], above: bool) -> tuple[float, float]:
    """The two figures between which a change is smallest: a change of the whole side is at least as large."""
    if any(math.isnan(x) for x in (*a, *b)):
        return math.nan if any(math.isnan(x) for x in a) else a[0], math.nan if any(math.isnan(x) for x in b) else b[0]
    return (max(a), min(b)) if above else (min(a), max(b))


def figures_of(record: Record, steps: frozenset[int] | None = None) -> Figures:
    """The figures of a recording; without steps, of the whole as one step."""
    counted = None if steps is None else {i for i, number in enumerate(step_numbers(record)) if number in steps}
    by_step: dict[int | None, dict[str, float]] = {}
    counted_flops, made = all_flops(record, record.ops), Made(record)
    for op in record.ops:
        sums = by_step.setdefault(op.step if record.steps else None, collections.defaultdict(float))
        sums["ops"] += 1
        if op.phase == "network":
            continue
        sums["memory"] += made.by(op)
        sums["updates"] += op.phase == "update"
        sums[op.phase if op.phase in ("backward", "update") else "forward"] += op.duration
        if op.phase == "forward":
            sums["flops"] += counted_flops[op.id] or 0
    for step in record.steps:
        if step.index in by_step and step.start is not None and step.end is not None:
            by_step[step.index]["time"] = step.end - step.start
    failed = {step.index for step in record.steps if record.scopes[step.scope].error is not None}
    kept = {n: sums for n, sums in by_step.items() if n not in failed and (n is not None or not record.steps)}
    if counted is not None:
        kept = {n: sums for n, sums in kept.items() if n in counted}
    kept = _alike({n: sums for n, sums in kept.items() if sums["updates"]} or kept)
    if not record.steps:
        for sums in kept.values():
            sums["time"] = sums["forward"] + sums["backward"] + sums["update"]
    noisy = {name: [sums[name] for sums in kept.values() if sums.get(name)] for name in NOISY[:-1]}
    logs = [log for log in record.logs if counted is None or step_before(record, log) in counted]
    noisy["loss"] = _losses(logs)
    names = ("memory", "ops", "flops") if kept else ()
    exact = {name: statistics.median([sums[name] for sums in kept.values()]) for name in names}
    weights = [t for t in record.tensors if t.role == "parameter" and not t.version and t.producer is None]
    exact["params"] = sum([math.prod(t.shape) for t in weights])
    if record.storages:
        exact["peak"] = peak_of(record, counted)
    return Figures(noisy, last_reported(logs) | exact)


def _alike(steps: dict[int | None, dict[str, float]]) -> dict[int | None, dict[str, float]]:
    """The steps that do what most of them do: not the first, which builds and warms up, nor a smaller last one."""
    later = dict(list(steps.items())[1:]) if len(steps) > 2 else steps
    sizes = collections.Counter([(sums["ops"], sums["memory"]) for sums in later.values()])
    if not sizes:
        return later
    usual = sizes.most_common(1)[0][0]
    return {n: sums for n, sums in later.items() if (sums["ops"], sums["memory"]) == usual}


def _losses(logs: Sequence[Logs]) -> list[float]:
    """The losses of single steps in the second half; what `fit` reports are means since the epoch began."""
    found: list[float] = []
    before, count = 0.0, 0
    for log in logs:
        value = log.values.get("loss")
        if log.kind not in ("batch", "step") or not isinstance(value, (int, float)):
            continue
        if log.kind == "step":  # of a loop of one's own: no mean
            found.append(value)
            continue
        if log.step == 0 or log.step != count:
            before, count = 0.0, log.step
            if count:  # recorded from the middle of an epoch on
                before, count = value * (log.step + 1), log.step + 1
                continue
        found.append(value * (count + 1) - before)
        before, count = value * (count + 1), count + 1
    return found[len(found) // 2 :]


def last_reported(logs: Sequence[Logs]) -> dict[str, float]:
    """What training reported last, by name: at an epoch's end, or where there are no epochs, of a batch or a step.

    Batches of its validation then have names with `val_`, as epochs give them; where nothing was trained, their own.
    """
    found: dict[str, float] = {}
    kinds = {log.kind for log in logs}
    for log in logs:
        if log.kind == "epoch" or "epoch" not in kinds:
            prefix = "val_" if log.kind == "evaluation" and len(kinds) > 1 else ""
            found |= {f"{prefix}{k}": float(v) for k, v in log.values.items() if isinstance(v, (int, float))}
    return found
