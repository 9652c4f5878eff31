"""What a loop of one's own minimizes: the numbers whose gradients it asks for, step by step."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

from viz.facts.schema import Logs, Record, Scope
from viz.facts.selection import step_numbers

__all__ = ["own_losses"]


def own_losses(
    record: Record, passes: Sequence[tuple[int, int, Scope]], targets: Iterable[tuple[float, float]]
) -> list[Logs]:
    """The losses of the steps that `fit` doesn't report.

    Each has the name that it has in the user's code. Batches whose gradients are summed have their mean; other losses
    of one name are told apart by numbers.

    Args:
        record: the recording, with all of its steps.
        passes: when backward passes began and ended, in order, and their scopes.
        targets: what gradients were asked of, and when.
    """
    steps = {step.scope: step for step in record.steps}
    starts = [start for start, _, _ in passes]
    names: dict[tuple[object, ...], str] = {}
    found: dict[int, dict[str, list[float]]] = {}
    for moment, value in targets:
        at = bisect.bisect_right(starts, moment) - 1
        if at < 0 or passes[at][1] < moment:
            continue
        scope = passes[at][2]
        around = next((each for each in record.ancestors(scope.id) if each.id in steps), None)
        if around is None or around.owner is not None:  # no step, or one of a model, which reports its losses itself
            continue
        name = str(scope.config.get("target") or "loss")
        place = name, scope.stack
        if place not in names:
            count = sum(known == name for known, _ in names)
            names[place] = f"{name} {count + 1}" if count else name
        found.setdefault(steps[around.id].index, {}).setdefault(names[place], []).append(value)
    numbers = step_numbers(record)
    return [
        Logs(
            "step",
            numbers[index],
            {name: sum(values) / len(values) for name, values in told.items()},
            record.steps[index].end,
        )
        for index, told in sorted(found.items())
    ]
