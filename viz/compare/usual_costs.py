"""What layers and ops took and made on both sides of a difference.

Page and text tell of a usual step; where two steps are compared, of these.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from viz.compare.changes import Changes, Cost
from viz.compare.op_places import Places
from viz.facts.digest.figures import OUTSIDE
from viz.facts.digest.made import Made
from viz.facts.digest.picked_step import pick_step
from viz.facts.digest.usual_times import UsualTime, steps_of, told_steps, usual_sums, usual_times
from viz.facts.schema import Op, Record
from viz.page.op_names import OpNames

__all__ = ["UsualCosts", "by_layer", "costs", "titles", "usual_costs"]


Naming = Callable[[int, Op], str]
"""What an op counts for, by its side (0 or 1)."""


@dataclasses.dataclass(frozen=True)
class UsualCosts:
    """Costs of a difference.

    Attributes:
        layers, kinds: those of layers, and by what ops are called.
        steps: of how many steps of each recording they are, of several the usual; None where no steps were recorded:
            then they are of all.
    """

    layers: list[Cost]
    kinds: list[Cost]
    steps: tuple[int, int] | None

    @property
    def of_which(self) -> str:
        """Of how many steps they are, in words: `"median of 4 steps"`. The page's `ofWhich` tells the same."""
        if self.steps is None:
            return "of the whole recordings"
        if max(self.steps) == 1:
            return "of one step each"
        words = [told_steps(count) for count in self.steps]
        return " → ".join(dict.fromkeys(words))

    def to_dict(self) -> dict[str, Any]:
        """As data of a page: `layers` and `kinds` as dicts, and `costs_of` for the steps."""
        layers, kinds = [[dataclasses.asdict(cost) for cost in costs] for costs in (self.layers, self.kinds)]
        return {"layers": layers, "kinds": kinds, "costs_of": self.steps}


def usual_costs(found: Changes) -> UsualCosts:
    """The costs of a difference; none where it isn't one of recordings."""
    if found.recordings is None:
        return UsualCosts([], [], None)
    a, b = records = found.recordings
    pairs = [(a.ops[x], b.ops[y]) for x, y in found.pairs]
    removed = [a.ops[change.a] for change in found.ops if change.kind == "removed" and change.a is not None]
    added = [b.ops[change.b] for change in found.ops if change.kind == "added" and change.b is not None]
    names, steps = titles(found), None
    usual: list[dict[int, UsualTime]] = [{}, {}]
    sides = [x for x, _ in pairs] + removed, [y for _, y in pairs] + added
    if chosen := _steps(found, pairs):
        sides = [op for op in sides[0] if op.step == chosen[0]], [op for op in sides[1] if op.step == chosen[1]]
        one_of_each = found.steps is not None and all(len(numbers) == 1 for numbers in found.steps)
        if not one_of_each:  # of two steps that were named, their own times are asked for
            usual = [usual_times(record) for record in records]
        before, after = [steps_of(ops, each) or 1 for ops, each in zip(sides, usual)]
        steps = before, after
    layer = by_layer((Places(a), Places(b)), pairs)
    return UsualCosts(costs(records, sides, layer, usual), costs(records, sides, names, usual), steps)


def titles(found: Changes) -> Naming:
    """A function that tells what the page calls an op of either side, 0 or 1."""
    assert found.recordings is not None
    names = [OpNames(record) for record in found.recordings]

    def title(side: int, op: Op) -> str:
        return ("∇ " if op.phase == "backward" else "") + names[side].title_of(op)

    return title


def _steps(found: Changes, pairs: list[tuple[Op, Op]]) -> tuple[int | None, int] | None:
    """The step of the second recording that pictures show, or the last one that was compared; and that of the first."""
    assert found.recordings is not None
    compared = [y.step for _, y in pairs if y.step is not None]
    if not compared:
        return None
    shown = pick_step(found.recordings[1])
    step = shown if shown is not None and shown in compared else max(compared)
    before = collections.Counter([x.step for x, y in pairs if y.step == step])
    return before.most_common(1)[0][0], step


def costs(
    records: tuple[Record, Record],
    sides: tuple[Sequence[Op], Sequence[Op]],
    name: Naming,
    usual: Sequence[Mapping[int, UsualTime]] = ({}, {}),
) -> list[Cost]:
    """The costs of ops by what they count for, what differs most first; times are usual ones where these are known."""
    found: dict[str, Cost] = {}
    for side, ops in enumerate(sides):
        alike: dict[str, list[Op]] = {}
        made, time = Made(records[side]), usual_sums(usual[side])
        for op in ops:
            alike.setdefault(name(side, op), []).append(op)
        for called, those in alike.items():
            cost, end = found.setdefault(called, Cost(called)), "ab"[side]
            setattr(cost, f"time_{end}", time(those))
            setattr(cost, f"memory_{end}", made.by_all(those))
            setattr(cost, f"ops_{end}", len(those))
    return sorted(found.values(), key=_size, reverse=True)


def by_layer(places: tuple[Places, Places], pairs: Iterable[tuple[Op, Op]]) -> Naming:
    """Ops by their layers, called as in the second recording; those of none by `OUTSIDE`."""
    renamed: dict[str, str] = {}
    for x, y in pairs:
        renamed.setdefault(places[0].shown(x), places[1].shown(y))

    def name(side: int, op: Op) -> str:
        place = places[side].shown(op)
        return (place if side else renamed.get(place, place)) or OUTSIDE

    return name


def _size(cost: Cost) -> tuple[int, int]:
    return abs(cost.time_b - cost.time_a), abs(cost.memory_b - cost.memory_a)
