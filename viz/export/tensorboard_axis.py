"""Where on TensorBoard's axes stands what training reported: in which run, and at which step."""

from __future__ import annotations

import collections
import re
from collections.abc import Sequence
from typing import NamedTuple

from viz.facts.digest.reports import step_before
from viz.facts.digest.trainings import Trainings, endings_of_models
from viz.facts.schema import Record, Scope
from viz.facts.selection import step_numbers

__all__ = ["Axis", "Place"]

_ASIDE = ("test_step", "predict_step")


class Place(NamedTuple):
    """In the run of which training, from 0, and at which step of it."""

    training: int
    step: int


class Axis:
    """Where the reports and steps of a recording stand.

    They are counted as the callback counts: epochs from 0, and batches in a row from 1, in each training, with steps of
    a loop of one's own among them. Where there are none but these, they keep their numbers, in a second training from 0
    on. An evaluation stands where training has come to, or counts its batches where nothing is trained.

    Args:
        record: the recording.

    Attributes:
        trainings: which steps belong together.
        trains: is there more than evaluations?
        steps: the place of each step.
        reports: the place of each report.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._numbers = step_numbers(record)
        scopes = [record.scopes[step.scope] for step in record.steps]
        by_model = [scope.name == "train_step" and scope.owner is not None for scope in scopes]
        self._by_models = {n: scope for n, scope, is_so in zip(self._numbers, scopes, by_model) if is_so}
        self.trainings = Trainings(record)
        self.trains = any(log.kind != "evaluation" for log in record.logs)
        self.steps = self._places_of_steps(scopes)
        self.reports = self._places_of_reports()

    def _places_of_steps(self, scopes: Sequence[Scope]) -> list[Place]:
        counts = {self.trainings.of_step(i) for i, n in enumerate(self._numbers) if n in self._by_models}
        last = collections.Counter[int]()  # the last place by training
        found = []
        for position, scope in enumerate(scopes):
            training = self.trainings.of_step(position)
            batches = self._batches_before(position, training)
            if scope.name in _ASIDE:
                here = last[training] if batches is None else batches
            elif training in counts:
                here = last[training] = (last[training] if batches is None else batches) + 1
            else:
                here = last[training] = self._from_begin(self._numbers[position], training)
            found.append(Place(training, here))
        return found

    def _places_of_reports(self) -> list[Place]:
        done = collections.Counter[int]()  # reports of batches by training, where their steps aren't known
        found = []
        for log, kind in zip(self._record.logs, self.kinds()):
            training, position = self.trainings.of_report(log), step_before(self._record, log)
            if kind == "epoch":
                found.append(Place(training, log.step))
                continue
            done[training] += kind == "batch" or not self.trains
            if self.trains and position >= 0:
                found.append(self.steps[position])
            else:
                found.append(
                    Place(training, self._from_begin(log.step, training) if kind == "step" else done[training])
                )
        return found

    def _batches_before(self, position: int, training: int) -> int | None:
        """How many batches of a training came before a step, where only some steps were recorded; else None."""
        steps, begin = self._record.steps, self.trainings.begin(training)
        trained, first = steps[position].trained, steps[begin].trained
        if trained is None or not training or first is None:
            return trained
        before = steps[begin - 1].trained
        is_anew = before is None or first <= before  # a `fit`, whose batches are counted from 0 again
        return trained if is_anew else trained - first

    def _from_begin(self, number: int, training: int) -> int:
        """Where a step of a loop of one's own stands."""
        return number - (self._numbers[self.trainings.begin(training)] if training else 0)

    def kinds(self) -> list[str]:
        """The kind of each report, in which `train_on_batch` reports batches."""
        return [
            "batch" if log.kind == "step" and log.step in self._by_models else log.kind for log in self._record.logs
        ]

    def names(self) -> list[dict[str, str]]:
        """For each report, what its numbers are called.

        In a recording losses of several models, or of several lines, are told apart. In the run of a training that has
        one of them it is called as in any other.
        """
        logs = self._record.logs
        single = [self._by_models.get(log.step) if log.kind == "step" else None for log in logs]
        endings = endings_of_models(self._record, [scope for scope in single if scope is not None])
        models: dict[int, set[int | None]] = {}
        own: dict[int, set[str]] = {}
        for log, place, scope in zip(logs, self.reports, single):
            if scope is not None:
                models.setdefault(place.training, set()).add(scope.owner)
            elif log.kind == "step":
                own.setdefault(place.training, set()).update(log.values)
        found = []
        for log, place, scope in zip(logs, self.reports, single):
            names = {name: name for name in log.values}
            if scope is not None and len(models[place.training]) == 1:
                names = {name: name.removesuffix(endings.get(scope.owner, "")) for name in names}
            elif log.kind == "step" and scope is None and place.training:
                names = {name: _unnumbered(name, own[place.training]) for name in names}
            found.append(names)
        return found


def _unnumbered(name: str, others: set[str]) -> str:
    """`loss` of `loss 2`, where no other is called so."""
    plain = re.sub(r" \d+$", "", name)
    return plain if sum(re.sub(r" \d+$", "", each) == plain for each in others) == 1 else name
