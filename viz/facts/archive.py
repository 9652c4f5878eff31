"""`.efz`: a recording as one file.

It is a zip of JSON (`trace.json`), columns of numbers (`columns.npz`) and, where values were kept, those
(`values.npz`). Where several ranks took part, it is the recording of rank 0, and holds those of the others as files of
the same kind (`ranks/1.efz`).

It needs nothing of the program that ran, holds no pickles, and a file from elsewhere can do no more than
fail to load: names of members, sizes, nesting and every reference are checked before use.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import math
import os
import pathlib
import types
import zipfile
from collections.abc import Mapping
from importlib import import_module
from typing import IO, Any, get_args, get_origin, get_type_hints

import numpy

from viz.facts.columns import LARGEST, NONE, Damaged, Pool, check_numbers, decode, encode
from viz.facts.container import (
    KIND,
    VALUES,
    VERSION,
    Allowed,
    Limit,
    TraceFileError,
    check_header,
    check_ids,
    check_members,
    check_parents,
    columns_of,
    parse,
    rank_file,
    reading,
)
from viz.facts.json_data import to_plain
from viz.facts.schema import (
    PHASES,
    ROLES,
    Composition,
    Frame,
    Logs,
    Op,
    Read,
    Record,
    Scope,
    Stats,
    Step,
    Storage,
    TensorInfo,
)
from viz.facts.text_files import path_of

__all__ = ["packed", "read", "unpacked", "write"]

_HEADER = {
    "counts": dict[str, int],
    "meta": dict[str, Any],
    "steps": list[Step],
    "logs": list[Logs],
    "compositions": list[Composition],
    "notes": list[str],
    "labels": dict[str, str],
    "called": dict[str, str],
    "calls": list[tuple[int, str, int]],
    "reads": list[tuple[int, str, int | None]],
    "frames": list[tuple[str, int, str, str]],
}
_OBJECTS = ("steps", "logs", "compositions")
_LISTS = {"ops": Op, "tensors": TensorInfo, "storages": Storage, "scopes": Scope}  # by their attributes
_MOST_AXES = 64
_DTYPES = frozenset(
    """
    bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128
    """.split()
)


LONGEST = 1 << 16
"""Letters of a name, an error or a line of code."""
_hints = functools.cache(get_type_hints)


def write(record: Record, path: str | os.PathLike[str]) -> pathlib.Path:
    """Write `record` to `path`, whole or not at all."""
    target = path_of(path)
    with import_module("eagerflow.base.files").replacing(target) as file:  # reading does without it
        _write(record, file)
    return target


def packed(record: Record) -> bytes:
    """What `write` writes."""
    content = io.BytesIO()
    _write(record, content)
    return content.getvalue()


def unpacked(content: bytes) -> Record:
    """The record that `packed` packed, in another process of the same program."""
    return _read(io.BytesIO(content), Allowed(None))


def _write(record: Record, file: IO[bytes]) -> None:
    member = import_module("eagerflow.base.files").zip_member
    with zipfile.ZipFile(file, "w") as archive:
        header, columns = _parts(record)
        archive.writestr(member("trace.json"), json.dumps(header, separators=(",", ":")), zipfile.ZIP_DEFLATED)
        archive.writestr(member("columns.npz"), _npz(columns), zipfile.ZIP_DEFLATED)
        if record.values:
            values = _npz({str(i): v for i, v in record.values.items()})
            archive.writestr(member(VALUES), values, zipfile.ZIP_DEFLATED)
        for number, other in enumerate(record.others, 1):
            archive.writestr(member(rank_file(number)), packed(other))


def _npz(arrays: dict[str, numpy.ndarray]) -> bytes:
    content = io.BytesIO()
    numpy.savez(content, allow_pickle=False, **arrays)  # packed together: the heads of many columns are alike
    return content.getvalue()


def read(path: str | os.PathLike[str], limit: Limit = "auto", stats: bool = True) -> Record:
    """Read what `write` wrote; without `stats`, which are half of a recording where every tensor was measured."""
    record: Record = reading(path, limit, lambda file, allowed: _read(file, allowed, stats=stats))
    return record


def _read(
    file: str | os.PathLike[str] | IO[bytes], allowed: Allowed, inner: bool = False, stats: bool = True
) -> Record:
    with zipfile.ZipFile(file) as archive:
        ranks = check_members(archive, inner)
        allowed.check(archive)
        header = parse(archive.read("trace.json"), allowed)
        check_header(header)
        header |= {name: fitted(header[name], hint, name) for name, hint in _HEADER.items()}
        none = {} if stats else encode([], Stats, Pool(), Pool()) | {"Stats.tensor": numpy.zeros(0, numpy.int64)}
        header["counts"] |= {} if stats else {"stats": 0}
        columns = columns_of(archive.read("columns.npz"), allowed, but=none) | none
        values = _values(archive, allowed)
        others = []
        for number in range(1, 1 + ranks):
            others.append(_read(io.BytesIO(archive.read(rank_file(number))), allowed, inner=True, stats=stats))
    record = _record(header, columns)
    record.values, record.others = values, others
    _check_references(record, columns)
    return record


def _parts(record: Record) -> tuple[dict[str, Any], dict[str, numpy.ndarray]]:
    """The JSON part and the columns."""
    texts, frames = Pool(), Pool()
    with_stats = [tensor for tensor in record.tensors if tensor.stats is not None]
    columns = encode([tensor.stats for tensor in with_stats], Stats, texts, frames)
    columns["Stats.tensor"] = numpy.array([tensor.id for tensor in with_stats], dtype=numpy.int64)
    for name, cls in _LISTS.items():
        columns |= encode(getattr(record, name), cls, texts, frames)
    header = {
        "kind": KIND,
        "version": VERSION,
        "counts": {name: len(getattr(record, name)) for name in _LISTS} | {"stats": len(with_stats)},
        "meta": to_plain(record.meta),
        **{name: [to_plain(dataclasses.asdict(each)) for each in getattr(record, name)] for name in _OBJECTS},
        "notes": list(record.notes),
        "labels": to_plain(record.labels),
        "called": to_plain(record.called),
        "calls": [[op, *call] for op, call in record.calls.items()],
        "reads": [
            [op, read.how, None if read.line is None else frames.number(read.line)]
            for op, found in record.reads.items()
            for read in found
        ],
        "texts": texts.values,
        "frames": [dataclasses.astuple(frame) for frame in frames.values],
    }
    return header, columns


def _values(archive: zipfile.ZipFile, allowed: Allowed) -> dict[int, numpy.ndarray]:
    """The kept values by the tensor's id."""
    if VALUES not in archive.namelist():
        return {}
    with zipfile.ZipFile(io.BytesIO(archive.read(VALUES))) as inner:
        allowed.check(inner)
        names = {int(name.removesuffix(".npy")): name for name in inner.namelist()}
        return {number: _array(inner.read(name)) for number, name in names.items()}


def _array(content: bytes) -> numpy.ndarray:
    """An array of numbers, which must be as long as its header says before memory is taken for it."""
    dtype, shape, by_column, start = import_module("eagerflow.base.npy").read_header(content)
    if dtype.kind not in "biufcV" or math.prod(shape) * dtype.itemsize != len(content) - start:
        raise TraceFileError(f"damaged: a value says it is {dtype}{list(shape)}, which it isn't")
    return numpy.frombuffer(content, dtype, offset=start).reshape(shape, order="F" if by_column else "C")


def _record(header: dict[str, Any], columns: dict[str, numpy.ndarray]) -> Record:
    """The record, of whose references to one another those in columns have been checked."""
    texts = header["texts"]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Damaged(f"its texts are {texts!r:.60}")
    if any(len(text) > LONGEST and not text.startswith("{") for text in texts):
        raise Damaged(f"one of its texts has more than {LONGEST:,} letters")
    pools = Pool(texts), Pool([Frame(*row) for row in header["frames"]])
    counts = header["counts"] | {name: len(header[name]) for name in _OBJECTS}
    check_numbers("number of rows", numpy.array([*counts.values()]))
    lists: dict[str, list[Any]] = {
        name: list(map(cls, range(counts[name]), *decode(columns, cls, *pools, counts, counts[name])))
        for name, cls in _LISTS.items()
    }
    stats = list(map(Stats, *decode(columns, Stats, *pools, counts, counts["stats"])))
    check_ids("stats", columns["Stats.tensor"].tolist(), counts["tensors"])
    for tensor, measured in zip(columns["Stats.tensor"].tolist(), stats, strict=True):
        lists["tensors"][tensor].stats = measured
    reads: dict[int, list[Read]] = {}
    lines = pools[1].look_up(numpy.array([NONE if line is None else line for *_, line in header["reads"]], numpy.int64))
    for (op, how, _), line in zip(header["reads"], lines):
        reads.setdefault(op, []).append(Read(how, line))
    plain = {name: header[name] for name in ("meta", "steps", "logs", "compositions", "notes")}
    whole: dict[str, Any] = lists | plain
    return Record(
        **whole,
        reads=reads,
        labels={int(number): label for number, label in header["labels"].items()},
        called={int(number): name for number, name in header["called"].items()},
        calls={op: (name, number) for op, name, number in header["calls"]},
    )


def _check_references(record: Record, columns: Mapping[str, numpy.ndarray]) -> None:
    """What refers to an op or a scope must lead to an earlier one: in circles nobody would find an end."""
    ops, tensors, scopes = len(record.ops), len(record.tensors), len(record.scopes)
    if (columns["Op.forward"] >= numpy.arange(ops)).any():
        raise Damaged("an op is the derivative of one that came after it")
    check_parents(record.scopes)
    check_numbers("number of axes", numpy.diff(columns["TensorInfo.shape@"]), 0, _MOST_AXES)
    inputs, composition = numpy.diff(columns["Op.inputs@"]), columns["Op.composition"]
    lengths = numpy.array([len(each.shapes) for each in record.compositions] or [0])
    if (inputs > numpy.where(composition == NONE, inputs, lengths[numpy.maximum(composition, 0)])).any():
        raise Damaged("a fused op has more inputs than its parts have tensors")
    for each in record.compositions:
        _check_composition(each)
    words = {op.phase for op in record.ops} - {*PHASES}, {tensor.role for tensor in record.tensors} - {*ROLES}
    for what, unknown in zip(("phase", "role"), words):
        if unknown:
            raise Damaged(f"a {what} is {min(unknown)!r}")
    check_ids("reading", (*record.reads, *record.calls), ops)
    check_ids("value", (*record.values, *record.labels, *record.called), tensors)
    check_ids("step", [step.scope for step in record.steps], scopes)
    for op in record.ops:
        for name in ("bytes", "ranks", "waited") if op.phase == "network" else ():
            check_numbers(f"the {name} of an op", numpy.array([fitted(op.settings.get(name, 0), int, name)]))
    check_numbers("its rank", numpy.array([fitted(record.meta.get("rank"), int | None, "its rank") or 0]))
    fitted(record.meta.get("name"), str | None, "its name")


def _check_composition(found: Composition) -> None:
    """What a fused op is made of: its parts refer to its own tensors only."""
    if not found.parts or len(found.shapes) != len(found.dtypes) or not _DTYPES.issuperset(found.dtypes):
        raise Damaged(f"a fused op has {len(found.parts)} parts, {len(found.shapes)} shapes and {found.dtypes!s:.40}")
    for shape in found.shapes:
        check_numbers("a length", numpy.array(shape), 0)
        check_numbers("number of axes", numpy.array([len(shape)]), 0, _MOST_AXES)
    for part in found.parts:
        check_ids("part", (*part.inputs, *part.outputs), len(found.shapes))
    check_ids("fused op", found.results, len(found.shapes))


def fitted(value: Any, hint: Any, what: str) -> Any:
    """A value from JSON as an annotation says, with tuples for arrays and objects of dataclasses."""
    kind, of = get_origin(hint), get_args(hint)
    if hint is Any or (kind is types.UnionType and value is None):
        return value
    if kind is types.UnionType:
        return fitted(value, of[0], what)
    if kind in (list, tuple) and isinstance(value, list):
        if kind is list or of[-1] is ...:
            return kind([fitted(each, of[0], what) for each in value])
        if len(value) == len(of):
            return tuple([fitted(each, inner, what) for each, inner in zip(value, of)])
    elif isinstance(value, dict) and (kind is dict or dataclasses.is_dataclass(hint)):
        if kind is dict:
            return {fitted(name, str, what): fitted(each, of[1], what) for name, each in value.items()}
        known = _hints(hint)
        return hint(**{name: fitted(each, known[name], f"{hint.__name__}.{name}") for name, each in value.items()})
    is_text = hint is str and isinstance(value, str) and len(value) <= LONGEST
    is_whole = hint in (int, float) and type(value) is int and abs(value) <= LARGEST
    if is_text or is_whole or (hint is float and isinstance(value, float)):
        return value
    raise Damaged(f"{what} is {value!r:.60}")
