"""What kind of value every field of a recording holds; one that was read from a file is compared with it."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy

from viz.facts.columns import NONE, Damaged
from viz.facts.schema import Composition, Frame, Logs, Part, Record, Scope, Step

__all__ = ["check_columns", "check_counts", "check_kinds", "check_tables"]

_MOST_AXES = 64
_LONGEST = 1 << 16  # letters of a name, an error or a line of code; settings have a limit of their own
_LARGEST = 2**60  # of whole numbers: nanoseconds of 36 years, so that sums and differences of them stay in 64 bits
_DTYPES = frozenset(
    """
    bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128
    """.split()
)


# Each looks at all values of a field together: which types occur among ten thousand is soon known.
_Holds: TypeAlias = Callable[[Collection[Any]], bool]


def _are(*types: type) -> _Holds:
    return lambda values: all(issubclass(found, types) for found in set(map(type, values)))


_frame = _are(Frame)


def _text(values: Collection[Any]) -> bool:
    return _are(str)(values) and max(map(len, values), default=0) <= _LONGEST


def _int(values: Collection[Any]) -> bool:
    return set(map(type, values)) <= {int} and all(-_LARGEST <= value <= _LARGEST for value in values)  # True is none


def _number(values: Collection[Any]) -> bool:
    return _int([value for value in values if type(value) is not float])


def _count(values: Collection[Any]) -> bool:
    return _int(values) and min(values, default=0) >= 0


def _or_none(holds: _Holds) -> _Holds:
    return lambda values: holds([value for value in values if value is not None])


def _all(holds: _Holds) -> _Holds:
    return lambda values: _are(tuple, list)(values) and holds(list(itertools.chain.from_iterable(values)))


def _dict(holds: _Holds) -> _Holds:
    return lambda values: (
        _are(dict)(values)
        and _text(list(itertools.chain.from_iterable(values)))
        and holds([value for each in values for value in each.values()])
    )


def _anything(values: Collection[Any]) -> bool:
    return True


def _shape(values: Collection[Any]) -> bool:
    return _all(_count)(values) and max(map(len, values), default=0) <= _MOST_AXES


def _dtype(values: Collection[Any]) -> bool:
    return _text(values) and _DTYPES.issuperset(values)


_KINDS: dict[type, dict[str, _Holds]] = {
    Frame: {"file": _text, "line": _int, "function": _text, "code": _text},
    Part: {
        "name": _text,
        "inputs": _all(_count),
        "input_names": _all(_text),
        "outputs": _all(_count),
        "settings": _dict(_anything),
    },
    Composition: {"shapes": _all(_shape), "dtypes": _all(_dtype), "results": _all(_count)},
    Scope: {
        "id": _int,
        "kind": _text,
        "name": _text,
        "parent": _or_none(_int),
        "owner": _or_none(_int),
        "call": _int,
        "cls": _text,
        "config": _dict(_anything),
        "params": _or_none(_int),
        "created_at": _or_none(_frame),
        "stack": _all(_frame),
        "start": _or_none(_int),
        "end": _or_none(_int),
        "inputs": _all(_int),
        "outputs": _all(_int),
        "error": _or_none(_text),
    },
    Step: {"index": _int, "scope": _int} | dict.fromkeys(("start", "end", "number", "trained"), _or_none(_int)),
    Logs: {"kind": _text, "step": _int, "values": _dict(_number), "time": _or_none(_int)},
}


def check_kinds(record: Record) -> None:
    """Compare the values of a recording that don't stand in columns with what their fields hold.

    Raises:
        Damaged: for the first that is of another kind.
    """
    _check(Composition, record.compositions)
    _check(Part, [part for each in record.compositions for part in each.parts])
    _check(Scope, record.scopes)
    _check(Step, record.steps)
    _check(Logs, record.logs)
    for i, scope in enumerate(record.scopes):
        if scope.id != i:
            raise Damaged(f"scope {i} has the number {scope.id}")
    for op in record.ops:
        for field in ("bytes", "ranks", "waited") if op.phase == "network" else ():
            if not _count([op.settings.get(field, 0)]):
                raise Damaged(f"the {field} of {op.name!r:.40} are {op.settings[field]!r:.40}")
    if not _or_none(_count)([record.meta.get("rank")]):
        raise Damaged(f"its rank is {record.meta['rank']!r:.60}")
    if not isinstance(record.meta.get("name"), (str, type(None))):
        raise Damaged(f"its name is {record.meta['name']!r:.60}")


# Of columns: fields that always have a value, and fields whose numbers aren't negative.
_GIVEN = {
    "Op": "name phase thread",
    "TensorInfo": "dtype role name device nbytes version",
    "Storage": "nbytes allocated",
    "Stats": "nan inf",
}
_COUNTS = {"Op": "thread", "TensorInfo": "nbytes shape", "Storage": "nbytes", "Stats": "nan inf zeros histogram"}


def check_tables(texts: Sequence[Any], frames: Sequence[Frame]) -> None:
    """Refuse tables of texts and frames that hold anything else.

    Raises:
        Damaged: when they do.
    """
    wrong = [text for text in texts if not isinstance(text, str)]
    if wrong:
        raise Damaged(f"one of its texts is {wrong[0]!r:.60}")
    if any(len(text) > _LONGEST and not text.startswith("{") for text in texts):
        raise Damaged(f"one of its texts has more than {_LONGEST:,} letters")
    _check(Frame, frames)


def check_columns(columns: Mapping[str, numpy.ndarray]) -> None:
    """Compare what stands in columns with what its fields hold; that they are numbers is known.

    Raises:
        Damaged: for the first that is of another kind.
    """
    for name, column in columns.items():
        if column.dtype.kind == "i" and ((column > _LARGEST) | ((column < -_LARGEST) & (column != NONE))).any():
            raise Damaged(f"a number of {name} is larger than 2**60")
    for cls, fields in _GIVEN.items():
        for field in fields.split():
            if (columns[f"{cls}.{field}"] == NONE).any():
                raise Damaged(f"the {field} of a {cls} is missing")
    for cls, fields in _COUNTS.items():
        for field in fields.split():
            column = columns[f"{cls}.{field}"]
            if ((column < 0) & ((column != NONE) | (field in ("shape", "histogram")))).any():
                raise Damaged(f"the {field} of a {cls} is negative")
    if (numpy.diff(columns["TensorInfo.shape@"]) > _MOST_AXES).any():
        raise Damaged(f"a tensor has more than {_MOST_AXES} axes")


def check_counts(counts: Any) -> None:
    """Refuse a table of numbers of rows that holds anything else.

    Raises:
        Damaged: when it does.
    """
    if not isinstance(counts, dict) or not _count(counts.values()):
        raise Damaged(f"its numbers of rows are {counts!r:.60}")


def _check(cls: type, objects: Iterable[Any]) -> None:
    kinds = _KINDS[cls]
    for (field, holds), values in zip(kinds.items(), zip(*map(operator.attrgetter(*kinds), objects))):
        if not holds(values):
            wrong = next(value for value in values if not holds([value]))
            raise Damaged(f"the {field} of a {cls.__name__} is {wrong!r:.60}")
