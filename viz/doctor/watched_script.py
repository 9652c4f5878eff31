"""Runs an unmodified script under the doctor's eyes, in this process."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from eagerflow import compat
from eagerflow.core.observe import unobserved
from eagerflow.distribution.processors import places, threads
from viz.doctor.checks.rank_weights import RankWeights
from viz.doctor.crash import explain_crash
from viz.doctor.diagnosis import Diagnosis
from viz.doctor.finding import Finding
from viz.doctor.watcher import Watcher
from viz.shell.float_warnings import without_float_warnings
from viz.shell.program import Script, print_error
from viz.shell.signals import status_of
from viz.shell.statuses import ended

__all__ = ["Examination", "examine"]


class Examination(NamedTuple):
    """What running a script gave."""

    diagnosis: Diagnosis
    steps: int  # training steps, as recordings count them
    failures: list[tuple[str, Exception]]  # the doctor's own checks that failed
    status: int = 0  # the script's exit status: 1 where it raised, 130 where Ctrl-C ended it, 143 where SIGTERM did
    ended: str = ""  # in words: "the script failed"; empty where it came to its end
    trainings: int = 1

    @property
    def crashed(self) -> bool:
        """Did an exception, or an exit status other than 0, end it?"""
        return bool(self.status)


def examine(
    script: str,
    arguments: Sequence[str] = (),
    found: Callable[[Finding], None] | None = None,
    ranks: Any = None,
    ignored: Sequence[str] = (),
    as_module: bool = False,
) -> Examination:
    """Run a script as `python SCRIPT` would, and watch it; scripts that import Keras mean eagerflow by it.

    An exception of the script's is printed as Python prints it, and ends only the script.

    Args:
        script: a Python file, or the name of a module.
        arguments: what it finds in `sys.argv`.
        found: called with each finding as soon as it is made.
        ranks: the communicator of several ranks that run this script together; they find together, unless it crashes.
        ignored: kinds of findings that nobody wants to hear of.
        as_module: is it a module?

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it isn't a script, or for an unknown kind.
    """
    watcher, program = Watcher(found, ignored), Script(script, arguments, as_module)
    with program.in_place(), compat.on_demand(), without_float_warnings(), watcher:
        status, ended = _run(program, watcher)
    if ranks is not None and not status:
        compare(watcher, ranks)
    count = sum(training.step > 0 for training in watcher.trainings)
    return Examination(
        Diagnosis(watcher.findings), watcher.steps.trained, watcher.failures, status, ended, max(1, count)
    )


def _run(script: Script, watcher: Watcher) -> tuple[int, str]:
    """Run it; its exit status, and how it ended in words, where that wasn't at its end."""
    try:
        script.run()
    except SystemExit as leaving:
        if leaving.code is not None and not isinstance(leaving.code, int):
            print(leaving.code, file=sys.stderr)
        status = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
        return status, f"the script left with status {status}" if status else ""
    except BaseException as error:  # noqa: BLE001  (the script's, whatever it is; what was found is told all the same)
        if isinstance(error, KeyboardInterrupt):
            watcher.interrupted = True
            return status_of(error), ended(status_of(error))
        explain_crash(error, watcher)
        print_error(error, script.path, __file__)
        return 1, "the script failed"
    return 0, ""


@dataclasses.dataclass
class RankReport:
    """What a rank tells of itself."""

    rank: int
    host: str = ""
    weights: dict[int, dict[str, int]] = dataclasses.field(default_factory=dict)  # checksums, by step and variable
    threads: int = 1  # that it computes with
    cores: frozenset[int] = frozenset()  # that it may use
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """`"rank 1 (on b)"`."""
        return f"rank {self.rank} (on {self.host})"


def compare(watcher: Watcher, communicator: Any) -> None:
    """Let rank 0 judge what all ranks noted, and give all of them everything that was found. Collective."""
    with unobserved():
        reports = communicator.gather_objects(report_of(watcher, communicator))
        if communicator.rank == 0:
            for each in reports[1:]:
                severe = [finding for finding in each.findings if finding.severity != "info"]
                watcher.take([dataclasses.replace(f, message=f"{f.message} ({each.name})") for f in severe])
            judge(reports, watcher.script.report)
        watcher.found_together(communicator.broadcast_object(watcher.findings))


def report_of(watcher: Watcher, communicator: Any) -> RankReport:
    """What this rank tells."""
    rank = communicator.rank
    found = RankReport(rank, communicator.hosts[rank], findings=watcher.findings)
    found.weights = next((each.weights for each in watcher.checks if isinstance(each, RankWeights)), {})
    found.threads, found.cores = getattr(communicator, "compute_threads", threads)(), frozenset(places())
    return found


def judge(reports: Sequence[RankReport], report: Callable[..., None]) -> None:
    """Report what is wrong between ranks, whose reports are in their order."""
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
