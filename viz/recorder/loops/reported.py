"""What training reported while it was recorded: of `fit` and `evaluate`, and of batches that a program makes itself."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from viz.facts.digest.reports import endings_of_models
from viz.facts.schema import Logs, Record
from viz.facts.selection import step_numbers

__all__ = ["reported_logs", "single_numbers"]


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
