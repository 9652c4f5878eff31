"""What a loop of one's own minimizes: the numbers whose gradients it asks for, step by step."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from viz.facts.schema import Frame, Logs, Record, Scope
from viz.facts.selection import step_numbers

__all__ = ["own_losses"]


@dataclasses.dataclass
class _Course:
    """Numbers of one name that are one loss, as far as one sees.

    Attributes:
        name: what the code calls them.
        variables: of which gradients were asked; none where that isn't known.
        places: the lines that asked.
        values: by the position of the step; of batches whose gradients are summed there are several.
    """

    name: str
    variables: set[int]
    places: set[tuple[Frame, ...]]
    values: dict[int, list[float]] = dataclasses.field(default_factory=dict)

    def is_of(self, variables: set[int], place: tuple[Frame, ...]) -> bool:
        """Is this where another number belongs: of the same line, and of weights that it has, too?"""
        if not variables or not self.variables:
            return place in self.places
        is_line = any(each[:1] == place[:1] for each in self.places)
        return is_line and not self.variables.isdisjoint(variables)

    def goes_on_in(self, other: _Course) -> bool:
        """Is another one, which began later, the same loss in another phase, or that of another training behind it?"""
        if self.name != other.name or not self.values.keys().isdisjoint(other.values):
            return False
        return not self.variables.isdisjoint(other.variables) or max(self.values) < min(other.values)

    def take(self, other: _Course) -> None:
        """Go on with another one."""
        self.variables |= other.variables
        self.places |= other.places
        self.values |= other.values


def own_losses(
    record: Record,
    passes: Sequence[tuple[int, int, Scope]],
    targets: Iterable[tuple[float, float]],
    learnt: Mapping[int, set[int]],
) -> list[Logs]:
    """The losses of the steps that `fit` doesn't report.

    Each has the name that it has in the user's code. Batches whose gradients are summed have their mean. Losses of one
    name are told apart by numbers where a step has several, or networks take turns; those of several phases of a
    training are one, and so are those of several trainings, one behind the other.

    Args:
        record: the recording, with all of its steps.
        passes: when backward passes began and ended, in order, and their scopes.
        targets: what gradients were asked of, and when.
        learnt: by scope, the variables that a backward pass gave gradients of.
    """
    steps = {step.scope: step for step in record.steps}
    starts = [start for start, _, _ in passes]
    found: list[_Course] = []
    for moment, value in targets:
        at = bisect.bisect_right(starts, moment) - 1
        if at < 0 or passes[at][1] < moment:
            continue
        scope = passes[at][2]
        around = next((each for each in record.ancestors(scope.id) if each.id in steps), None)
        if around is None or around.owner is not None:  # no step, or one of a model, which reports its losses itself
            continue
        name, variables = str(scope.config.get("target") or "loss"), learnt.get(scope.id, set())
        course = next((each for each in found if each.name == name and each.is_of(variables, scope.stack)), None)
        if course is None:
            found.append(course := _Course(name, set(), set()))
        course.variables |= variables
        course.places.add(scope.stack)
        course.values.setdefault(steps[around.id].index, []).append(value)
    courses: list[_Course] = []
    for course in found:
        before = next((each for each in courses if each.goes_on_in(course)), None)
        if before is None:
            courses.append(course)
        else:
            before.take(course)
    return _logs(record, courses)


def _logs(record: Record, courses: Sequence[_Course]) -> list[Logs]:
    """Step by step what the losses came to, under their names."""
    told: dict[int, dict[str, float]] = {}
    for i, course in enumerate(courses):
        count = sum(each.name == course.name for each in courses[:i])
        name = f"{course.name} {count + 1}" if count else course.name
        for index, values in course.values.items():
            told.setdefault(index, {})[name] = sum(values) / len(values)
    numbers = step_numbers(record)
    return [Logs("step", numbers[index], values, record.steps[index].end) for index, values in sorted(told.items())]
