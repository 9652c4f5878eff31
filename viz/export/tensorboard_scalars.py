"""The course of a training that was recorded, for TensorBoard's Time Series tab: losses, metrics, sizes of gradients.

Tags are those of the callback: `epoch_loss` and `batch_loss`, with validation in a run of its own, so that both stand
in one chart. A second training goes on where the first one ended. Losses of a loop of one's own have their names in the
code.
"""

from __future__ import annotations

import bisect
import collections
import contextlib
import dataclasses
import datetime
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from viz.export.tensorboard_events import EventLog
from viz.facts import formatting
from viz.facts.derived_stats import norm
from viz.facts.digest.reports import evaluated_together, goes_on, step_before
from viz.facts.gradient_passes import weight_gradients, whole_gradient
from viz.facts.schema import Logs, Record, TensorInfo
from viz.facts.selection import step_numbers, variables_of

__all__ = ["ENDING", "VALIDATION", "earlier_files", "weight_name", "write"]

ENDING = ".recording"  # of the names of files that another export takes the place of
_LONGEST = 200  # letters of a tag
VALIDATION = "validation"  # the run, beside that of the training
_BESIDE = "_recorded"  # the end of its name where another one is called so
_ASIDE = ("test_step", "predict_step")


_Point = tuple[bool, str, int, float, float | None]
"""One number: is it of validation, its tag, where it stands, what it is, and when it was, in seconds since 1970."""


def earlier_files(folder: str | os.PathLike[str]) -> list[pathlib.Path]:
    """The files in a folder that an earlier export of a recording wrote, those of its validation, too."""
    runs = [pathlib.Path(folder, name) for name in ("", VALIDATION, VALIDATION + _BESIDE)]
    return [file for run in runs for file in sorted(run.glob(f"*tfevents*{ENDING}"))]


def write(record: Record, folder: str | os.PathLike[str], log: EventLog) -> None:
    """Write what training reported, and with statistics the sizes of gradients and weights."""
    record = dataclasses.replace(record, logs=evaluated_together(record))
    places = _places_of_steps(record)
    aside: EventLog | None = None
    try:
        for is_validation, tag, place, value, when in [*_reported(record, places), *_sizes(record, places)]:
            if is_validation:
                aside = aside or EventLog(_aside(folder), filename_suffix=ENDING)
            (aside if is_validation and aside else log).value(place, when, tag=tag, simple_value=value)
    finally:
        if aside is not None:
            aside.close()


def _aside(folder: str | os.PathLike[str]) -> str:
    files = pathlib.Path(folder, VALIDATION).glob("*tfevents*")
    is_taken = any(not file.name.endswith(ENDING) for file in files)  # by the callback
    return os.path.join(folder, VALIDATION + _BESIDE * is_taken)


def _places_of_steps(record: Record) -> list[int]:
    """At which step of TensorBoard's each recorded one stands.

    Batches count in a row from 1, as the callback counts them, with steps of a loop of one's own among them; where
    there are none but these, they keep their numbers. What is evaluated stands where training has come to.
    """
    numbers, scopes = step_numbers(record), [record.scopes[step.scope] for step in record.steps]
    counts = any(scope.name == "train_step" and scope.owner is not None for scope in scopes)
    found, last, least, before = list[int](), 0, 0, 0  # and of the `fit` that runs, what came before it
    for step, number, scope in zip(record.steps, numbers, scopes):
        done = last
        if step.trained is not None:  # where only some steps were recorded
            before = last if step.trained < least else before
            least, done = step.trained + (scope.name == "train_step"), before + step.trained
        is_aside = scope.name in _ASIDE
        found.append(done if is_aside else done + 1 if counts else number)
        last = last if is_aside else found[-1]
    return found


def _places_of_reports(record: Record, kinds: Sequence[str], places: Sequence[int]) -> Iterator[int]:
    """At which step each report stands; epochs go on counting where another `fit` begins with 0."""
    trains = any(log.kind != "evaluation" for log in record.logs)
    done, epoch, begin, last = collections.Counter[str](), -1, 0, -1
    for log, kind in zip(record.logs, kinds):
        position = step_before(record, log)
        done[kind] += 1
        if kind == "epoch":
            begin = last + 1 - log.step if log.step <= epoch else begin
            epoch, last = log.step, begin + log.step
            yield last
        elif trains and position >= 0:
            yield places[position]
        else:
            yield log.step if kind == "step" else done["batch" if trains else kind]


def weight_name(record: Record, variable: int) -> str:
    """What a weight is called in TensorBoard: by its path, as layers are there; others as the code holds them."""
    path = record.tensors[variable].name
    return path if "/" in path else record.shown(variable)


def _reported(record: Record, places: Sequence[int]) -> Iterator[_Point]:
    """Losses and metrics of epochs, batches, evaluations and steps of a loop of one's own."""
    rates, when = _rates(record), _clock(record)
    trains = any(log.kind != "evaluation" for log in record.logs)
    scopes = {n: record.scopes[step.scope] for n, step in zip(step_numbers(record), record.steps)}
    of_models = {n for n, scope in scopes.items() if scope.name == "train_step" and scope.owner is not None}
    kinds = ["batch" if log.kind == "step" and log.step in of_models else log.kind for log in record.logs]
    for log, following, kind, place in zip(
        record.logs, [*record.logs[1:], None], kinds, _places_of_reports(record, kinds, places)
    ):
        if kind == "evaluation" and trains and goes_on(log, following):
            continue
        behind = "_vs_iterations" if kind == "evaluation" and trains else ""  # as the callback calls it
        rate = rates(log) if kind == "epoch" else None
        values = log.values if rate is None else log.values | {"learning_rate": rate}
        for name, value in values.items():
            is_validation = kind == "evaluation" or name.startswith("val_")
            plain = name.removeprefix("val_")
            tag = formatting.clean(plain if kind == "step" else f"{kind}_{plain}{behind}", _LONGEST)
            if isinstance(value, int | float):
                yield is_validation, tag, place, float(value), when(log.time)


def _rates(record: Record) -> Callable[[Logs], float | None]:
    """What gives the learning rate of the step before a report; None where there was none, or several."""
    steps = {step.scope: step.index for step in record.steps}
    found: dict[int, set[float]] = {}
    for scope in record.scopes:
        rate = scope.config.get("current_learning_rate", scope.config.get("learning_rate"))
        if scope.kind == "optimizer" and isinstance(rate, int | float):
            around = next((steps[each.id] for each in record.ancestors(scope.id) if each.id in steps), None)
            if around is not None:
                found.setdefault(around, set()).add(float(rate))
    positions = sorted(found)

    def rate_before(log: Logs) -> float | None:
        at = bisect.bisect_right(positions, step_before(record, log))
        rates = found[positions[at - 1]] if at else set()
        return next(iter(rates)) if len(rates) == 1 else None

    return rate_before


def _clock(record: Record) -> Callable[[int | None], float | None]:
    """What gives the time of an event in seconds since 1970; None where one of both isn't known."""
    began: float | None = None
    with contextlib.suppress(ValueError, OverflowError, OSError):  # a file may say anything
        began = datetime.datetime.fromisoformat(str(record.meta.get("began"))).timestamp()
    return lambda time: None if began is None or time is None else began + time / 1e9


def _sizes(record: Record, places: Sequence[int]) -> Iterator[_Point]:
    """The L2 norms of each weight's gradient, and of the weight before it changed, in the steps that have them."""
    if not record.steps or not any(tensor.stats for tensor in record.tensors):
        return
    variables, when = variables_of(record), _clock(record)
    before: dict[tuple[int | None, int], TensorInfo] = {}
    for op in record.ops:
        for i in op.inputs if op.phase != "backward" else ():
            if i in variables:
                before.setdefault((op.step, variables[i]), record.tensors[i])
    gradients = weight_gradients(record, record.ops, variables)
    for (step, variable), found in gradients.items():
        if step is None:
            continue
        name = formatting.clean(weight_name(record, variable) or f"variable_{variable}", _LONGEST)
        weight = before.get((step, variable))
        for tag, size in (
            (f"gradient_norm/{name}", _size(whole_gradient(record, found))),
            (f"weight_norm/{name}", None if weight is None else _size(weight)),
        ):
            if size is not None:
                yield False, tag, places[step], size, when(record.steps[step].start)


def _size(tensor: TensorInfo) -> float | None:
    """Its norm; NaN for one with elements that aren't finite, None for one that wasn't measured."""
    stats: Any = tensor.stats
    return float("nan") if stats is not None and stats.nan + stats.inf else norm(tensor)
