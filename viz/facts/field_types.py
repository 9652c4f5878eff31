"""What kind of value every field of a recording holds; one that was read from a file is compared with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from viz.facts.columns import Damaged
from viz.facts.schema import Composition, Frame, Logs, Op, Part, Record, Scope, Stats, Step, Storage, TensorInfo

__all__ = ["check_counts", "check_kinds"]

_MOST_AXES = 64
_DTYPES = frozenset(
    """
    bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128
    """.split()
)


def _int(value: Any) -> bool:
    return type(value) is int


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _count(value: Any) -> bool:
    return _int(value) and value >= 0


def _or_none(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or holds(value)


def _all(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda values: isinstance(values, (tuple, list)) and all(map(holds, values))


def _dict(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(_text(k) and holds(v) for k, v in value.items())


def _anything(value: Any) -> bool:
    return True


def _shape(value: Any) -> bool:
    return _all(_count)(value) and len(value) <= _MOST_AXES


def _dtype(value: Any) -> bool:
    return isinstance(value, str) and value in _DTYPES


def _frame(value: Any) -> bool:
    return isinstance(value, Frame)


_KINDS: dict[type, dict[str, Callable[[Any], bool]]] = {
    Frame: {"file": _text, "line": _int, "function": _text, "code": _text},
    Op: {
        "name": _text,
        "phase": _text,
        "scope": _or_none(_int),
        "step": _or_none(_int),
        "inputs": _all(_int),
        "input_names": _all(_text),
        "outputs": _all(_int),
        "settings": _dict(_anything),
        "stack": _all(_frame),
        "start": _or_none(_int),
        "end": _or_none(_int),
        "forward": _or_none(_int),
        "error": _or_none(_text),
        "thread": _int,
        "composition": _or_none(_int),
    },
    Part: {
        "name": _text,
        "inputs": _all(_count),
        "input_names": _all(_text),
        "outputs": _all(_count),
        "settings": _dict(_anything),
    },
    Composition: {"shapes": _all(_shape), "dtypes": _all(_dtype), "results": _all(_count)},
    TensorInfo: {
        "shape": _shape,
        "dtype": _text,
        "nbytes": _count,
        "role": _text,
        "name": _text,
        "producer": _or_none(_int),
        "gradient_of": _or_none(_int),
        "device": _text,
        "storage": _or_none(_int),
        "version": _int,
    },
    Storage: {"nbytes": _count, "allocated": _int, "freed": _or_none(_int)},
    Stats: {
        "min": _or_none(_number),
        "max": _or_none(_number),
        "mean": _or_none(_number),
        "std": _or_none(_number),
        "nan": _count,
        "inf": _count,
        "l2": _or_none(_number),
        "zeros": _or_none(_count),
        "histogram": _all(_count),
        "preview": _all(_number),
    },
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
    Step: {"index": _int, "scope": _int, "start": _or_none(_int), "end": _or_none(_int), "number": _or_none(_int)},
    Logs: {"kind": _text, "step": _int, "values": _dict(_number), "time": _or_none(_int)},
}


def check_kinds(record: Record) -> None:
    """Compare every value of a recording with what its field holds.

    Raises:
        Damaged: for the first that is of another kind.
    """
    stacks: list[tuple[Frame, ...]] = [*[op.stack for op in record.ops], *[scope.stack for scope in record.scopes]]
    frames = {id(frame): frame for stack in stacks for frame in stack}
    _check(Frame, frames.values())
    _check(Frame, [scope.created_at for scope in record.scopes if scope.created_at is not None])
    _check(Op, record.ops)
    _check(TensorInfo, record.tensors)
    _check(Storage, record.storages)
    _check(Stats, [tensor.stats for tensor in record.tensors if tensor.stats is not None])
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
            if not _count(op.settings.get(field, 0)):
                raise Damaged(f"the {field} of {op.name!r:.40} are {op.settings[field]!r:.40}")
    if not _or_none(_count)(record.meta.get("rank")):
        raise Damaged(f"its rank is {record.meta['rank']!r:.60}")
    if not isinstance(record.meta.get("name"), (str, type(None))):
        raise Damaged(f"its name is {record.meta['name']!r:.60}")


def check_counts(counts: Any) -> None:
    """Refuse a table of numbers of rows that holds anything else.

    Raises:
        Damaged: when it does.
    """
    if not isinstance(counts, dict) or not all(_count(n) for n in counts.values()):
        raise Damaged(f"its numbers of rows are {counts!r:.60}")


def _check(cls: type, objects: Iterable[Any]) -> None:
    rows = list(objects)
    for field, holds in _KINDS[cls].items():
        for row in rows:
            if not holds(getattr(row, field)):
                raise Damaged(f"the {field} of a {cls.__name__} is {getattr(row, field)!r:.60}")
