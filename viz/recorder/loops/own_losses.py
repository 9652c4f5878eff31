"""What a loop of one's own minimizes: the numbers whose gradients it asks for, step by step."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from viz.facts.schema import Logs, Record, Scope
from viz.facts.selection import step_numbers

__all__ = ["own_losses"]


def own_losses(
    record: Record,
    passes: Sequence[tuple[int, int, Scope]],
    targets: Iterable[tuple[float, float]],
    learnt: Mapping[int, set[int]],
) -> list[Logs]:
    """The losses of the steps that `fit` doesn't report.

    Each has the name that it has in the user's code. Batches whose gradients are summed have their mean. Losses of one
    name are told apart by numbers where a step has several; others of one name are one, as in phases of a training.
    """
    steps = {step.scope: step for step in record.steps}
    starts = [start for start, _, _ in passes]
    found: dict[tuple[Any, ...], dict[int, list[float]]] = {}  # by name, weights and line, the numbers of each step
    for moment, value in targets:
        at = bisect.bisect_right(starts, moment) - 1
        if at < 0 or passes[at][1] < moment:
            continue
        scope = passes[at][2]
        around = next((each for each in record.ancestors(scope.id) if each.id in steps), None)
        if around is None or around.owner is not None:  # no step, or one of a model, which reports its losses itself
            continue
        name = str(scope.config.get("target") or "loss")
        course = found.setdefault((name, frozenset(learnt.get(scope.id, ())), scope.stack[:1]), {})
        course.setdefault(steps[around.id].index, []).append(value)
    courses: list[tuple[str, set[int], dict[int, list[float]]]] = []
    for (name, variables, _), values in found.items():
        same = [each for each in courses if each[0] == name and each[2].keys().isdisjoint(values)]
        goes_on = next((each for each in same if each[1] & variables or max(each[2]) < min(values)), None)
        if goes_on is None:
            courses.append((name, {*variables}, values))
        else:
            goes_on[1].update(variables)
            goes_on[2].update(values)
    told: dict[int, dict[str, float]] = {}
    for i, (name, _, values) in enumerate(courses):
        before = sum(each[0] == name for each in courses[:i])
        for index, several in values.items():
            told.setdefault(index, {})[f"{name} {before + 1}" if before else name] = sum(several) / len(several)
    numbers = step_numbers(record)
    return [Logs("step", numbers[index], values, record.steps[index].end) for index, values in sorted(told.items())]
