"""Which report of training belongs to which step, and which to which model."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence

from viz.facts.digest.picked_step import rows_of
from viz.facts.schema import Logs, Record, Scope

__all__ = ["endings_of_models", "evaluated_together", "goes_on", "own_reports", "step_before"]


def step_before(record: Record, log: Logs) -> int:
    """The place of the step that ran last before a report; -1 where there is none, or that isn't known."""
    if log.time is None:
        return -1
    return bisect.bisect_right(record.steps, log.time, key=lambda step: step.start or 0) - 1


def goes_on(log: Logs, following: Logs | None) -> bool:
    """Does an evaluation go on with another batch, behind which its means are others?"""
    return following is not None and following.kind == "evaluation" and following.step > log.step >= 0


def own_reports(record: Record, times: Sequence[int]) -> list[int | None]:
    """For each step the place of the first report after it began; None where the next one began before."""
    begins = [step.start for step in record.steps]
    found: list[int | None] = []
    for begin, following in zip(begins, [*begins[1:], None]):
        at = bisect.bisect_left(times, begin or 0)
        is_own = begin is not None and at < len(times) and (following is None or times[at] < following)
        found.append(at if is_own else None)
    return found


def evaluated_together(record: Record) -> list[Logs]:
    """The reports, with batches of `test_on_batch` that follow one another as one: their mean, by their rows."""

    def rows(log: Logs) -> int:
        at = step_before(record, log)
        return rows_of(record, record.scopes[record.steps[at].scope]) or 1 if at >= 0 else 1

    found = []
    for is_single, logs in itertools.groupby(record.logs, lambda log: log.kind == "evaluation" and log.step < 0):
        some = [*logs]
        found += [_mean(some, [rows(log) for log in some])] if is_single and len(some) > 1 else some
    return found


def _mean(logs: Sequence[Logs], rows: Sequence[int]) -> Logs:
    values = {}
    for name in dict.fromkeys([name for log in logs for name in log.values]):
        known = [(log.values[name], weight) for log, weight in zip(logs, rows) if name in log.values]
        values[name] = sum([value * weight for value, weight in known]) / (sum([weight for _, weight in known]) or 1)
    return Logs(logs[-1].kind, logs[-1].step, values, logs[-1].time)


def endings_of_models(record: Record, steps: Sequence[Scope]) -> dict[int | None, str]:
    """By model, what is behind the names of the numbers that its steps report: nothing where one model trains."""
    owners = {scope.owner: scope for scope in steps if scope.name == "train_step" and scope.owner is not None}
    if len(owners) < 2:
        return {}
    calls: dict[int | None, Scope] = {}
    for scope in record.scopes:
        if scope.kind == "model":
            calls.setdefault(scope.owner, scope)
    names = [calls[owner].shown if owner in calls else scope.cls for owner, scope in owners.items()]
    return {
        owner: f" ({name})" if names.count(name) == 1 else f" ({name} {names[:i].count(name) + 1})"
        for i, (owner, name) in enumerate(zip(owners, names))
    }
