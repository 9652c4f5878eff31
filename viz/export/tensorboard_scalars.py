"""The course of a training that was recorded, for TensorBoard's Time Series tab: losses, metrics, sizes of gradients.

Tags are those of the callback: `epoch_loss` and `batch_loss`, with validation in a run of its own, so that both stand
in one chart. A second `fit`, whose epochs begin anew, has a run of its own, too. Losses of a loop of one's own have
their names in the code.
"""

from __future__ import annotations

import datetime
import os
import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from viz.export.tensorboard_axis import Place, places_of_reports, places_of_steps, steps_of_models
from viz.export.tensorboard_events import EventLog
from viz.facts import formatting
from viz.facts.derived_stats import norm
from viz.facts.gradient_passes import weight_gradients, whole_gradient
from viz.facts.schema import Logs, Record, TensorInfo
from viz.facts.selection import variables_of

__all__ = ["ENDING", "VALIDATION", "earlier_files", "weight_name", "write"]

ENDING = ".recording"  # of the names of files that another export takes the place of
_LONGEST = 200  # letters of a tag
VALIDATION = "validation"  # the run, beside that of the training
_LATER_FIT = "fit_{}"  # the run of the second `fit`, and of those behind it


class _Point(NamedTuple):
    """One number: is it of validation, its tag, where it stands, and when it was, in seconds since 1970."""

    is_validation: bool
    tag: str
    place: Place
    value: float
    when: float | None


def earlier_files(folder: str | os.PathLike[str]) -> list[pathlib.Path]:
    """The files in a folder that an earlier export of a recording wrote, those of its other runs, too."""
    fits = [pathlib.Path(folder), *sorted(pathlib.Path(folder).glob(_LATER_FIT.format("*")))]
    runs = [run for fit in fits for run in (fit, fit / VALIDATION)]
    return [file for run in runs for file in sorted(run.glob(f"*tfevents*{ENDING}"))]


def write(record: Record, folder: str | os.PathLike[str], log: EventLog) -> None:
    """Write what training reported, and with statistics the sizes of gradients and weights.

    Args:
        record: the recording.
        folder: the run's folder; validation has a folder in it, and so has each `fit` but the first.
        log: the run's log.
    """
    reports = places_of_reports(record)
    logs = {(0, False): log}
    try:
        for point in [*_reported(record, reports), *_sizes(record, reports)]:
            run = point.place.fit, point.is_validation
            if run not in logs:
                logs[run] = EventLog(_folder(folder, *run), filename_suffix=ENDING)
            logs[run].value(point.place.step, point.when, tag=point.tag, simple_value=point.value)
    finally:
        for each in logs.values():
            if each is not log:
                each.close()


def _folder(folder: str | os.PathLike[str], fit: int, is_validation: bool) -> str:
    return os.path.join(folder, *[_LATER_FIT.format(fit + 1)] * (fit > 0), *[VALIDATION] * is_validation)


def weight_name(record: Record, variable: int) -> str:
    """What a weight is called in TensorBoard: by its path, as layers are there; others as the code holds them."""
    path = record.tensors[variable].name
    return path if "/" in path else record.shown(variable)


def _reported(record: Record, reports: list[Place]) -> Iterator[_Point]:
    """Losses and metrics of epochs, batches, evaluations and steps of a loop of one's own."""
    began = _began(record)
    trains = any(log.kind != "evaluation" for log in record.logs)
    by_models = steps_of_models(record)
    for log, following, place in zip(record.logs, [*record.logs[1:], None], reports):
        if log.kind == "evaluation" and trains and not _ends_evaluation(log, following):
            continue
        kind = "batch" if log.kind == "step" and log.step in by_models else log.kind
        behind = "_vs_iterations" if kind == "evaluation" and trains else ""  # as the callback calls it
        when = None if began is None or log.time is None else began + log.time / 1e9
        for name, value in log.values.items():
            is_validation = kind == "evaluation" or name.startswith("val_")
            plain = name.removeprefix("val_")
            tag = formatting.clean(plain if kind == "step" else f"{kind}_{plain}{behind}", _LONGEST)
            if isinstance(value, int | float):
                yield _Point(is_validation, tag, place, float(value), when)


def _ends_evaluation(log: Logs, following: Logs | None) -> bool:
    """Is it what an `evaluate` by itself came to? What validation came to, the epoch tells."""
    if following is None or following.kind != "evaluation":
        return following is None or following.kind != "epoch"
    return following.step <= log.step


def _began(record: Record) -> float | None:
    """When it began, in seconds since 1970."""
    try:
        return datetime.datetime.fromisoformat(str(record.meta.get("began"))).timestamp()
    except (ValueError, OverflowError, OSError):  # a file may say anything
        return None


def _sizes(record: Record, reports: list[Place]) -> Iterator[_Point]:
    """The L2 norms of each weight's gradient, and of the weight before it changed, in the steps that have them."""
    if not record.steps or not any(tensor.stats for tensor in record.tensors):
        return
    places, variables = places_of_steps(record, reports), variables_of(record)
    before: dict[tuple[int | None, int], TensorInfo] = {}
    for op in record.ops:
        for i in op.inputs if op.phase != "backward" else ():
            if i in variables:
                before.setdefault((op.step, variables[i]), record.tensors[i])
    for (step, variable), found in weight_gradients(record, record.ops, variables).items():
        if step is None:
            continue
        name = formatting.clean(weight_name(record, variable) or f"variable_{variable}", _LONGEST)
        weight = before.get((step, variable))
        for tag, size in (
            (f"gradient_norm/{name}", _size(whole_gradient(record, found))),
            (f"weight_norm/{name}", None if weight is None else _size(weight)),
        ):
            if size is not None:
                yield _Point(False, tag, places[step], size, None)


def _size(tensor: TensorInfo) -> float | None:
    """Its norm; NaN for one with elements that aren't finite, None for one that wasn't measured."""
    stats: Any = tensor.stats
    return float("nan") if stats is not None and stats.nan + stats.inf else norm(tensor)
