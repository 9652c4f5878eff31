"""What running kept steps again answers: how each compares, and what another precision, rate or network would do."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy

from viz.facts.formatting import nearest, short
from viz.replay.kept import Kept
from viz.replay.player import CannotReplay, Changes, Played, Player
from viz.replay.verdict import same_number

__all__ = ["Difference", "changed", "in_cells", "told"]


def told(kept: Kept, played: Sequence[Played]) -> list[dict[str, Any]]:
    """What the steps gave then, and what now: the loss, or the class of what it raised; with the numbers of rows."""
    rows = []
    for each in played:
        step = each.step
        raised = step.error.partition(":")[0], "" if each.error is None else type(each.error).__name__
        same = same_number(step.loss, each.loss) and raised[0] == raised[1]
        then, now = raised[0] or step.loss, raised[1] or each.loss
        rows.append({"step": step.number, "then": then, "now": now, "same": same, "rows": list(step.rows or [])})
    return rows


def in_cells(row: dict[str, Any], most: int = 6) -> list[str]:
    """One of these as a line of a table.

    >>> in_cells({"step": 3, "then": 0.5, "now": "ValueError", "same": False, "rows": list(range(9))})
    ['3', '0.5', 'ValueError', 'no', '0, 1, 2, 3, 4, 5, ... (9)']
    """
    numbers = row["rows"]
    shown = ", ".join(map(str, numbers[:most])) + (f", ... ({len(numbers)})" if len(numbers) > most else "")
    return [str(row["step"]), _cell(row["then"]), _cell(row["now"]), "yes" if row["same"] else "no", shown]


def _cell(value: float | str | None) -> str:
    return value if isinstance(value, str) else "" if value is None else f"{value:.9g}"


@dataclasses.dataclass
class Difference:
    """What a change does to a step."""

    what: str  # the change, in words
    step: int
    loss: tuple[float | None, float | None]  # of the step as it was, and changed
    gradient: tuple[float | None, float | None]  # the norm of all gradients, both ways
    after: tuple[float | None, float | None]  # the loss of the same batch after the update, both ways
    first: str = ""  # where the two first differ by more than a hundredth, in words; "" nowhere

    def facts(self) -> dict[str, Any]:
        """The same for JSON."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        heads = f"step {self.step}, as it was and {self.what}"
        lines = [heads]
        for name, pair in (("loss", self.loss), ("norm of the gradients", self.gradient), ("loss after", self.after)):
            if pair != (None, None):
                lines.append(f"  {name:22} {_shown(pair[0]):>12} {_shown(pair[1]):>12}")
        return "\n".join([*lines, *([f"  first apart in {self.first}"] if self.first else [])])


def _shown(value: float | None) -> str:
    return "-" if value is None else short(value) if math.isfinite(value) else str(value)


def changed(
    kept: Kept, number: int, double: bool = False, rate: float | None = None, without: str | None = None
) -> Difference:
    """Run a step as it was and changed."""
    if without is not None:
        without = _layer(kept, number, without)
    changes = Changes(double=double, rate=rate, without=without)
    words = ["in float64"] * double + ([] if rate is None else [f"with a learning rate of {rate:g}"])
    words += [] if without is None else [f"without layer {without!r}"]
    runs = []
    for each in (Changes(), changes):
        player = Player(kept, each, first=number)
        played = player.run_to(number)[-1]
        runs.append((player, played))
    before, after = runs[0][1], runs[1][1]
    ends = tuple([player.loss_after(number) if played.error is None else None for player, played in runs])
    return Difference(
        " and ".join(words),
        kept.steps[number].number,
        (before.loss, after.loss),
        (_norm(before), _norm(after)),
        (ends[0], ends[1]),
        _first_apart(before, after) if without is None else "",
    )


def _layer(kept: Kept, number: int, name: str) -> str:
    known = [e["name"] for e in kept.steps[number].events if e.get("begin") == "layer"]
    if name in known:
        return name
    shown = ", ".join(dict.fromkeys(known))
    raise CannotReplay(f"there is no layer {name!r:.60}{nearest(name, known) or '.'} It has: {shown:.300}")


def _norm(played: Played) -> float | None:
    numbers = [n for e in played.step.events if "gradient" in e for n in e["out"] if n is not None]
    arrays = [played.tensors[n].data for n in numbers if played.tensors.get(n) is not None]
    if not arrays:
        return None
    with numpy.errstate(all="ignore"):
        return math.sqrt(sum([float(numpy.sum(numpy.square(a, dtype="float64"))) for a in arrays]))


def _first_apart(one: Played, other: Played) -> str:
    """The first op whose results differ by more than a hundredth of their largest number, or in being finite."""
    for event in one.step.events:
        for n in event.get("out", ()) if "op" in event else ():
            a, b = one.tensors.get(n), other.tensors.get(n)
            if a is None or b is None or a.data.dtype.kind != "f":
                continue
            with numpy.errstate(all="ignore"):
                apart = _apart(numpy.asarray(a.data, "float64"), numpy.asarray(b.data, "float64"))
            if apart:
                return str(event["op"])
    return ""


def _apart(one: numpy.ndarray, other: numpy.ndarray) -> bool:
    finite = numpy.isfinite(one)
    if (finite != numpy.isfinite(other)).any():
        return True
    gap, largest = abs(one - other)[finite], abs(other)[finite]
    return bool(gap.max(initial=0.0) > 0.01 * largest.max(initial=0.0))
