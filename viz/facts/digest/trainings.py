"""Which steps belong together: another training changes other weights, or counts its epochs anew."""

from __future__ import annotations

import bisect
from collections.abc import Hashable, Iterator, Sequence

from viz.facts.digest.reports import step_before
from viz.facts.schema import Logs, Record, Scope
from viz.facts.selection import variables_of

__all__ = ["Trainings", "endings_of_models"]


class Trainings:
    """The trainings of a recording, one after the other, as a search for good settings makes them.

    Networks that take turns, as those of a GAN, are one training.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._begins = sorted({*_other_weights(record), *self._epochs_anew(record.logs), *_batches_anew(record)})

    def of_step(self, position: int) -> int:
        """Which training a step is of, from 0, by its place among the recorded ones."""
        return bisect.bisect_right(self._begins, position)

    def of_report(self, log: Logs) -> int:
        """Which training reported this; 0 where no times were recorded."""
        return self.of_step(step_before(self._record, log))

    def begin(self, training: int) -> int:
        """The place of a training's first step."""
        return self._begins[training - 1] if training else 0

    def _epochs_anew(self, logs: Sequence[Logs]) -> Iterator[int]:
        """The steps with which another `fit` begins: its epochs don't go on from those before."""
        last, first = -1, None
        for log in logs:
            if log.kind == "batch" and first is None:
                first = log
            elif log.kind == "epoch":
                if log.step <= last and (begin := step_before(self._record, first or log)) > 0:
                    yield begin
                last, first = log.step, None


def _batches_anew(record: Record) -> Iterator[int]:
    """The steps whose batches are counted anew, where only some steps were recorded."""
    least = 0  # that the next one has
    for position, step in enumerate(record.steps):
        if step.trained is not None:
            if step.trained < least:
                yield position
            least = step.trained + (record.scopes[step.scope].name == "train_step")


def _other_weights(record: Record) -> Iterator[int]:
    """The steps from which on no weight is changed that was changed before.

    Where only some steps were recorded, weights are told by their names: what changed them meanwhile isn't known.
    """
    variables = variables_of(record)
    is_whole = all(step.number is None for step in record.steps)
    changed: list[set[Hashable]] = [set() for _ in record.steps]
    for op in record.ops:
        if op.phase == "update" and op.step is not None:
            for first in [variables[i] for i in op.inputs[:1] if i in variables]:
                changed[op.step].add(first if is_whole else record.tensors[first].name or first)
    last = {weight: position for position, weights in enumerate(changed) for weight in weights}
    reach = -1  # the last step that changes what was changed so far
    for position, weights in enumerate(changed):
        if weights and -1 < reach < position:
            yield position
        reach = max([reach, *[last[weight] for weight in weights]])


def endings_of_models(record: Record, steps: Sequence[Scope]) -> dict[int | None, str]:
    """By model, what is behind the names of the numbers that its steps report: nothing where one model trains."""
    owners = {scope.owner: scope for scope in steps if scope.name == "train_step" and scope.owner is not None}
    if len(owners) < 2:
        return {}
    calls: dict[int | None, Scope] = {}
    for scope in record.scopes:
        if scope.kind == "model":
            calls.setdefault(scope.owner, scope)
    names = [calls[owner].shown if owner in calls else scope.cls for owner, scope in owners.items()]
    return {
        owner: f" ({name})" if names.count(name) == 1 else f" ({name} {names[:i].count(name) + 1})"
        for i, (owner, name) in enumerate(zip(owners, names))
    }
