"""`.efz`: a recording as one file.

It is a zip of JSON (`trace.json`), columns of numbers (`columns.npz`) and, where values were kept, those
(`values.npz`). Where several ranks took part, it is the recording of rank 0, and holds those of the others as files of
the same kind (`ranks/1.efz`).

It needs nothing of the program that ran, holds no pickles, and a file from elsewhere can do no more than
fail to load: names of members, sizes, nesting and every reference are checked before use.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import math
import os
import pathlib
import zipfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import IO, Any

import numpy

from viz.facts.columns import NONE, Damaged, Pool, decode, encode, frame_row, parsed, settings_text
from viz.facts.container import (
    KIND,
    VALUES,
    VERSION,
    Allowed,
    Limit,
    TraceFileError,
    check_column,
    check_header,
    check_ids,
    check_members,
    check_parents,
    columns_of,
    notes_of,
    parse,
    rank_file,
    reading,
    reads_of,
    scope_of,
)
from viz.facts.field_types import check_columns, check_counts, check_kinds, check_tables
from viz.facts.json_data import to_plain
from viz.facts.schema import (
    PHASES,
    ROLES,
    Composition,
    Frame,
    Logs,
    Op,
    Part as OpPart,
    Record,
    Scope,
    Stats,
    Step,
    Storage,
    TensorInfo,
)
from viz.facts.text_files import path_of

__all__ = ["packed", "read", "unpacked", "write"]

_SCOPE_FIELDS = [f.name for f in dataclasses.fields(Scope) if f.name not in ("created_at", "stack", "config", "called")]


def write(record: Record, path: str | os.PathLike[str]) -> pathlib.Path:
    """Write `record` to `path`, whole or not at all.

    Raises:
        OSError: when the folder doesn't exist or can't be written.
    """
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
        archive.writestr(member("columns.npz"), _npz(columns))
        if record.values:
            values = _npz({str(i): v for i, v in record.values.items()})
            archive.writestr(member(VALUES), values)
        for number, other in enumerate(record.others, 1):
            archive.writestr(member(rank_file(number)), packed(other))


def _npz(arrays: dict[str, numpy.ndarray]) -> bytes:
    content = io.BytesIO()
    numpy.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


def read(path: str | os.PathLike[str], limit: Limit = "auto", stats: bool = True) -> Record:
    """Read what `write` wrote.

    Args:
        path: the file.
        limit: how many bytes it may take.
        stats: whether statistics are wanted, which are half of a recording where every tensor was measured.

    Raises:
        FileNotFoundError: when there is no such file.
        TypeError: when `path` is none.
        TraceFileError: when it is no trace, is damaged, is too large, or is of another version.
    """
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
        check_counts(header.get("counts"))
        columns = _columns(archive, allowed, header, stats)
        values = _values(archive, allowed)
        others = []
        for number in range(1, 1 + ranks):
            others.append(_read(io.BytesIO(archive.read(rank_file(number))), allowed, inner=True, stats=stats))
    record = _record(header, columns)
    record.values, record.others = values, others
    check_kinds(record)
    _check_references(record, columns)
    return record


def _parts(record: Record) -> tuple[dict[str, Any], dict[str, numpy.ndarray]]:
    """The JSON part and the columns."""
    texts, frames = Pool(), Pool()
    with_stats = [tensor for tensor in record.tensors if tensor.stats is not None]
    columns = {
        **encode(record.ops, Op, texts, frames),
        **encode(record.tensors, TensorInfo, texts, frames),
        **encode(record.storages, Storage, texts, frames),
        **encode([tensor.stats for tensor in with_stats], Stats, texts, frames),
        "Stats.tensor": numpy.array([tensor.id for tensor in with_stats], dtype=numpy.int64),
    }
    header = {
        "kind": KIND,
        "version": VERSION,
        "counts": {
            "ops": len(record.ops),
            "tensors": len(record.tensors),
            "storages": len(record.storages),
            "stats": len(with_stats),
        },
        "meta": to_plain(record.meta),
        "scopes": _scope_rows(record.scopes, texts, frames),
        "steps": [dataclasses.asdict(step) for step in record.steps],
        "logs": [to_plain(dataclasses.asdict(entry)) for entry in record.logs],
        "compositions": [to_plain(dataclasses.asdict(each)) for each in record.compositions],
        "notes": list(record.notes),
        "labels": {str(number): label for number, label in record.labels.items()},
        "called": {str(number): name for number, name in record.called.items()},
        "calls": [[op, *call] for op, call in record.calls.items()],
        "kept": {str(scope.owner): scope.called for scope in record.scopes if scope.called},
        "reads": [
            [op, read.how, None if read.line is None else frames.number(read.line)]
            for op, found in record.reads.items()
            for read in found
        ],
        "texts": texts.values,
        "frames": [frame_row(frame) for frame in frames.values],
    }
    return header, columns


def _scope_rows(scopes: Sequence[Scope], texts: Pool, frames: Pool) -> list[dict[str, Any]]:
    """Scopes as they stand in JSON; frames and settings, which many have in common, as numbers."""
    numbers: dict[int, int] = {}
    rows = []
    for scope in scopes:
        row = {name: to_plain(getattr(scope, name)) for name in _SCOPE_FIELDS}
        row["created_at"] = None if scope.created_at is None else frames.number(scope.created_at)
        row["stack"] = [frames.number(frame) for frame in scope.stack]
        if id(scope.config) not in numbers:
            numbers[id(scope.config)] = texts.number(settings_text(scope.config))
        row["config"] = numbers[id(scope.config)]
        rows.append(row)
    return rows


def _columns(
    archive: zipfile.ZipFile, allowed: Allowed, header: dict[str, Any], stats: bool
) -> dict[str, numpy.ndarray]:
    """The columns; without statistics those of none."""
    if stats:
        return columns_of(archive.read("columns.npz"), allowed)
    none = encode([], Stats, Pool(), Pool()) | {"Stats.tensor": numpy.zeros(0, numpy.int64)}
    header["counts"]["stats"] = 0
    return columns_of(archive.read("columns.npz"), allowed, but=none) | none


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
    texts = Pool(header["texts"])
    frames = Pool([Frame(*row) for row in header["frames"]])
    counts = header["counts"]
    check_tables(texts.values, frames.values)
    check_columns(columns)
    ops = list(map(Op, range(counts["ops"]), *decode(columns, Op, texts, frames, counts["ops"]).values()))
    rows = decode(columns, TensorInfo, texts, frames, counts["tensors"])
    tensors = list(map(TensorInfo, range(counts["tensors"]), *rows.values()))
    rows = decode(columns, Storage, texts, frames, counts["storages"])
    storages = list(map(Storage, range(counts["storages"]), *rows.values()))
    stats = list(map(Stats, *decode(columns, Stats, texts, frames, counts["stats"]).values()))
    check_ids("stats", columns["Stats.tensor"].tolist(), len(tensors))
    for tensor, measured in zip(columns["Stats.tensor"].tolist(), stats, strict=True):
        tensors[tensor].stats = measured
    configs = dict[int, dict[str, Any]]()  # calls of one object share them
    for number in dict.fromkeys([row["config"] for row in header["scopes"]]):
        if not isinstance(number, int):
            raise Damaged(f"the settings of a scope are {number!r:.40}")
        configs[number] = parsed(texts.value(number))
    return Record(
        meta=dict(header["meta"]),
        scopes=[scope_of(row, frames, configs[row["config"]], header) for row in header["scopes"]],
        ops=ops,
        tensors=tensors,
        storages=storages,
        steps=[Step(**row) for row in header["steps"]],
        logs=[Logs(**row) for row in header["logs"]],
        compositions=[_composition(row) for row in header["compositions"]],
        notes=notes_of(header["notes"]),
        reads=reads_of(header, frames),
        labels={int(number): str(label) for number, label in header["labels"].items()},
        called={int(number): str(name) for number, name in header["called"].items()},
        calls={int(op): (str(name), int(number)) for op, name, number in header["calls"]},
    )


def _composition(row: dict[str, Any]) -> Composition:
    """What a fused op is made of, whose parts refer to its own tensors only."""
    fields = ("inputs", "input_names", "outputs")
    parts = tuple([OpPart(**{**part, **{name: tuple(part[name]) for name in fields}}) for part in row["parts"]])
    found = Composition(parts, tuple(map(tuple, row["shapes"])), tuple(row["dtypes"]), tuple(row["results"]))
    if not parts or len(found.shapes) != len(found.dtypes):
        raise Damaged(f"a fused op has {len(parts)} parts, {len(found.shapes)} shapes and {len(found.dtypes)} types")
    for part in parts:
        check_ids("part", (*part.inputs, *part.outputs), len(found.shapes))
    check_ids("fused op", found.results, len(found.shapes))
    return found


def _check_references(record: Record, columns: Mapping[str, numpy.ndarray]) -> None:
    """Every id must lead somewhere, and scopes must lie within scopes that came before."""
    ops, tensors, scopes = len(record.ops), len(record.tensors), len(record.scopes)
    within = {
        "Op.inputs": tensors,
        "Op.outputs": tensors,
        "Op.scope": scopes,
        "Op.step": len(record.steps),
        "Op.forward": ops,
        "Op.composition": len(record.compositions),
        "TensorInfo.producer": ops,
        "TensorInfo.gradient_of": tensors,
        "TensorInfo.storage": len(record.storages),
        "Stats.tensor": tensors,
    }
    for name, count in within.items():
        check_column(name, columns[name], count)
    if (columns["Op.forward"] >= numpy.arange(ops)).any():  # an earlier one: in circles nobody would find an end
        raise Damaged("an op is the derivative of one that came after it")
    inputs, composition = numpy.diff(columns["Op.inputs@"]), columns["Op.composition"]
    lengths = numpy.array([len(each.shapes) for each in record.compositions] or [0])
    if (inputs > numpy.where(composition == NONE, inputs, lengths[numpy.maximum(composition, 0)])).any():
        raise Damaged("a fused op has more inputs than its parts have tensors")
    for word in {op.phase for op in record.ops}:
        _check_word("phase", word, PHASES)
    for word in {tensor.role for tensor in record.tensors}:
        _check_word("role", word, ROLES)
    check_parents(record.scopes)
    check_ids("scope", itertools.chain.from_iterable((*s.inputs, *s.outputs) for s in record.scopes), tensors)
    check_ids("reading", (*record.reads, *record.calls), ops)
    check_ids("value", (*record.values, *record.labels, *record.called), tensors)
    check_ids("step", [step.scope for step in record.steps], scopes)


def _check_word(what: str, word: str, allowed: tuple[str, ...]) -> None:
    if word not in allowed:
        raise Damaged(f"a {what} is {word!r}")
