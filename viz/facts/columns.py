"""Lists of dataclass objects as columns of numbers, and back: what `.efz` files hold.

A column is one or two integer or float arrays. Texts and frames are numbers too: positions in two tables
that are written once.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy

from viz.facts.json_data import to_plain
from viz.facts.schema import Frame, Op, Stats, Storage, TensorInfo

__all__ = ["NONE", "Damaged", "Pool", "check_nesting", "decode", "encode", "frame_row", "parsed"]
__all__ += ["settings_text"]

NONE = -(2**63)  # stands for None among integers
_DEPTH = 100  # how deeply JSON may nest: ours nests as deep as layers' settings do
_LONGEST_SETTINGS, _MOST_LETTERS = 4 << 20, 1 << 28  # of one op, of all; letters of a column of texts
_NO_MARKS = bytes(sorted(set(range(256)) - set(b'[]{}"')))
_OPENING = numpy.frombuffer(b"[{", numpy.uint8)


def _kinds(text: str) -> dict[str, str]:
    return dict([each.split(":") for each in text.split()])


# The kind of column each field gets; `id` is the position and `stats` has a table of its own.
_OPS = _kinds(
    """
    name:text phase:text scope:int step:int inputs:ints input_names:texts outputs:ints settings:json
    stack:frames start:int end:int forward:int error:text thread:int composition:int replayed:flag
    """
)
_TENSORS = _kinds(
    """
    shape:ints dtype:text nbytes:int role:text name:text producer:int gradient_of:int device:text
    storage:int version:int
    """
)
_STATS = _kinds(
    """
    min:float max:float mean:float std:float nan:int inf:int l2:float zeros:int histogram:ints
    preview:floats
    """
)
_STORAGES = {"nbytes": "int", "allocated": "int", "freed": "int"}
_TABLES: dict[type, dict[str, str]] = {Op: _OPS, TensorInfo: _TENSORS, Stats: _STATS, Storage: _STORAGES}


class Damaged(ValueError):
    """A table holds what no recording can hold."""


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

    def value(self, number: int | None) -> Any:
        """The value with this number; None for None."""
        if number is None:
            return None
        if not 0 <= number < len(self.values):
            raise Damaged(f"entry {number} of a table of {len(self.values)}")
        return self.values[number]


def encode(objects: Sequence[Any], cls: type, texts: Pool, frames: Pool) -> dict[str, numpy.ndarray]:
    """The columns of `objects`, all of class `cls`."""
    columns = {}
    for field, kind in _TABLES[cls].items():
        column = [getattr(each, field) for each in objects]
        for suffix, array in _ENCODERS[kind](column, texts, frames).items():
            columns[f"{cls.__name__}.{field}{suffix}"] = array
    return columns


def decode(
    columns: Mapping[str, numpy.ndarray], cls: type, texts: Pool, frames: Pool, count: int
) -> dict[str, list[Any]]:
    """The fields of `count` objects of class `cls`, in the order of its arguments.

    Raises:
        Damaged: when a column is missing, has another length or type, or points outside a table.
    """
    fields = {}
    for field, kind in _TABLES[cls].items():
        read = _Reader(columns, f"{cls.__name__}.{field}")
        fields[field] = _DECODERS[kind](read, texts, frames)
        if len(fields[field]) != count:
            raise Damaged(f"column {read.name} has {len(fields[field])} rows, not {count}")
    return fields


class _Reader:
    """The arrays of one column, by suffix."""

    def __init__(self, columns: Mapping[str, numpy.ndarray], name: str) -> None:
        self._columns, self.name = columns, name

    def array(self, suffix: str, kind: str) -> numpy.ndarray:
        found = self._columns.get(self.name + suffix)
        if found is None:
            raise Damaged(f"no column {self.name + suffix}")
        if found.ndim != 1 or found.dtype.kind != kind:
            raise Damaged(f"column {self.name + suffix} is {found.dtype}{list(found.shape)}")
        return found

    def starts(self) -> numpy.ndarray:
        """Of a column of lists, where each begins, and the end of the last."""
        starts, count = self.array("@", "i"), len(self._columns[self.name])
        if not len(starts) or starts[0] != 0 or starts[-1] != count or (starts[1:] < starts[:-1]).any():
            raise Damaged(f"column {self.name}@ doesn't cut {count} values into lists")
        return starts

    def rows(self, kind: str, table: Pool | None = None) -> list[tuple[Any, ...]]:
        """A column of lists: its values, or those of a table with these numbers; equal lists of a table are one."""
        numbers, starts = self.array("", kind), self.starts()
        values, cuts = tuple(numbers.tolist()), starts.tolist()
        if table is None:
            return [values[a:b] for a, b in itertools.pairwise(cuts)]
        if (numbers == NONE).any():
            raise Damaged(f"an entry of {self.name} is missing")
        meant, known = tuple(table.look_up(numbers)), dict[tuple[Any, ...], tuple[Any, ...]]()
        found = []
        for a, b in itertools.pairwise(cuts):
            given = values[a:b]
            if given not in known:
                known[given] = meant[a:b]
            found.append(known[given])
        return found


def _ints(column: Sequence[int | None]) -> numpy.ndarray:
    return numpy.array([NONE if x is None else x for x in column], dtype=numpy.int64)


def _nested(column: Sequence[Sequence[Any]], dtype: Any) -> dict[str, numpy.ndarray]:
    starts = numpy.zeros(len(column) + 1, dtype=numpy.int64)
    numpy.cumsum([len(row) for row in column], out=starts[1:])
    return {"": numpy.array([x for row in column for x in row], dtype=dtype), "@": starts}


def _optional(column: numpy.ndarray) -> list[int | None]:
    missing = numpy.flatnonzero(column == NONE).tolist()
    numbers: list[int | None] = column.tolist()
    for at in missing:
        numbers[at] = None
    return numbers


def settings_text(value: Any) -> str:
    """Settings as JSON."""
    return json.dumps(to_plain(value), separators=(",", ":"))


_ENCODERS: dict[str, Callable[[Sequence[Any], Pool, Pool], dict[str, numpy.ndarray]]] = {
    "int": lambda column, texts, frames: {"": _ints(column)},
    "flag": lambda column, texts, frames: {"": _ints(list(map(int, column)))},
    "float": lambda column, texts, frames: {
        "": numpy.array([numpy.nan if x is None else x for x in column], dtype=numpy.float64)
    },
    "text": lambda column, texts, frames: {"": _ints([None if x is None else texts.number(x) for x in column])},
    "json": lambda column, texts, frames: {"": _ints([texts.number(settings_text(x)) for x in column])},
    "ints": lambda column, texts, frames: _nested(column, numpy.int64),
    "floats": lambda column, texts, frames: _nested(column, numpy.float64),
    "texts": lambda column, texts, frames: _nested([[texts.number(x) for x in row] for row in column], numpy.int64),
    "frames": lambda column, texts, frames: _nested([[frames.number(x) for x in row] for row in column], numpy.int64),
}
_DECODERS: dict[str, Callable[[_Reader, Pool, Pool], list[Any]]] = {
    "int": lambda read, texts, frames: _optional(read.array("", "i")),
    "flag": lambda read, texts, frames: [x != 0 for x in read.array("", "i").tolist()],
    "float": lambda read, texts, frames: [None if x != x else x for x in read.array("", "f").tolist()],
    "text": lambda read, texts, frames: texts.look_up(read.array("", "i")),
    "json": lambda read, texts, frames: _settings(read, texts, frames),
    "ints": lambda read, texts, frames: read.rows("i"),
    "floats": lambda read, texts, frames: read.rows("f"),
    "texts": lambda read, texts, frames: read.rows("i", texts),
    "frames": lambda read, texts, frames: read.rows("i", frames),
}


def _settings(read: _Reader, texts: Pool, frames: Pool) -> list[dict[str, Any]]:
    """The settings of every op; each text is read once, however many ops refer to it."""
    numbers = read.array("", "i").tolist()
    found = {number: parsed(texts.value(number)) for number in set(numbers)}
    letters = {number: len(texts.value(number)) for number in found}
    if (total := sum([letters[number] for number in numbers])) > _MOST_LETTERS:
        raise Damaged(f"the settings of its ops have {total} letters, more than {_MOST_LETTERS}")
    return [found[number] for number in numbers]


def parsed(text: Any) -> dict[str, Any]:
    """Settings that were written as JSON.

    Raises:
        Damaged: when they are something else, too long, or nest too deeply.
    """
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
    """Refuse JSON whose brackets, outside of strings, nest deeper than ours ever do.

    Raises:
        Damaged: when they do.
    """
    if sum([text.count(mark) for mark in (b"[", b"{")]) <= _DEPTH:
        return  # as short settings, of which there are thousands
    unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = numpy.frombuffer(unescaped.translate(None, _NO_MARKS), numpy.uint8)
    outside = numpy.cumsum(marks == ord('"'), dtype=numpy.int32) % 2 == 0
    steps = numpy.where(numpy.isin(marks, _OPENING), numpy.int8(1), numpy.int8(-1)) * (outside & (marks != ord('"')))
    deepest = numpy.cumsum(steps, dtype=numpy.int32).max(initial=0)
    if deepest > _DEPTH:
        raise Damaged(f"its JSON nests {deepest} deep, more than {_DEPTH}")


def frame_row(frame: Frame) -> list[Any]:
    """A frame as it stands in JSON."""
    return [frame.file, frame.line, frame.function, frame.code]
