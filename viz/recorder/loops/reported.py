"""What training reported while it was recorded, and what a loop of one's own minimizes: the numbers of its steps."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy

from viz.facts.digest.reports import endings_of_models
from viz.facts.schema import Logs, Record, Scope
from viz.facts.selection import step_numbers

__all__ = ["own_losses", "reported_logs", "single_numbers"]


def single_numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among what a training reported, by name; a step of one's own may return arrays beside them.

    >>> single_numbers({"loss": numpy.float32(0.5), "of_each": numpy.ones(3)})
    {'loss': 0.5}
    """
    return {
        str(name): float(numpy.asarray(value).reshape(()))
        for name, value in values.items()
        if numpy.asarray(value).dtype.kind in "biuf" and numpy.size(value) == 1
    }


def reported_logs(
    record: Record,
    announced: Sequence[tuple[str, int, dict[str, Any], int]],
    begins: Sequence[tuple[int, int]],
    time_of: Callable[[int], int | None],
) -> list[Logs]:
    """What was announced, as `Logs`.

    Numbers of a batch are those of an evaluation where the step before was one of it. Those of `train_on_batch` are of
    the step itself; where several models take turns, as in a GAN, each has its name behind them.

    Args:
        record: the recording, with all of its steps.
        announced: the kind, the step, the numbers and the moment of each report.
        begins: the moment when each step began that a model makes, and its place.
        time_of: gives the time in the recording of a moment.
    """
    numbers = step_numbers(record)
    moments = [moment for moment, _ in begins]
    before = [bisect.bisect_right(moments, when) - 1 for *_, when in announced]
    positions = [begins[at][1] if at >= 0 else None for at in before]
    around = [None if at is None else record.scopes[record.steps[at].scope] for at in positions]
    endings = endings_of_models(
        record, [scope for (kind, *_), scope in zip(announced, around) if scope and kind == "step"]
    )
    found = []
    for (kind, number, values, when), at, scope in zip(announced, positions, around):
        ending = ""
        if kind != "epoch" and scope is not None and scope.name == "test_step":
            kind, number = "evaluation", -1 if kind == "step" else number
        elif kind == "step" and scope is not None and at is not None:
            number, ending = numbers[at], endings.get(scope.owner, "")
        told = {f"{name}{ending}": value for name, value in single_numbers(values).items()}
        found.append(Logs(kind, number, told, time_of(when)))
    return found


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
