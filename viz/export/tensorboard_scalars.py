"""The course of a training that was recorded, for TensorBoard's Time Series tab: losses, metrics, sizes of gradients.

Tags are those of the callback: `epoch_loss` and `batch_loss`, with validation in a run of its own, so that both stand
in one chart. A second training has a run of its own, too. Losses of a loop of one's own have their names in the code.
"""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import datetime
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from viz.export.tensorboard_axis import Axis, Place
from viz.export.tensorboard_events import EventLog
from viz.facts import formatting
from viz.facts.derived_stats import norm
from viz.facts.digest.reports import evaluated_together, goes_on, step_before
from viz.facts.gradient_passes import weight_gradients, whole_gradient
from viz.facts.schema import Logs, Record, TensorInfo
from viz.facts.selection import variables_of

__all__ = ["ENDING", "VALIDATION", "earlier_files", "weight_name", "write"]

ENDING = ".recording"  # of the names of files that another export takes the place of
_LONGEST = 200  # letters of a tag
VALIDATION = "validation"  # the run, beside that of the training
_BESIDE = "_recorded"  # the end of its name where another one is called so
_LATER = "training_{}"  # the run of the second training, and of those behind it


class _Point(NamedTuple):
    """One number: is it of validation, its tag, where it stands, and when it was, in seconds since 1970."""

    is_validation: bool
    tag: str
    place: Place
    value: float
    when: float | None


def earlier_files(folder: str | os.PathLike[str]) -> list[pathlib.Path]:
    """The files in a folder that an earlier export of a recording wrote, those of its other runs, too."""
    trainings = [pathlib.Path(folder), *sorted(pathlib.Path(folder).glob(_LATER.format("*")))]
    runs = [run for each in trainings for run in (each, each / VALIDATION, each / (VALIDATION + _BESIDE))]
    return [file for run in runs for file in sorted(run.glob(f"*tfevents*{ENDING}"))]


def write(record: Record, folder: str | os.PathLike[str], log: EventLog) -> None:
    """Write what training reported, and with statistics the sizes of gradients and weights.

    Args:
        record: the recording.
        folder: the run's folder; validation has a folder in it, and so has each training but the first.
        log: the run's log.
    """
    record = dataclasses.replace(record, logs=evaluated_together(record))
    axis = Axis(record)
    logs = {(0, False): log}
    try:
        for point in [*_reported(record, axis), *_sizes(record, axis)]:
            run = point.place.training, point.is_validation
            if run not in logs:
                logs[run] = EventLog(_folder(folder, *run), filename_suffix=ENDING)
            logs[run].value(point.place.step, point.when, tag=point.tag, simple_value=point.value)
    finally:
        for each in logs.values():
            if each is not log:
                each.close()


def _folder(folder: str | os.PathLike[str], training: int, is_validation: bool) -> str:
    own = os.path.join(folder, *[_LATER.format(training + 1)] * (training > 0))
    if not is_validation:
        return own
    files = pathlib.Path(own, VALIDATION).glob("*tfevents*")
    is_taken = any(not file.name.endswith(ENDING) for file in files)  # by the callback
    return os.path.join(own, VALIDATION + _BESIDE * is_taken)


def weight_name(record: Record, variable: int) -> str:
    """What a weight is called in TensorBoard: by its path, as layers are there; others as the code holds them."""
    path = record.tensors[variable].name
    return path if "/" in path else record.shown(variable)


def _reported(record: Record, axis: Axis) -> Iterator[_Point]:
    """Losses and metrics of epochs, batches, evaluations and steps of a loop of one's own."""
    rates, when = _rates(record), _clock(record)
    told = zip(record.logs, [*record.logs[1:], None], axis.kinds(), axis.reports, axis.names())
    for log, following, kind, place, names in told:
        if kind == "evaluation" and axis.trains and goes_on(log, following):
            continue
        behind = "_vs_iterations" if kind == "evaluation" and axis.trains else ""  # as the callback calls it
        rate = rates(log) if kind == "epoch" else None
        values = log.values if rate is None else log.values | {"learning_rate": rate}
        for name, value in values.items():
            is_validation = kind == "evaluation" or name.startswith("val_")
            plain = names.get(name, name).removeprefix("val_")
            tag = formatting.clean(plain if kind == "step" else f"{kind}_{plain}{behind}", _LONGEST)
            if isinstance(value, int | float):
                yield _Point(is_validation, tag, place, float(value), when(log.time))


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


def _sizes(record: Record, axis: Axis) -> Iterator[_Point]:
    """The L2 norms of each weight's gradient, and of the weight before it changed, in the steps that have them."""
    if not record.steps or not any(tensor.stats for tensor in record.tensors):
        return
    places, variables, when = axis.steps, variables_of(record), _clock(record)
    before: dict[tuple[int | None, int], TensorInfo] = {}
    for op in record.ops:
        for i in op.inputs if op.phase != "backward" else ():
            if i in variables:
                before.setdefault((op.step, variables[i]), record.tensors[i])
    gradients = weight_gradients(record, record.ops, variables)
    names = _weight_names(record, [(places[step].training, i) for step, i in gradients if step is not None])
    for (step, variable), found in gradients.items():
        if step is None:
            continue
        name = names[places[step].training, variable]
        weight = before.get((step, variable))
        for tag, size in (
            (f"gradient_norm/{name}", _size(whole_gradient(record, found))),
            (f"weight_norm/{name}", None if weight is None else _size(weight)),
        ):
            if size is not None:
                yield _Point(False, tag, places[step], size, when(record.steps[step].start))


def _weight_names(record: Record, weights: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """What weights are called, by training and weight: those of the same model made anew as in the first training.

    So the curves of a search lie in the same charts, where layers are numbered on.
    """
    found: dict[int, dict[int, str]] = {}
    for training, i in dict.fromkeys(weights):
        name = weight_name(record, i) or f"variable_{i}"
        found.setdefault(training, {})[i] = formatting.clean(name, _LONGEST)
    first = found[min(found)] if found else {}
    kinds = [_kind_of_weight(record, i) for i in first]
    for names in found.values():
        if [_kind_of_weight(record, i) for i in names] == kinds:
            names.update(zip([*names], first.values()))
    return {(training, i): name for training, names in found.items() for i, name in names.items()}


def _kind_of_weight(record: Record, weight: int) -> tuple[str, int]:
    """Its name without numbers, and how many axes it has: a search may try several numbers of units."""
    tensor = record.tensors[weight]
    return re.sub(r"_\d+(?=/|$)", "", tensor.name), len(tensor.shape)


def _size(tensor: TensorInfo) -> float | None:
    """Its norm; NaN for one with elements that aren't finite, None for one that wasn't measured."""
    stats: Any = tensor.stats
    return float("nan") if stats is not None and stats.nan + stats.inf else norm(tensor)
