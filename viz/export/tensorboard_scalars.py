"""The course of a training that was recorded, for TensorBoard's Time Series tab: losses, metrics, sizes of gradients.

Tags are those of the callback: `epoch_loss` and `batch_loss`, with validation in a run of its own, so that both stand
in one chart. Losses of a loop of one's own have their names in the code.
"""

from __future__ import annotations

import datetime
import os
import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from viz.export.tensorboard_events import EventLog
from viz.facts import formatting
from viz.facts.derived_stats import norm
from viz.facts.digest.reports import own_reports
from viz.facts.gradient_passes import whole_gradient
from viz.facts.schema import Record, TensorInfo
from viz.facts.selection import step_numbers, variables_of

__all__ = ["ENDING", "VALIDATION", "earlier_files", "weight_name", "write"]

ENDING = ".recording"  # of the names of files that another export takes the place of
_LONGEST = 200  # letters of a tag
VALIDATION = "validation"  # the run, beside that of the training


class _Point(NamedTuple):
    """One number: is it of validation, its tag, where on the axis, and when, in seconds since 1970."""

    is_validation: bool
    tag: str
    step: int
    value: float
    when: float | None


def earlier_files(folder: str | os.PathLike[str]) -> list[pathlib.Path]:
    """The files in a folder that an earlier export of a recording wrote, the validation's, too."""
    runs = [pathlib.Path(folder), pathlib.Path(folder) / VALIDATION]
    return [file for run in runs for file in sorted(run.glob(f"*tfevents*{ENDING}"))]


def write(record: Record, folder: str | os.PathLike[str], log: EventLog) -> None:
    """Write what training reported, and with statistics the sizes of gradients and weights.

    Args:
        record: the recording.
        folder: the run's folder; validation has a folder in it.
        log: the run's log.
    """
    aside: EventLog | None = None
    try:
        for point in [*_reported(record), *_sizes(record)]:
            if point.is_validation and aside is None:
                aside = EventLog(os.path.join(folder, VALIDATION), filename_suffix=ENDING)
            chosen = aside if point.is_validation and aside is not None else log
            chosen.value(point.step, point.when, tag=point.tag, simple_value=point.value)
    finally:
        if aside is not None:
            aside.close()


def weight_name(record: Record, variable: int) -> str:
    """What a weight is called in TensorBoard: by its path, as layers are there; others as the code holds them."""
    path = record.tensors[variable].name
    return path if "/" in path else record.shown(variable)


def _reported(record: Record) -> Iterator[_Point]:
    """Losses and metrics by epoch, by batch in a row over all epochs from 1 on, and by step of a loop of one's own."""
    began = _began(record)
    has_epochs = any(log.kind == "epoch" for log in record.logs)
    counts: dict[str, int] = {}
    for log in record.logs:
        when = None if began is None or log.time is None else began + log.time / 1e9
        number = counts[log.kind] = counts.get(log.kind, -1) + 1
        if log.kind == "evaluation" and has_epochs:
            continue  # of which the epoch tells what it came to
        at = log.step if log.kind in ("epoch", "step") else number + 1  # as the callback counts
        for name, value in log.values.items():
            is_validation = log.kind == "evaluation" or name.startswith("val_")
            plain = name.removeprefix("val_")
            tag = formatting.clean(plain if log.kind == "step" else f"{log.kind}_{plain}", _LONGEST)
            if isinstance(value, int | float):
                yield _Point(is_validation, tag, at, float(value), when)


def _began(record: Record) -> float | None:
    """When it began, in seconds since 1970."""
    try:
        return datetime.datetime.fromisoformat(str(record.meta.get("began"))).timestamp()
    except (ValueError, OverflowError, OSError):  # a file may say anything
        return None


def _sizes(record: Record) -> Iterator[_Point]:
    """The L2 norms of each weight's gradient, and of the weight before it changed, in the steps that have them."""
    if not record.steps or not any(tensor.stats for tensor in record.tensors):
        return
    numbers, variables = _axis(record), variables_of(record)
    parts: dict[tuple[int, int], list[TensorInfo]] = {}
    before: dict[tuple[int, int], TensorInfo] = {}
    for op in record.ops:
        if op.step is None:
            continue
        for i in op.inputs if op.phase != "backward" else ():
            if i in variables:
                before.setdefault((op.step, variables[i]), record.tensors[i])
        for i in op.outputs if op.phase == "backward" else ():
            of = record.tensors[i].gradient_of
            if of in variables:
                parts.setdefault((op.step, variables[of]), []).append(record.tensors[i])
    for (step, variable), found in parts.items():
        name = formatting.clean(weight_name(record, variable) or f"variable_{variable}", _LONGEST)
        weight = before.get((step, variable))
        for tag, size in (
            (f"gradient_norm/{name}", _size(whole_gradient(record, found))),
            (f"weight_norm/{name}", None if weight is None else _size(weight)),
        ):
            if size is not None:
                yield _Point(False, tag, numbers[step], size, None)


def _axis(record: Record) -> list[int]:
    """For each recorded step, where its losses stand: with `fit`, the number of the batch that was reported after it.

    Steps count evaluations, too, and batches don't. Steps of `train_on_batch`, which reports nothing, go on counting;
    those of a loop of one's own keep their numbers, as its losses do.
    """
    batches = [log.time for log in record.logs if log.kind == "batch" and log.time is not None]
    found, last = step_numbers(record), 0
    for step, at in zip(record.steps, own_reports(record, batches)):
        if record.scopes[step.scope].name == "train_step":
            found[step.index] = last = last + 1 if at is None else at + 1
    return found


def _size(tensor: TensorInfo) -> float | None:
    """Its norm; NaN for one with elements that aren't finite, None for one that wasn't measured."""
    stats: Any = tensor.stats
    return float("nan") if stats is not None and stats.nan + stats.inf else norm(tensor)
