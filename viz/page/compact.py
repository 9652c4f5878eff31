"""The page's data in fewer bytes. What steps repeat is written once; `recording/compact.js` writes it out again.

Steps of a training differ by little but their times and statistics: the ids of one are those of the step before, each
higher by how many there were. So columns are cut into pieces, one for each step, and of a piece that is as long as one
before only the differences are written, a row of which most pieces share. The longest parts, what each step shows and
the statistics of its tensors, are texts of their own, which the page reads when it comes to that step.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from viz.page.alike_steps import AlikeView, renumbered

__all__ = ["compact"]

_NONE = -(2**51)  # among integers; sums with ids and times are still exact in JavaScript
_FEW = 4  # a row of differences is shared by pieces in which at most one of so many numbers is another one
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")
_OPS, _SCOPES = 2**40, 2**41  # more than any id
_Numbers = tuple[numpy.ndarray, list[tuple[int, float]]]  # integers, and other numbers by their places
_PLACE = "0"  # where a number stands in the form of a text


def compact(content: dict[str, Any]) -> dict[str, Any]:
    """What `data` gave in fewer bytes.

    Args:
        content: the data.

    Returns:
        The same keys; columns are `{"ints": pieces}` or `{"lists": [lengths, values]}`, whose pieces are `{"rows",
        "pieces"}`; see `_shared`.
    """
    ops, bounds = content["ops"], _Bounds(content)
    found = dict(content)
    found["compact"] = True
    found["ops"] = {**_columns(ops, bounds.ops), **_times(ops), "usual": ops["usual"]}
    found["tensors"] = _columns({**content["tensors"], "stats": None}, bounds.tensors)
    found["tensors"]["stats"] = _statistics(content["tensors"]["stats"], bounds.tensors)
    found["scopes"] = _columns(content["scopes"], bounds.scopes)
    moments = _Moments(ops)
    for name in ("start", "end"):
        found["scopes"][name] = moments.of(content["scopes"][name], bounds.scopes)
    memory = content["memory"]
    cuts = bounds.of_tensors(memory)
    found["memory"] = [_lists([row[:2] for row in memory], cuts)]
    found["memory"] += [moments.of([row[at] for row in memory], cuts) for at in (2, 3)]
    for name in ("variables", "same"):
        found[name] = _lists(content[name], bounds.of_tensors(content[name]))
    found["names"] = {what: _lists(of, bounds.of_ops(of)) for what, of in content["names"].items()}
    found["usual"] = _usual(content)
    found["views"] = _views(content["views"])
    return found


class _Bounds:
    """Where the pieces of columns begin and end: where the step changes that first meets what stands there."""

    def __init__(self, content: dict[str, Any]) -> None:
        ops = content["ops"]
        self._of_ops = ops["step"]
        self._of_tensors = _first_met(ops["step"], [ops["inputs"], ops["outputs"]], len(content["tensors"]["shape"]))
        scopes = [[scope] if scope is not None else [] for scope in ops["scope"]]
        self.ops, self.tensors = _changes(self._of_ops), _changes(self._of_tensors)
        self.scopes = _changes(_first_met(ops["step"], [scopes], len(content["scopes"]["kind"])))

    def of_tensors(self, rows: Sequence[Sequence[int]]) -> list[int]:
        """The same for rows that begin with tensors."""
        return _changes([self._of_tensors[row[0]] for row in rows])

    def of_ops(self, rows: Sequence[Sequence[int]]) -> list[int]:
        """The same for rows that begin with ops."""
        return _changes([self._of_ops[row[0]] for row in rows])


def _first_met(steps: Sequence[int | None], columns: Sequence[Sequence[Sequence[int]]], count: int) -> list[int | None]:
    """For each of so many ids the step of the first op that has it in a column; of others that of the one before."""
    met = numpy.full(count, len(steps))
    for column in columns:
        ids = _array([*itertools.chain.from_iterable(column)])
        ops = numpy.repeat(numpy.arange(len(column)), list(map(len, column)))
        first = numpy.full(count, len(steps))
        first[ids[::-1]] = ops[::-1]  # of several places the first is written last
        met = numpy.minimum(met, first)
    known = numpy.maximum.accumulate(numpy.where(met < len(steps), numpy.arange(count), -1))
    of, unknown = [*steps, -1], len(steps)
    return [of[op] for op in numpy.where(known < 0, unknown, met[known]).tolist()]


def _changes(steps: Sequence[int | None]) -> list[int]:
    changes = [i for i, (a, b) in enumerate(itertools.pairwise(steps), 1) if a != b]
    return [0, *changes, len(steps)]


# ---------------------------------------------------------------------- pieces


def _columns(columns: dict[str, Any], bounds: list[int]) -> dict[str, Any]:
    """All columns of objects, each cut at these bounds; None stays None."""
    found = dict[str, Any]()
    for name, column in columns.items():
        if column is None or name in ("start", "end", "usual"):
            found[name] = None
        else:
            found[name] = (_lists if isinstance(next(iter(column), 0), (list, tuple)) else _ints)(column, bounds)
    return found


def _ints(column: Sequence[int | None], bounds: list[int]) -> dict[str, Any]:
    return _pieces(_array(column[: bounds[-1]]), bounds)


def _pieces(whole: numpy.ndarray, bounds: list[int]) -> dict[str, Any]:
    return {"ints": _shared([whole[a:b] for a, b in itertools.pairwise(bounds)])}


def _lists(column: Sequence[Sequence[int | None]], bounds: list[int]) -> dict[str, Any]:
    lengths = _array([len(row) for row in column[: bounds[-1]]])
    inner = [0, *numpy.cumsum(lengths).tolist()]  # where each list begins and ends in all that they hold
    whole = _array([*itertools.chain.from_iterable(column[: bounds[-1]])])
    pieces = [(lengths[a:b], whole[inner[a] : inner[b]]) for a, b in itertools.pairwise(bounds)]
    return {"lists": [_shared([piece for piece, _ in pieces]), _shared([piece for _, piece in pieces])]}


def _array(values: Sequence[int | None]) -> numpy.ndarray:
    try:
        return numpy.fromiter(values, numpy.int64, len(values))
    except TypeError:  # None is among them
        return numpy.array([_NONE if value is None else value for value in values], numpy.int64)


def _or_none(numbers: numpy.ndarray) -> list[int | None]:
    return [None if number == _NONE else number for number in numbers.tolist()]


def _shared(pieces: list[numpy.ndarray]) -> dict[str, Any]:
    """Pieces by rows that they share.

    Returns:
        `rows` of numbers, and for each piece `[row]`, or `[row, before, at, number, ...]`: the sum of a row and of the
        piece with the number `before`, but that some places `at` have another number.
    """
    rows: list[numpy.ndarray] = []
    texts: list[bytes] = []
    known: dict[bytes, int] = {}
    last: dict[int, int] = {}  # the last piece of each length
    found: list[list[int]] = []

    def row_of(values: numpy.ndarray) -> int:
        text = values.tobytes()
        number = known.setdefault(text, len(rows))
        if number == len(rows):
            rows.append(values)
            texts.append(text)
        return number

    for i, piece in enumerate(pieces):
        before = last.get(len(piece))
        last[len(piece)] = i
        if before is None or not len(piece):
            found.append([row_of(piece)])
            continue
        difference = piece - pieces[before]
        row = found[before][0] if len(found[before]) > 1 else row_of(difference)
        if difference.tobytes() == texts[row]:
            found.append([row, before])
            continue
        apart = numpy.flatnonzero(difference != rows[row])
        if len(apart) * _FEW > len(piece):
            row, apart = row_of(difference), apart[:0]
        others = zip(apart.tolist(), piece[apart].tolist()) if len(apart) else ()
        found.append([row, before, *itertools.chain.from_iterable(others)])
    return {"rows": [*map(_or_none, rows)], "pieces": found}


# ---------------------------------------------------------------------- times


def _times(ops: dict[str, Any]) -> dict[str, Any]:
    """When ops began and ended: how long after the end of the one before, and how long they took, where all are known.

    `start` and `end` are plain columns where some op wasn't timed.
    """
    start, end = ops["start"], ops["end"]
    if None in start or None in end:
        return {"start": start, "end": end}
    gaps = [begin - before for begin, before in zip(start, [0, *end])]
    return {"start": {"gaps": gaps}, "end": {"took": [b - a for a, b in zip(start, end)]}}


class _Moments:
    """Moments between the beginnings and ends of ops: which of those was the last, and how long after it."""

    def __init__(self, ops: dict[str, Any]) -> None:
        self._ends = _array(sorted({time for time in (0, *ops["start"], *ops["end"]) if time is not None}))

    def of(self, times: Sequence[int | None], bounds: list[int]) -> dict[str, Any]:
        """Two columns: how many moments on from that before, None for none, and how long after that."""
        moments = _array(times)
        known = moments != _NONE
        at = numpy.maximum(numpy.searchsorted(self._ends, moments[known], "right") - 1, 0)
        passed, after = (numpy.full(len(moments), _NONE) for _ in range(2))
        passed[known], after[known] = numpy.diff(at, prepend=0), moments[known] - self._ends[at]
        return {"passed": _pieces(passed[: bounds[-1]], bounds), "after": _or_none(after)}


def _usual(content: dict[str, Any]) -> dict[str, Any]:
    """What ops took in several steps: where these are all in the page, only the steps; times stand with the ops."""
    ops, usual = content["ops"], content["usual"]
    if ops["usual"] is None:
        return usual
    took: list[dict[int | None, int]] = [{} for _ in usual["times"]]
    counts = [0] * len(took)
    for row, step, start, end in zip(ops["usual"], ops["step"], ops["start"], ops["end"]):
        if row is not None and start is not None and end is not None:
            took[row][step] = end - start
            counts[row] += 1
    found = []
    for (number, *times), known, count in zip(usual["times"], took, counts):
        steps = usual["steps"][number]
        is_known = count == len(known) == len(steps) and [known.get(step) for step in steps] == times
        found.append([number] if is_known else [number, *times])
    return {**usual, "times": found}


# ---------------------------------------------------------------------- texts that are read later


def _views(views: Sequence[tuple[int | None, dict[str, Any]]]) -> dict[str, Any]:
    """What each step shows: its tree as the number of a form, which is a text without its numbers, and these."""
    told = [[step, *[view[name] for name in ("name", "caption", "span")]] for step, view in views]
    forms: dict[str, int] = {}
    of_form: dict[int, list[tuple[int, _Numbers]]] = {}
    models: dict[int, _Model] = {}  # by the identity of what others are like
    for i, (_, view) in enumerate(views):
        if isinstance(view, AlikeView):
            if id(view.like) not in models:
                models[id(view.like)] = _Model(view)
            text, numbers = models[id(view.like)].of(view)
        else:
            text, numbers = _parted(view)
        of_form.setdefault(forms.setdefault(text, len(forms)), []).append((i, numbers))
    pieces: list[Any] = [None] * len(views)
    rows = list[Any]()
    for form, members in of_form.items():
        written = _shared([integers for _, (integers, _) in members])
        for (i, (_, real)), piece in zip(members, written["pieces"]):
            pieces[i] = [form, piece, list(itertools.chain(*real))]
        rows.append(written["rows"])
    return {"told": told, "forms": list(forms), "rows": rows, "pieces": pieces}


def _parted(view: Mapping[str, Any]) -> tuple[str, _Numbers]:
    """The form of what a step shows, and its numbers."""
    parts = _NUMBER.split(_text([view[name] for name in ("tree", "forward", "rest")]))  # every second one is a number
    return _PLACE.join(parts[::2]), _integers(parts[1::2])


class _Model:
    """What several steps show that ran the same: its form, and which of its numbers are those of ops and scopes.

    Args:
        view: what one of these steps shows.
    """

    def __init__(self, view: AlikeView) -> None:
        self._form, (self._integers, self._real) = _parted(view.like)
        aside = renumbered(
            view.like, {op: op + _OPS for op in view.ops}, {each: each + _SCOPES for each in view.scopes}
        )
        shift = _parted(aside)[1][0] - self._integers
        self._places = [numpy.flatnonzero(shift == each) for each in (_OPS, _SCOPES)]

    def of(self, view: AlikeView) -> tuple[str, _Numbers]:
        """The form and the numbers of another one of them."""
        integers = self._integers.copy()
        for places, numbers in zip(self._places, (view.ops, view.scopes)):
            integers[places] = [numbers[each] for each in self._integers[places].tolist()]
        return self._form, (integers, self._real)


def _is_integer(number: str) -> bool:
    return number.lstrip("-").isdigit()


def _integers(numbers: list[str]) -> _Numbers:
    """Numbers as integers, with 0 for others, and these with their places."""
    try:
        return numpy.array(list(map(int, numbers)), numpy.int64), []
    except ValueError:  # most steps have none but integers
        real = [(at, float(number)) for at, number in enumerate(numbers) if not _is_integer(number)]
        return numpy.array([int(each) if _is_integer(each) else 0 for each in numbers], numpy.int64), real


def _statistics(column: list[list[Any] | None] | None, bounds: list[int]) -> dict[str, Any] | None:
    """For each step a text with the statistics of its tensors, each of their numbers together."""
    if column is None:
        return None
    texts = []
    for begin, end in itertools.pairwise(bounds):
        measured = [i for i in range(begin, end) if column[i] is not None]
        rows = [column[i] or [] for i in measured]
        texts.append(_text([[i - begin for i in measured], *zip(*rows)]))
    return {"bounds": bounds, "texts": texts}


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
