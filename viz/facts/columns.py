"""Lists of dataclass objects as columns of numbers, and back: what `.efz` files hold.

A column is one or two integer or float arrays. Texts and frames are numbers too: positions in two tables
that are written once. Whatever is read is checked against `_TABLES` first: a file may come from anybody.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy

from viz.facts.json_data import to_plain
from viz.facts.schema import Op, Scope, Stats, Storage, TensorInfo

__all__ = ["LARGEST", "NONE", "Damaged", "Pool", "check_nesting", "check_numbers", "decode", "encode"]

NONE = -(2**63)  # stands for None among integers
LARGEST = 2**60  # of whole numbers: nanoseconds of 36 years, so that sums and differences of them stay in 64 bits
_DEPTH = 100  # how deeply JSON may nest: ours nests as deep as layers' settings do
_LONGEST_SETTINGS, _MOST_LETTERS = 4 << 20, 1 << 28  # of one op, of all; letters of a column of texts
_NO_MARKS = bytes(sorted(set(range(256)) - set(b'[]{}"')))
_OPENING = numpy.frombuffer(b"[{", numpy.uint8)


class Damaged(ValueError):
    """A table holds what no recording can hold."""


class _Field(NamedTuple):
    """What a column holds: `"count"` and `"counts"` are integers from 0, and with `of` positions in that list.

    A field that is `needed` has a value in each row; entries of lists always have one.
    """

    kind: str
    of: str = ""
    needed: bool = False


def _fields(text: str) -> dict[str, _Field]:
    """Fields, as in `name:kind`; `>list` and `>>list` are a position in a list and several, `!`: it is needed."""
    found = {}
    for name, kind in [each.split(":") for each in text.split()]:
        of = kind.strip(">!")
        refers = {0: of, 1: "count", 2: "counts"}[kind.count(">")]
        found[name] = _Field(refers, of if ">" in kind else "", kind.endswith("!"))
    return found


# In the order of the classes' arguments; `id` is the position, and `stats` has a table of its own.
_TABLES: dict[type, dict[str, _Field]] = {
    Op: _fields(
        """
        name:text! phase:text! scope:>scopes step:>steps inputs:>>tensors input_names:texts outputs:>>tensors
        settings:json stack:frames start:int end:int forward:>ops error:text thread:count! composition:>compositions
        replayed:flag means:text!
        """
    ),
    TensorInfo: _fields(
        """
        shape:counts dtype:text! nbytes:count! role:text! name:text! producer:>ops gradient_of:>tensors device:text!
        storage:>storages version:int!
        """
    ),
    Storage: _fields("nbytes:count! allocated:int! freed:int"),
    Stats: _fields(
        """
        min:float max:float mean:float std:float nan:count! inf:count! l2:float zeros:count histogram:counts
        preview:floats
        """
    ),
    Scope: _fields(
        """
        kind:text! name:text! parent:>scopes owner:int call:int! cls:text! config:json params:int created_at:frame
        stack:frames start:int end:int inputs:>>tensors outputs:>>tensors error:text called:text!
        """
    ),
}


class Pool:
    """Values by number, each kept once."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self.values = list(values)
        self._numbers: dict[Hashable, int] = {value: i for i, value in enumerate(self.values)}

    def number(self, value: Any) -> int:
        """The number of `value`, which gets one when it has none."""
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
        return number

    def look_up(self, numbers: numpy.ndarray) -> list[Any]:
        """The values with these numbers; None for `NONE`."""
        known = len(self.values)
        letters = numpy.array([len(value) if isinstance(value, str) else 0 for value in [*self.values, ""]])
        given = numpy.where(numbers == NONE, known, numbers)
        if given.size and not 0 <= given.min() <= given.max() <= known:
            raise Damaged(f"a table of {known} has no entry {numbers.max()} or {numbers.min()}")
        if (total := int(letters[given].sum())) > _MOST_LETTERS:
            raise Damaged(f"its texts have {total} letters in a column, more than {_MOST_LETTERS}")
        return list(map([*self.values, None].__getitem__, given.tolist()))


def encode(objects: Sequence[Any], cls: type, texts: Pool, frames: Pool) -> dict[str, numpy.ndarray]:
    """The columns of `objects`, all of class `cls`."""
    columns = {}
    for name, field in _TABLES[cls].items():
        column = [getattr(each, name) for each in objects]
        for suffix, array in _ENCODERS[field.kind](column, texts, frames).items():
            columns[f"{cls.__name__}.{name}{suffix}"] = array
    return columns


def decode(
    columns: Mapping[str, numpy.ndarray], cls: type, texts: Pool, frames: Pool, counts: Mapping[str, int], rows: int
) -> list[list[Any]]:
    """The fields of a number of objects of class `cls`, in the order of its arguments."""
    found = []
    for name, field in _TABLES[cls].items():
        read = _Reader(columns, f"{cls.__name__}.{name}", field, counts)
        found.append(_DECODERS[field.kind](read, texts, frames))
        if len(found[-1]) != rows:
            raise Damaged(f"column {read.name} has {len(found[-1])} rows, not {rows}")
    return found


def check_numbers(name: str, numbers: numpy.ndarray, least: int = 0, most: int = LARGEST) -> None:
    """Refuse numbers that lie outside of a range."""
    if numbers.size and not least <= numbers.min() <= numbers.max() <= most:
        raise Damaged(f"{name} is {numbers.min()} to {numbers.max()}, not {least} to {most}")


class _Reader:
    """The arrays of one column, by suffix."""

    def __init__(
        self, columns: Mapping[str, numpy.ndarray], name: str, field: _Field, counts: Mapping[str, int]
    ) -> None:
        self._columns, self.name, self._field, self._counts = columns, name, field, counts

    def array(self, suffix: str, kind: str) -> numpy.ndarray:
        found = self._columns.get(self.name + suffix)
        if found is None:
            raise Damaged(f"no column {self.name + suffix}")
        if found.ndim != 1 or found.dtype.kind != kind:
            raise Damaged(f"column {self.name + suffix} is {found.dtype}{list(found.shape)}")
        return found

    def ints(self, are_entries: bool = False) -> numpy.ndarray:
        """The whole numbers, or those of all lists together."""
        found, (kind, of, needed) = self.array("", "i"), self._field
        given = found if are_entries or needed else found[found != NONE]
        check_numbers(self.name, given, -LARGEST if kind == "int" else 0, self._counts[of] - 1 if of else LARGEST)
        return found

    def optional(self) -> list[int | None]:
        """The whole numbers, and None."""
        column = self.ints()
        numbers: list[int | None] = column.tolist()
        for at in numpy.flatnonzero(column == NONE).tolist():
            numbers[at] = None
        return numbers

    def rows(self, values: numpy.ndarray, table: Pool | None = None) -> list[tuple[Any, ...]]:
        """A column of lists: its values, or those of a table with these numbers; equal lists of a table are one."""
        starts, count = self.array("@", "i"), len(values)
        if not len(starts) or starts[0] != 0 or starts[-1] != count or (starts[1:] < starts[:-1]).any():
            raise Damaged(f"column {self.name}@ doesn't cut {count} values into lists")
        flat, cuts = tuple(values.tolist()), itertools.pairwise(starts.tolist())
        if table is None:
            return [flat[a:b] for a, b in cuts]
        meant, known = tuple(table.look_up(values)), dict[tuple[Any, ...], tuple[Any, ...]]()
        found = []
        for a, b in cuts:
            given = flat[a:b]
            if given not in known:
                known[given] = meant[a:b]
            found.append(known[given])
        return found

    def settings(self, texts: Pool) -> list[dict[str, Any]]:
        """Settings; each text is read once, however many objects refer to it."""
        column = self.ints()
        used, counts = numpy.unique(column, return_counts=True)
        written = texts.look_up(used)
        letters = sum([len(text) * count for text, count in zip(written, counts.tolist()) if isinstance(text, str)])
        if letters > _MOST_LETTERS:
            raise Damaged(f"the settings of its ops have {letters} letters, more than {_MOST_LETTERS}")
        found = dict(zip(used.tolist(), map(_parsed, written)))
        return [found[number] for number in column.tolist()]


def _ints(column: Iterable[int | None]) -> numpy.ndarray:
    return numpy.array([NONE if x is None else x for x in column], dtype=numpy.int64)


def _nested(column: Sequence[Sequence[Any]], dtype: Any = numpy.int64) -> dict[str, numpy.ndarray]:
    starts = numpy.zeros(len(column) + 1, dtype=numpy.int64)
    numpy.cumsum([len(row) for row in column], out=starts[1:])
    return {"": numpy.array([x for row in column for x in row], dtype=dtype), "@": starts}


def _pooled(column: Iterable[Any], pool: Pool) -> dict[str, numpy.ndarray]:
    return {"": _ints([None if x is None else pool.number(x) for x in column])}


def _written(column: Sequence[Any], texts: Pool) -> numpy.ndarray:
    """Settings as JSON; many objects share theirs."""
    known: dict[int, int] = {}
    for x in column:
        if id(x) not in known:
            known[id(x)] = texts.number(json.dumps(to_plain(x), separators=(",", ":")))
    return _ints([known[id(x)] for x in column])


_ENCODERS: dict[str, Callable[[Sequence[Any], Pool, Pool], dict[str, numpy.ndarray]]] = {
    "int": lambda column, texts, frames: {"": _ints(column)},
    "count": lambda column, texts, frames: {"": _ints(column)},
    "flag": lambda column, texts, frames: {"": _ints(list(map(int, column)))},
    "float": lambda column, texts, frames: {
        "": numpy.array([numpy.nan if x is None else x for x in column], dtype=numpy.float64)
    },
    "text": lambda column, texts, frames: _pooled(column, texts),
    "frame": lambda column, texts, frames: _pooled(column, frames),
    "json": lambda column, texts, frames: {"": _written(column, texts)},
    "counts": lambda column, texts, frames: _nested(column),
    "floats": lambda column, texts, frames: _nested(column, numpy.float64),
    "texts": lambda column, texts, frames: _nested([[texts.number(x) for x in row] for row in column]),
    "frames": lambda column, texts, frames: _nested([[frames.number(x) for x in row] for row in column]),
}
_DECODERS: dict[str, Callable[[_Reader, Pool, Pool], list[Any]]] = {
    "int": lambda read, texts, frames: read.optional(),
    "count": lambda read, texts, frames: read.optional(),
    "flag": lambda read, texts, frames: [x != 0 for x in read.ints().tolist()],
    "float": lambda read, texts, frames: [None if x != x else x for x in read.array("", "f").tolist()],
    "text": lambda read, texts, frames: texts.look_up(read.ints()),
    "frame": lambda read, texts, frames: frames.look_up(read.ints()),
    "json": lambda read, texts, frames: read.settings(texts),
    "counts": lambda read, texts, frames: read.rows(read.ints(True)),
    "floats": lambda read, texts, frames: read.rows(read.array("", "f")),
    "texts": lambda read, texts, frames: read.rows(read.ints(True), texts),
    "frames": lambda read, texts, frames: read.rows(read.ints(True), frames),
}


def _parsed(text: Any) -> dict[str, Any]:
    """Settings that were written as JSON."""
    if not isinstance(text, str):
        raise Damaged(f"settings are {text!r:.40}")
    if len(text) > _LONGEST_SETTINGS:
        raise Damaged(f"the settings of an op have {len(text)} letters, more than {_LONGEST_SETTINGS}")
    check_nesting(text.encode("utf-8", "surrogatepass"))
    value = json.loads(text)
    if not isinstance(value, dict):
        raise Damaged(f"settings are {text[:40]}")
    return value


def check_nesting(text: bytes) -> None:
    """Refuse JSON whose brackets, outside of strings, nest deeper than ours ever do."""
    if sum([text.count(mark) for mark in (b"[", b"{")]) <= _DEPTH:
        return  # as short settings, of which there are thousands
    unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = numpy.frombuffer(unescaped.translate(None, _NO_MARKS), numpy.uint8)
    outside = numpy.cumsum(marks == ord('"'), dtype=numpy.int32) % 2 == 0
    steps = numpy.where(numpy.isin(marks, _OPENING), numpy.int8(1), numpy.int8(-1)) * (outside & (marks != ord('"')))
    deepest = numpy.cumsum(steps, dtype=numpy.int32).max(initial=0)
    if deepest > _DEPTH:
        raise Damaged(f"its JSON nests {deepest} deep, more than {_DEPTH}")
