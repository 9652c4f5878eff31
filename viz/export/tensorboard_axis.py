"""Where on TensorBoard's axes stands what training reported: in which run, and at which step."""

from __future__ import annotations

import collections
import re
from collections.abc import Sequence
from typing import NamedTuple

from viz.facts.digest.reports import own_reports
from viz.facts.digest.trainings import Trainings, endings_of_models
from viz.facts.schema import Record, Scope
from viz.facts.selection import step_numbers

__all__ = ["Place", "names_of_reports", "places_of_reports", "places_of_steps", "steps_of_models"]


class Place(NamedTuple):
    """In the run of which training, from 0, and at which step of it."""

    training: int
    step: int


def places_of_reports(record: Record) -> list[Place]:
    """Where each report stands, as the callback counts: epochs from 0, and batches in a row from 1, in each training.

    Batches of `train_on_batch` go on counting; steps of a loop of one's own keep their numbers, but for those of a
    second training, which count from 0 again. An evaluation stands where training has come to, or counts its batches
    where nothing is trained.
    """
    trainings, numbers, by_models = Trainings(record), step_numbers(record), steps_of_models(record)
    trains = any(log.kind != "evaluation" for log in record.logs)
    done = collections.Counter[int]()  # batches by training
    found, here = [], 0
    for log in record.logs:
        training = trainings.of_report(log)
        if log.kind == "batch" or (log.step in by_models and log.kind == "step") or not trains:
            done[training] += 1
            here = done[training]
        elif log.kind == "step":
            here = log.step - (numbers[trainings.begin(training)] if training else 0)
        found.append(Place(training, log.step if log.kind == "epoch" else here))
    return found


def places_of_steps(record: Record, reports: Sequence[Place]) -> list[Place]:
    """For each recorded step, where its losses stand; steps that reported nothing go on counting.

    Args:
        record: the recording.
        reports: what `places_of_reports` gives.
    """
    told = [
        (log.time, place)
        for log, place in zip(record.logs, reports)
        if log.kind in ("batch", "step") and log.time is not None
    ]
    trainings, numbers, by_models = Trainings(record), step_numbers(record), steps_of_models(record)
    last = collections.Counter[int]()  # the last place by training
    found = []
    for position, at in enumerate(own_reports(record, [time for time, _ in told])):
        number, training = numbers[position], trainings.of_step(position)
        if number in by_models:
            goes_on = last[training] + 1
        else:
            goes_on = number - (numbers[trainings.begin(training)] if training else 0)
        found.append(Place(training, goes_on) if at is None else told[at][1])
        if at is not None or number in by_models:
            last[training] = found[-1].step
    return found


def names_of_reports(record: Record, reports: Sequence[Place]) -> list[dict[str, str]]:
    """For each report, what its numbers are called.

    In a recording losses of several models, or of several lines, are told apart. In the run of a training that has one
    of them it is called as in any other.

    Args:
        record: the recording.
        reports: what `places_of_reports` gives.
    """
    by_models = steps_of_models(record)
    single = [by_models.get(log.step) if log.kind == "step" else None for log in record.logs]
    endings = endings_of_models(record, [scope for scope in single if scope is not None])
    alone: dict[int, set[int | None]] = {}
    own: dict[int, set[str]] = {}
    for log, place, scope in zip(record.logs, reports, single):
        if scope is not None:
            alone.setdefault(place.training, set()).add(scope.owner)
        elif log.kind == "step":
            own.setdefault(place.training, set()).update(log.values)
    found = []
    for log, place, scope in zip(record.logs, reports, single):
        names = {name: name for name in log.values}
        if scope is not None and len(alone[place.training]) == 1:
            names = {name: name.removesuffix(endings.get(scope.owner, "")) for name in names}
        elif log.kind == "step" and scope is None and place.training:
            names = {name: _unnumbered(name, own[place.training]) for name in names}
        found.append(names)
    return found


def _unnumbered(name: str, others: set[str]) -> str:
    """`loss` of `loss 2`, where no other is called so."""
    plain = re.sub(r" \d+$", "", name)
    return plain if sum(re.sub(r" \d+$", "", each) == plain for each in others) == 1 else name


def steps_of_models(record: Record) -> dict[int, Scope]:
    """The steps that a model trains in, and no loop of one's own, by their numbers."""
    scopes = [record.scopes[step.scope] for step in record.steps]
    return {
        number: scope
        for scope, number in zip(scopes, step_numbers(record))
        if scope.name == "train_step" and scope.owner is not None
    }
