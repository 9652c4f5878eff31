"""Is a step that was run again the step that was kept? Bit for bit, or by how much not, and why."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy

from viz.doctor.facts.host_arrays import host
from viz.replay.encode import digest
from viz.replay.kept import Kept
from viz.replay.machine import differences, machine
from viz.replay.player import Played, Player

__all__ = ["Verdict", "in_cells", "told", "verdict"]

_UNKNOWN = (
    "something that the file doesn't hold: an array that was changed later, or code that isn't made of eagerflow's ops"
)


@dataclasses.dataclass
class Verdict:
    """How a run again compares with the training."""

    exact: bool  # whether everything that can be compared has the same bits
    compared: int  # how many losses and arrays of variables were compared
    other: list[str]  # paths of variables whose bits differ, and steps whose loss or error does
    largest: float  # the largest difference of a weight or loss, as a part of its largest number
    where: str  # whose that is
    reasons: list[str]  # why bits may differ, in words

    def __str__(self) -> str:
        if self.exact:
            return f"bit for bit as it was: {self.compared} of {self.compared} numbers and arrays are the same"
        away = f"; the largest difference is {self.largest:.2g} of the largest number, in {self.where}"
        shown = ", ".join(self.other[:5]) + (", ..." if len(self.other) > 5 else "")
        lines = [f"not the same bits: {len(self.other)} of {self.compared} differ ({shown})"]
        lines[0] += away if self.where else ""
        lines += [f"  because of {reason}" for reason in self.reasons]
        return "\n".join(lines)


def verdict(kept: Kept, player: Player, played: list[Played]) -> Verdict:
    """Compare steps that were run again with the file."""
    other: list[str] = []
    gaps: list[tuple[float, str]] = []
    compared = 0
    for each in played:
        name = f"step {each.step.number}"
        compared += 1
        then, now = _raised(each)
        if then != now:
            other.append(f"{name} ({now or 'no error'} now)")
        elif not same_number(each.step.loss, each.loss):
            other.append(name)
            gaps.append((_gap(each.step.loss, each.loss), f"the loss of {name}"))
    if played and played[-1].step is kept.steps[-1] and not played[-1].left_out:
        for number, text in kept.digests.items():
            compared += 1
            array = host(player.variables[number].data)
            if digest(array) != text:
                path = kept.variables[number].path
                other.append(path)
                if number in kept.after:
                    gaps.append((_distance(kept.arrays[kept.after[number]], array), path))
    left_out = [text for each in played for text in each.left_out]
    largest, where = max(gaps, default=(0.0, ""))
    exact = not other and not left_out
    reasons = [] if exact else _reasons(kept, left_out)
    return Verdict(exact, compared, other, largest, where, reasons)


def _reasons(kept: Kept, left_out: list[str]) -> list[str]:
    found = [f"what can't be run from a file: {text}" for text in dict.fromkeys(left_out)]
    found += differences(kept.meta["machine"], machine())
    return found or [_UNKNOWN]


def _raised(each: Played) -> tuple[str, str]:
    """The class of what a step raised then, and now; empty for nothing."""
    return each.step.error.partition(":")[0], "" if each.error is None else type(each.error).__name__


def same_number(one: float | None, other: float | None) -> bool:
    """Whether both are the same number, or both NaN, or both missing."""
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def _gap(one: float | None, other: float | None) -> float:
    return math.inf if one is None or other is None else abs(one - other) / max(abs(one), 1e-300)


def _distance(one: numpy.ndarray, other: numpy.ndarray) -> float:
    with numpy.errstate(all="ignore"):
        largest = float(numpy.nanmax(abs(one), initial=0.0)) or 1.0
        gap = numpy.where((one == other) | (numpy.isnan(one) & numpy.isnan(other)), 0.0, abs(one - other))
        found = float(gap.max(initial=0.0)) / largest
    return math.inf if math.isnan(found) else found


def told(played: Sequence[Played]) -> list[dict[str, Any]]:
    """What the steps gave then, and what now: the loss, or the class of what it raised; with the numbers of rows."""
    rows = []
    for each in played:
        step, raised = each.step, _raised(each)
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
