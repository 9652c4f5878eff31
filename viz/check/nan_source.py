"""Which op made a loss NaN or infinite while steps were tried: then it is to be mended first, not the learning rate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from viz.check.labels import of_finding
from viz.check.row import Row
from viz.check.subject import Subject
from viz.doctor.finding import Finding
from viz.doctor.watcher import Watcher
from viz.dry_run.recorded_ops import RecordedLoss

__all__ = ["in_loop", "made_by_op"]

# Ops that aren't defined for numbers that occur at any rate: 0 for a log. Others overflow because steps are too large.
_OF_ZERO = tuple(f"nonfinite.{name}" for name in ("log", "divide", "sqrt", "power"))


def in_loop(finding: Finding, subject: Subject) -> Finding:
    """With the line of the loop that called its op: recorded ops of a loop are run again, elsewhere."""
    loss = subject.first.loss
    place = loss.places.get(finding.op or "") if isinstance(loss, RecordedLoss) else None
    return finding if place is None else dataclasses.replace(finding, file=place.file, line=place.line)


def made_by_op(subject: Subject, steps: Callable[[], object], words: str) -> Row | None:
    """✗ with the line of the op; None where it was no such op."""
    watcher = Watcher()
    watcher.interrupted = True  # where this training would have ended isn't known
    with subject.undone(), watcher:
        steps()
    found = next((each for each in watcher.findings if each.rule in _OF_ZERO and each.file), None)
    if found is None:
        return None
    row = of_finding(in_loop(found, subject))
    row.message = f"{words}: {row.message.partition('; in step ')[0]}"  # steps of the trial have other numbers
    return row
