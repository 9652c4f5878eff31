"""What is wrong between ranks: each brings what it noted, and rank 0 judges."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from eagerflow.core.observe import unobserved
from eagerflow.distribution.processors import places, threads
from viz.doctor import thresholds as limits
from viz.doctor.checks.rank_times import RankTimes, StepTimes
from viz.doctor.facts.host_arrays import number
from viz.doctor.finding import Finding
from viz.doctor.watcher import Watcher
from viz.facts import formatting

__all__ = ["RankReport", "compare", "judge", "report_of"]

_RANK_STEPS = 20  # steps that are compared; one rank is always the slower one for a while
_RANK_SHARE = 0.75  # of the last steps in which it was: noise changes sides
_STRAGGLER = 1.2  # a rank's computing against the median of the others
_STRAGGLER_MS = 0.5  # smaller differences come and go with the scheduler
_INPUT_IMBALANCE = 1.5  # waiting for data against the median of the others
_INPUT_IMBALANCE_OF_STEP = 0.1  # the difference against a whole step; less isn't worth a thought
_ROWS = 1.2  # rows of a step against the fewest; an uneven cut differs by one
_COMMUNICATION = 0.3  # of the time, on the rank that waits least: the others wait for that one, too


@dataclasses.dataclass
class RankReport:
    """What a rank tells of itself.

    Attributes:
        rank: its number.
        host: its machine.
        steps: its last training steps.
        weights: by the number of a step, from 0: checksums of trained variables after it, by name.
        threads: that it computes with.
        cores: numbers of the processor's cores that it may use.
        findings: what its own checks found.
    """

    rank: int
    host: str = ""
    steps: list[StepTimes] = dataclasses.field(default_factory=list)
    weights: dict[int, dict[str, int]] = dataclasses.field(default_factory=dict)
    threads: int = 1
    cores: frozenset[int] = frozenset()
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """`"rank 1 (on b)"`."""
        return f"rank {self.rank} (on {self.host})"


def compare(watcher: Watcher, communicator: Any) -> None:
    """Let rank 0 judge what all ranks noted, and give all of them everything that was found. Collective.

    Args:
        watcher: this rank's, which doesn't watch any more.
        communicator: of all ranks.
    """
    with unobserved():
        reports = communicator.gather_objects(report_of(watcher, communicator))
        if communicator.rank == 0:
            for each in reports[1:]:
                watcher.take([_of_rank(finding, each) for finding in each.findings if finding.severity != "info"])
            judge(reports, watcher.script.report)
        watcher.found_together(communicator.broadcast_object(watcher.findings))


def report_of(watcher: Watcher, communicator: Any) -> RankReport:
    """What this rank tells."""
    rank, times = communicator.rank, next((c for c in watcher.checks if isinstance(c, RankTimes)), None)
    found = RankReport(rank, communicator.hosts[rank], findings=watcher.findings)
    if times is not None:
        found.steps, found.weights = list(times.steps), times.weights
    found.threads, found.cores = getattr(communicator, "compute_threads", threads)(), frozenset(places())
    return found


def _of_rank(finding: Finding, report: RankReport) -> Finding:
    return dataclasses.replace(finding, message=f"{finding.message} ({report.name})")


def judge(reports: Sequence[RankReport], report: Callable[..., None]) -> None:
    """Report what is wrong between ranks.

    Args:
        reports: of all ranks, in their order.
        report: takes the kind, the severity, the message and numbers, as `Program.report` does.
    """
    _judge_weights(reports, report)
    crowded = _judge_threads(reports, report)
    count = min([len(each.steps) for each in reports])
    if len(reports) < 2 or count < _RANK_STEPS:
        return
    steps = [each.steps[-count:] for each in reports]
    _judge_input(reports, steps, report)
    _judge_computing(reports, steps, report)
    if not crowded:  # who has no core to run on seems to be slow to send
        _judge_network(reports, steps, report)


def _judge_weights(reports: Sequence[RankReport], report: Callable[..., None]) -> None:
    before: int | None = None
    for step in sorted(set.intersection(*[set(each.weights) for each in reports])):
        for name, first in reports[0].weights[step].items():
            others = [each for each in reports if each.weights[step].get(name, first) != first]
            if others:
                since = (
                    f"they were equal after step {before}"
                    if before is not None
                    else "it is the first one that was looked at"
                )
                report(
                    "replicas_diverged",
                    "error",
                    f"after step {step} {name!r} has other values on {_listed(others)} than on {reports[0].name}; "
                    f"{since}. Each rank trains a model of its own from there on",
                    key=("replicas_diverged", 0),
                    evidence={"step": step, "variable": name, "ranks": [each.rank for each in others]},
                )
                return
        before = step


def _judge_threads(reports: Sequence[RankReport], report: Callable[..., None]) -> bool:
    crowded = False
    for machine in dict.fromkeys([each.host for each in reports]):
        here = [each for each in reports if each.host == machine]
        cores = len(frozenset[int]().union(*[each.cores for each in here]))
        used = sum([each.threads for each in here])
        if used > cores:
            crowded = True
            words = f"{len(here)} ranks on {machine} compute with {used} threads, and may use {cores} cores"
            numbers = {"host": machine, "ranks": len(here), "threads": used, "cores": cores}
            report("oversubscribed", "warning", words, key=("oversubscribed", machine), evidence=numbers)
    return crowded


def _judge_input(
    reports: Sequence[RankReport], steps: Sequence[Sequence[StepTimes]], report: Callable[..., None]
) -> None:
    rows = [statistics.mean([step.rows for step in each]) for each in steps]
    if min(rows) >= 1 and max(rows) > _ROWS * min(rows) and max(rows) - min(rows) > 1:
        most, least = reports[rows.index(max(rows))], reports[rows.index(min(rows))]
        words = f"{most.name} has {number(max(rows))} rows in each step, and {least.name} has {number(min(rows))}: the "
        words += "others wait for the one with the most"
        report("input_imbalance.rows", "warning", words, key=("input_imbalance", "rows"), evidence={"rows": rows})
    whole = statistics.median([statistics.median(map(sum, _times(each))) for each in steps])
    enough = max(limits.SLOW_INPUT_MS, _INPUT_IMBALANCE_OF_STEP * whole)
    found = _slowest([[step.input for step in each] for each in steps], _INPUT_IMBALANCE, enough)
    if found is not None:
        rank, own, others = found
        words = f"{reports[rank].name} takes {own:.1f} ms for the data of a step, the others take {others:.1f} ms and "
        words += f"then wait for it; a step takes {whole:.1f} ms"
        numbers = {"rank": rank, "ms": own, "others_ms": others, "step_ms": whole}
        report("input_imbalance", "warning", words, key=("input_imbalance", "time"), evidence=numbers)


def _times(steps: Sequence[StepTimes]) -> list[tuple[float, float, float]]:
    return [step[:3] for step in steps]


def _judge_computing(
    reports: Sequence[RankReport], steps: Sequence[Sequence[StepTimes]], report: Callable[..., None]
) -> None:
    """Computing for as many rows as the others have: who has more rows may take longer."""
    rows = [max(1.0, statistics.mean([step.rows for step in each])) for each in steps]
    fair = statistics.median_low(rows)
    times = [[step.compute * min(1.0, fair / own) for step in each] for each, own in zip(steps, rows)]
    found = _slowest(times, _STRAGGLER, _STRAGGLER_MS)
    if found is not None:
        rank, own, others = found
        words = f"{reports[rank].name} computes for {own:.1f} ms in a step, the others for {others:.1f} ms, then wait "
        words += f"for it: all ranks are {own / others:.1f} times as slow as they could be"
        numbers = {"rank": rank, "host": reports[rank].host, "ms": own, "others_ms": others}
        report("straggler", "warning", words, key=("straggler", 0), evidence=numbers)


def _slowest(times: Sequence[Sequence[float]], factor: float, least: float) -> tuple[int, float, float] | None:
    """The rank that takes longer than the others nearly always: its number, its time and theirs (medians)."""
    found = None
    for rank, own in enumerate(times):
        others = [statistics.median(step) for step in zip(*[each for r, each in enumerate(times) if r != rank])]
        slow = [a > factor * b and a - b > least for a, b in zip(own, others)]
        if sum(slow) >= max(_RANK_STEPS * _RANK_SHARE, _RANK_SHARE * len(slow)):
            median = statistics.median(own)
            if found is None or median > found[1]:
                found = rank, median, statistics.median(others)
    return found


def _judge_network(
    reports: Sequence[RankReport], steps: Sequence[Sequence[StepTimes]], report: Callable[..., None]
) -> None:
    costs = []
    for each in steps:  # quartiles: what is sent takes its time in every step; chance delays some
        network = statistics.quantiles([step.network for step in each])[0]
        rest = statistics.quantiles([step.compute + step.input for step in each])[0]
        costs.append((network / (network + rest or 1.0), network, rest))
    share, network, rest = min(costs)
    if share <= _COMMUNICATION or network + rest < limits.SLOW_STEP_MS:
        return
    size, calls = (statistics.median(each) for each in zip(*[(step.nbytes, step.calls) for step in steps[0]]))
    if network > calls * limits.SLOW_CALL_MS + size * limits.SLOW_BYTE_MS:
        return
    gain = 2 * (network + rest) / (network + 2 * rest)  # the network takes what it took
    words = f"{share:.0%} of a step is spent on the network: {network:.1f} ms for {formatting.nbytes(size)}, beside "
    words += f"{rest:.1f} ms of computing. Samples per second to expect: {gain:.1f} times as many with batch_size × 2"
    numbers = {"share": share, "network_ms": network, "compute_ms": rest, "bytes": size}
    report("communication_bound", "warning", words, key=("communication_bound", 0), evidence=numbers)


def _listed(reports: Sequence[RankReport]) -> str:
    shown = ", ".join([each.name for each in reports[:3]])
    return shown if len(reports) <= 3 else f"{shown} and {len(reports) - 3} more"
