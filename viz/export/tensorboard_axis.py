"""Where on TensorBoard's axes stands what training reported: in which run, and at which step."""

from __future__ import annotations

import bisect
import collections
from collections.abc import Sequence
from typing import NamedTuple

from viz.facts.digest.reports import own_reports
from viz.facts.schema import Logs, Record
from viz.facts.selection import step_numbers

__all__ = ["Place", "places_of_reports", "places_of_steps", "steps_of_models"]


class Place(NamedTuple):
    """In the run of which `fit`, from 0, and at which step of it."""

    fit: int
    step: int


def places_of_reports(record: Record) -> list[Place]:
    """Where each report stands, as the callback counts: epochs from 0, and batches in a row from 1, in each `fit`.

    Batches of `train_on_batch` go on counting; steps of a loop of one's own keep their numbers. An evaluation stands
    where training has come to, or counts its batches where nothing is trained.
    """
    trains = any(log.kind != "evaluation" for log in record.logs)
    by_models = steps_of_models(record)
    done = collections.Counter[int]()  # batches by `fit`
    found, here = [], 0
    for log, fit in zip(record.logs, _fits(record.logs)):
        if log.kind == "batch" or (log.step in by_models and log.kind == "step") or not trains:
            done[fit] += 1
            here = done[fit]
        elif log.kind == "step":
            here = log.step
        found.append(Place(fit, log.step if log.kind == "epoch" else here))
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
    found, last, by_models = [], Place(0, 0), steps_of_models(record)
    for number, at in zip(step_numbers(record), own_reports(record, [time for time, _ in told])):
        goes_on = Place(last.fit, last.step + 1 if number in by_models else number)
        place = goes_on if at is None else told[at][1]
        if at is not None or number in by_models:
            last = place
        found.append(place)
    return found


def _fits(logs: Sequence[Logs]) -> list[int]:
    """For each report, in which `fit` it was, from 0: those of another one begin anew."""
    begins: list[int] = []  # of the second one, and of those behind it
    last, first = -1, None
    for i, log in enumerate(logs):
        if log.kind == "batch" and first is None:
            first = i
        elif log.kind == "epoch":
            if log.step <= last:
                begins.append(i if first is None else first)
            last, first = log.step, None
    return [bisect.bisect_right(begins, i) for i in range(len(logs))]


def steps_of_models(record: Record) -> frozenset[int]:
    """The numbers of the steps that a model trains in, and no loop of one's own."""
    scopes = [record.scopes[step.scope] for step in record.steps]
    return frozenset(
        number
        for scope, number in zip(scopes, step_numbers(record))
        if scope.name == "train_step" and scope.owner is not None
    )
