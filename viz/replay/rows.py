"""Which row of a batch does it? The batch is halved until as few rows as possible are left that still do it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy

from viz.replay.kept import Kept, KeptStep
from viz.replay.player import CannotReplay, Player

__all__ = ["Guilty", "guilty_rows"]

_FILLERS = 8  # rows that are tried as one that does no harm
_MOST_RUNS = 400


@dataclasses.dataclass
class Guilty:
    """The rows that do it."""

    step: int
    rows: list[int]  # their places in the batch
    of_data: list[int] | None  # their numbers in the data; None where these aren't known
    batch: int  # how many rows the batch has
    what: str  # what they do, in words
    runs: int  # how often the step was run
    every: bool = False  # whether every row that was tried does it, so that none can be blamed
    others: bool = False  # whether the batch does it without these rows, too

    def __str__(self) -> str:
        if self.every:
            return f"step {self.step}: any row alone makes {self.what}: it isn't the batch (weights, or the rate)"
        several = "rows" if len(self.rows) > 1 else "row"
        known = "" if self.of_data is None else f" ({several} {', '.join(map(str, self.of_data))} of the data)"
        together = " together" if len(self.rows) > 1 else " alone" if self.others else ""
        which = f"{several} {', '.join(map(str, self.rows))} of {self.batch}{known}{together}"
        return f"step {self.step}: {which} make{'' if len(self.rows) > 1 else 's'} {self.what}{self._rest()}"

    def _rest(self) -> str:
        """What the batch does without the rows."""
        if not self.others:
            return "; without it, the batch doesn't" if len(self.rows) == 1 else ""
        them = "them" if len(self.rows) > 1 else "it"
        return f"; so does the batch without {them}: look for more such rows, or at the weights, by a step before"


class _Trial:
    """Runs one step with some of its rows, the others replaced by one that does no harm."""

    def __init__(self, kept: Kept, number: int) -> None:
        self.kept, self.number = kept, number
        self.step: KeptStep = kept.steps[number]
        self.runs = 0
        self.filler = -1
        self.arrays = _row_arrays(kept, self.step)
        self.count = len(kept.arrays[self.arrays[0]])
        self.limit = math.inf

    def bad(self, rows: list[int]) -> bool:
        """Whether these rows do it, among copies of the harmless one."""
        order = numpy.full(self.count, self.filler)
        order[rows] = rows
        return self.does(order)

    def does(self, order: numpy.ndarray) -> bool:
        """Whether the rows in this order do it."""
        self.runs += 1
        changed = {n: self.kept.arrays[n][order] for n in self.arrays}
        player = Player(self.kept, changed, first=self.number)
        played = player.run_to(self.number)[-1]
        if played.error is not None:
            return bool(self.step.error)
        if self.step.error:
            return False
        if played.loss is not None and (not math.isfinite(played.loss) or played.loss > self.limit):
            return True
        if self.limit < math.inf:
            return False
        gradients = [played.tensors.get(n) for e in self.step.events if "gradient" in e for n in e["out"]]
        return not all(bool(numpy.isfinite(g.data).all()) for g in gradients if g is not None)


def _row_arrays(kept: Kept, step: KeptStep) -> list[int]:
    """The arrays of a step with a row for each sample."""
    used = {x["a"] for e in step.events if "op" in e for x in e["in"] if isinstance(x, dict) and "a" in x}
    batch = [n for _, n in step.batch if kept.arrays[n].ndim]
    rows = len(kept.arrays[batch[0]]) if batch else 0
    if not rows:  # of a custom loop: what most arrays agree on
        lengths = [len(kept.arrays[n]) for n in used if kept.arrays[n].ndim]
        rows = max(set(lengths), key=lengths.count) if lengths else 0
    found = sorted({n for n in {*used, *batch} if kept.arrays[n].ndim and len(kept.arrays[n]) == rows})
    if rows < 2 or not found:
        raise CannotReplay(f"step {step.number}: there is no batch of several rows to search in")
    return found


def guilty_rows(kept: Kept, number: int, band: float | None = None) -> Guilty:
    """Which rows of a step's batch make its loss or gradients NaN, its loss large, or let it raise.

    Rows that are left out are replaced by copies of one that does no harm, so that shapes stay as they are.
    """
    trial = _Trial(kept, number)
    step = kept.steps[number]
    if band is not None and not step.error and step.loss is not None and math.isfinite(step.loss):
        trial.limit = band
    what = "the step raise" if step.error else "NaN or infinity" if trial.limit == math.inf else "the loss large"
    everything = list(range(trial.count))
    if not trial.does(numpy.array(everything)):
        raise CannotReplay(f"step {step.number} makes no NaN and doesn't raise, so no row can be blamed")
    for row in numpy.linspace(0, trial.count - 1, min(_FILLERS, trial.count)).astype(int).tolist():
        if not trial.does(numpy.full(trial.count, row)):
            trial.filler = row
            break
    else:
        return Guilty(step.number, [], None, trial.count, what, trial.runs, every=True)
    rows = _fewest(everything, trial.bad, lambda: trial.runs < _MOST_RUNS)
    rest = [row for row in everything if row not in rows]
    of_data = None if step.rows is None else [step.rows[r] for r in rows]
    others = bool(rest) and trial.bad(rest)
    return Guilty(step.number, rows, of_data, trial.count, what, trial.runs, others=others)


def _fewest(rows: list[int], bad: Callable[[list[int]], bool], goes_on: Callable[[], bool]) -> list[int]:
    """As few of the rows as are bad together: halves, then smaller parts left out (Zeller's delta debugging, 2002)."""
    parts = 2
    while len(rows) > 1 and goes_on():
        cuts = numpy.array_split(numpy.array(rows), parts)
        smaller = next((c.tolist() for c in cuts if len(c) and len(c) < len(rows) and bad(c.tolist())), None)
        if smaller is not None:
            rows, parts = smaller, 2
            continue
        rest = next((r for r in _without_each(rows, cuts) if bad(r)), None) if parts > 2 else None
        if rest is not None:
            rows, parts = rest, max(parts - 1, 2)
        elif parts >= len(rows):
            break
        else:
            parts = min(2 * parts, len(rows))
    return rows


def _without_each(rows: list[int], cuts: list[numpy.ndarray]) -> list[list[int]]:
    return [[r for r in rows if r not in set(cut.tolist())] for cut in cuts]
