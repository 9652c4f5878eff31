"""What is wrong between ranks: each brings what it noted, and rank 0 judges."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from eagerflow.core.observe import unobserved
from eagerflow.distribution.processors import places, threads
from viz.doctor.checks.rank_weights import RankWeights
from viz.doctor.finding import Finding
from viz.doctor.watcher import Watcher

__all__ = ["RankReport", "compare", "judge", "report_of"]


@dataclasses.dataclass
class RankReport:
    """What a rank tells of itself.

    Attributes:
        rank: its number.
        host: its machine.
        weights: by the number of a step, from 0: checksums of trained variables after it, by name.
        threads: that it computes with.
        cores: numbers of the processor's cores that it may use.
        findings: what its own checks found.
    """

    rank: int
    host: str = ""
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
    rank = communicator.rank
    found = RankReport(rank, communicator.hosts[rank], findings=watcher.findings)
    found.weights = next((each.weights for each in watcher.checks if isinstance(each, RankWeights)), {})
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
    _judge_threads(reports, report)


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


def _judge_threads(reports: Sequence[RankReport], report: Callable[..., None]) -> None:
    for machine in dict.fromkeys([each.host for each in reports]):
        here = [each for each in reports if each.host == machine]
        cores = len(frozenset[int]().union(*[each.cores for each in here]))
        used = sum([each.threads for each in here])
        if used > cores:
            words = f"{len(here)} ranks on {machine} compute with {used} threads, and may use {cores} cores"
            numbers = {"host": machine, "ranks": len(here), "threads": used, "cores": cores}
            report("oversubscribed", "warning", words, key=("oversubscribed", machine), evidence=numbers)


def _listed(reports: Sequence[RankReport]) -> str:
    shown = ", ".join([each.name for each in reports[:3]])
    return shown if len(reports) <= 3 else f"{shown} and {len(reports) - 3} more"
