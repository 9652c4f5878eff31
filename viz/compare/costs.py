"""What layers and kinds of ops took and made on both sides of a difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from viz.compare.changes import Cost
from viz.compare.op_places import Places
from viz.facts.digest.figures import OUTSIDE
from viz.facts.digest.made import Made
from viz.facts.schema import Op, Record

__all__ = ["Naming", "Together", "by_layer", "costs", "sum_of_times"]

Naming = Callable[[int, Op], str]
"""What an op counts for, by its side (0 or 1)."""

Together = Callable[[Iterable[Op]], int]
"""The time of some ops together."""


def costs(
    records: tuple[Record, Record], sides: tuple[Sequence[Op], Sequence[Op]], name: Naming, times: Sequence[Together]
) -> list[Cost]:
    """The costs of ops by what they count for, what differs most first."""
    found: dict[str, Cost] = {}
    for side, ops in enumerate(sides):
        alike: dict[str, list[Op]] = {}
        made = Made(records[side])
        for op in ops:
            alike.setdefault(name(side, op), []).append(op)
        for called, those in alike.items():
            cost, end = found.setdefault(called, Cost(called)), "ab"[side]
            setattr(cost, f"time_{end}", times[side](those))
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


def sum_of_times(ops: Iterable[Op]) -> int:
    """All of their times."""
    return sum([op.duration for op in ops])


def _size(cost: Cost) -> tuple[int, int]:
    return abs(cost.time_b - cost.time_a), abs(cost.memory_b - cost.memory_a)
