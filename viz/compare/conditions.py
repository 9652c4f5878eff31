"""Conditions on a difference, such as "time>10%": for machines that decide whether a change may go in."""

from __future__ import annotations

import dataclasses
import math
import re
import statistics
from collections.abc import Sequence

from viz.compare.noise import SURE, by_ranks, least_median
from viz.compare.step_figures import EXACT, NOISY, Side, nearest
from viz.facts import formatting
from viz.facts.schema import Record

__all__ = ["Condition", "Verdict", "judge", "parsed"]

_WRITTEN = re.compile(r"\s*([A-Za-z_][\w/.-]*?)\s*([<>])\s*([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*(%|[A-Za-zµ]*)\s*")
_UNITS: dict[str, dict[str, float]] = {
    "time": {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9},
    "bytes": {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4},
    "": {"": 1, "k": 1e3, "M": 1e6, "G": 1e9},
}
_COSTLY = ("stats", "values", "memory", "source", "backward", "on_nonfinite")  # what recording takes time for
_NEAREST = "of all recordings the two that are nearest to each other"
_TIMES, _BYTES = ("time", "forward", "backward", "update"), ("memory", "peak")


@dataclasses.dataclass(frozen=True)
class Condition:
    """What must not be.

    Attributes:
        text: as it was written.
        name: which figure.
        above: whether it must not be larger (else: smaller).
        amount: the limit; for changes 0.1 is 10 %.
        relative: whether the change is meant, and not the second side's figure itself.
    """

    text: str
    name: str
    above: bool
    amount: float
    relative: bool

    def holds(self, number: float) -> bool:
        """Whether a number is beyond the limit."""
        return number > self.amount if self.above else number < self.amount

    @property
    def side(self) -> str:
        """How a bound on the number is told."""
        return "at least" if self.above else "at most"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of a condition.

    Attributes:
        condition: as it was written.
        failed: whether what must not be is there; None where it can't be decided.
        a, b: the figure on both sides, as text.
        change: the change from `a` to `b` in words; "" without.
        why: what it was decided by, or why it couldn't be.
    """

    condition: str
    failed: bool | None
    a: str
    b: str
    change: str
    why: str


def parsed(texts: Sequence[str]) -> list[Condition]:
    """Conditions from text, several in one with commas between.

    Raises:
        ValueError: for what is no condition.

    >>> parsed(["time>10%, ops>500"])[1].amount
    500.0
    """
    return [_parsed(part) for text in texts for part in text.split(",")]


def _parsed(text: str) -> Condition:
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(
            f"check({text!r:.80}): expected a figure, > or <, and a limit: 'time>10%' (a change), 'peak>2GB' (the "
            f"second side itself). Figures: {', '.join((*NOISY, *EXACT))}, and what training reports, such as val_loss"
        )
    name, sign, number, unit = found.groups()
    if unit == "%":
        return Condition(text.strip(), name, sign == ">", float(number) / 100, True)
    units = _UNITS["time" if name in _TIMES else "bytes" if name in _BYTES else ""]
    if unit not in units:
        known = ", ".join([each for each in units if each])
        raise ValueError(f"check({text!r:.80}): {name} has no unit {unit!r}; expected % or one of {known}")
    return Condition(text.strip(), name, sign == ">", float(number) * units[unit], False)


def judge(
    a: Sequence[Record],
    b: Sequence[Record],
    conditions: Sequence[Condition],
    steps: tuple[frozenset[int], frozenset[int]] | None = None,
) -> list[Verdict]:
    """What becomes of the conditions."""
    before, after = Side(a, steps and steps[0]), Side(b, steps and steps[1])
    options = [record.meta.get("options") or {} for record in (*a, *b)]
    other = [name for name in _COSTLY if len({repr(each.get(name)) for each in options}) > 1]
    return [
        _undecided(condition, f"they were recorded with other {' and '.join(other)}, which takes time itself")
        if other and condition.name in _TIMES
        else _judged(before, after, condition)
        for condition in conditions
    ]


def _judged(a: Side, b: Side, condition: Condition) -> Verdict:
    name = condition.name
    if name in NOISY:
        return _noisy(a, b, condition)
    several = max(len(a.runs), len(b.runs)) > 1
    first, second = a.single(name), b.single(name)
    if name in EXACT:
        why = "the same in every run" if len({*first}) < 2 and len({*second}) < 2 else _NEAREST
    elif name in a.names or name in b.names:
        why = _NEAREST if several else "as reported last; how much it differs from run to run isn't known"
    else:
        known = list(dict.fromkeys([*NOISY, *EXACT, *b.names]))
        raise ValueError(
            f"check({condition.text!r}): there is no {name!r}; expected one of {', '.join(known)}"
            f"{formatting.nearest(name, known)}"
        )
    if not first or not second:
        return _undecided(condition, "it wasn't recorded on both sides")
    return _exactly(*nearest(first, second, condition.above), condition, why)


def _exactly(first: float, second: float, condition: Condition, why: str) -> Verdict:
    change = _change(first, second)
    measured = (math.nan if change is None else change) if condition.relative else second
    if math.isnan(measured):
        failed = (second > 0) == condition.above if first == 0 and second == second else None
    else:
        failed = condition.holds(measured)
    shown = _shown(condition.name, first), _shown(condition.name, second)
    return Verdict(condition.text, failed, *shown, _percent(change), why)


def _change(first: float, second: float) -> float | None:
    if first == second:
        return 0.0
    return (second - first) / abs(first) if first and math.isfinite(first) and math.isfinite(second) else None


def _undecided(condition: Condition, why: str, a: str = "", b: str = "") -> Verdict:
    return Verdict(condition.text, None, a, b, "", f"can't be decided: {why}")


def _noisy(before: Side, after: Side, condition: Condition) -> Verdict:
    """By the typical number, and only if noise alone can't explain it."""
    name = condition.name
    least = 5 if condition.relative else 7
    a, b = [side.losses() if name == "loss" else side.times(name, least) for side in (before, after)]
    if not a or not b:
        return _undecided(condition, f"no {name} of single steps was recorded on both sides")
    typical = _shown(name, statistics.median(a)), _shown(name, statistics.median(b))
    if not all(math.isfinite(each) for each in (*a, *b)):
        bad = not all(math.isfinite(each) for each in b)
        why = "not all losses are finite"
        return Verdict(condition.text, True if bad and condition.above else None, *typical, "", why)
    if not condition.relative:
        return _against_limit(b, typical, condition)
    lowered = max(before.lowered(name), after.lowered(name)) if name in _TIMES else 0.0
    found = _paired(a, b, condition.above) if name == "loss" else by_ranks(a, b, condition.above, lowered)
    if found is None:
        return _undecided(condition, _too_few(7 if name == "loss" else 5, a, b), *typical)
    change, bound = found
    which = "the quicker half of the steps, " if name in _TIMES else "the later half of the steps, "
    runs = max(len(before.runs), len(after.runs))
    of = f" of {len(before.runs)} and {len(after.runs)} recordings" if runs > 1 else ""
    why = (
        f"medians; step against step {_percent(change)}, {condition.side} {_percent(bound)} with {SURE:.0%} certainty; "
        f"{which}{len(a)} and {len(b)}{of}"
    )
    between = _change(statistics.median(a), statistics.median(b))
    return Verdict(condition.text, condition.holds(bound), *typical, _percent(between), why)


def _paired(a: list[float], b: list[float], above: bool) -> tuple[float, float] | None:
    """The same for losses: each step beside the same step of the other side, where there are as many."""
    if len(a) != len(b):
        return by_ranks(a, b, above) if min(*a, *b) > 0 else None
    size = statistics.fmean([abs(x) for x in a]) or 1.0
    changes = [(y - x) / size for x, y in zip(a, b)]
    bound = least_median(changes, above)
    return None if bound is None else (statistics.median(changes), bound)


def _too_few(least: int, *sides: list[float]) -> str:
    told = " and ".join([str(len(side)) for side in sides])
    return f"{told} comparable steps can't be told from noise; record at least {least + 1} steps of equal size"


def _against_limit(b: list[float], typical: tuple[str, str], condition: Condition) -> Verdict:
    bound = least_median(b, condition.above)
    if bound is None:
        return _undecided(condition, _too_few(7, b), *typical)
    why = f"{condition.side} {_shown(condition.name, bound)} with {SURE:.0%} certainty; {len(b)} steps"
    return Verdict(condition.text, condition.holds(bound), *typical, "", why)


def _shown(name: str, value: float) -> str:
    if name in _TIMES:
        return formatting.seconds(value)
    if name in _BYTES:
        return formatting.nbytes(value)
    if name in ("ops", "params"):
        return formatting.amount(round(value))
    return formatting.short(value) if name == "flops" else f"{value:.5g}"


def _percent(change: float | None) -> str:
    return "" if change is None else f"{100 * change:+.1f} %"
