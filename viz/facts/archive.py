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
import json
import math
import os
import pathlib
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import IO, Any

import numpy

from eagerflow.base.files import irregular, replacing
from eagerflow.base.npy import read_header
from viz.facts.collector import collector_at_rest
from viz.facts.columns import NONE, Damaged, Pool, check_nesting, decode, encode, frame_row, parsed, settings_text
from viz.facts.field_types import check_columns, check_counts, check_kinds, check_tables
from viz.facts.json_data import to_plain
from viz.facts.schema import (
    PHASES,
    ROLES,
    Composition,
    Frame,
    Logs,
    Op,
    Part,
    Record,
    Scope,
    Stats,
    Step,
    Storage,
    TensorInfo,
)

__all__ = ["VERSION", "TraceFileError", "glance", "packed", "read", "unpacked", "write"]

VERSION = 4  # 1 knew no fused ops, 2 no ranks; before 4 each scope had its settings written out
LIMIT = 4 << 30  # bytes that a file may unpack to, unless the caller allows more
_RATIO, _FREELY = (100, 64 << 20)  # nor may it, unless allowed, be so much larger than packed, beyond so many bytes
_LONGEST = 300  # letters of a message about what is inside of a file
_KIND = "eagerflow trace"
_MEMBERS = ("trace.json", "columns.npz")
_VALUES = "values.npz"  # only where values were kept
_RANK = re.compile(r"ranks/([1-9][0-9]{0,5})\.efz")  # only where several ranks took part
_GLANCE = ("name", "phase", "scope", "stack", "error")  # what a glance sees of ops
_SCOPE_FIELDS = [f.name for f in dataclasses.fields(Scope) if f.name not in ("created_at", "stack", "config")]


class TraceFileError(ValueError):
    """The file is not a trace, is damaged, or was written by a newer version.

    >>> import viz
    >>> from pathlib import Path
    >>> _ = Path("run.efz").write_bytes(b"something else")
    >>> try:
    ...     viz.load("run.efz")
    ... except viz.TraceFileError as error:
    ...     print(error)
    'run.efz' is not a trace, or was cut short: File is not a zip file
    """


def write(record: Record, path: str | os.PathLike[str]) -> pathlib.Path:
    """Write `record` to `path`, whole or not at all.

    Raises:
        OSError: when the folder doesn't exist or can't be written.
    """
    target = pathlib.Path(path)
    with replacing(target) as file:
        _write(record, file)
    return target


def packed(record: Record) -> bytes:
    """What `write` writes."""
    content = io.BytesIO()
    _write(record, content)
    return content.getvalue()


def unpacked(content: bytes) -> Record:
    """The record that `packed` packed, in another process of the same program."""
    return _read(io.BytesIO(content), _Allowed(LIMIT))


def _write(record: Record, file: IO[bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        header, columns = _parts(record)
        archive.writestr("trace.json", json.dumps(header, separators=(",", ":")))
        archive.writestr("columns.npz", _npz(columns), zipfile.ZIP_STORED)
        if record.values:
            values = _npz({str(i): v for i, v in record.values.items()})
            archive.writestr(_VALUES, values, zipfile.ZIP_STORED)
        for number, other in enumerate(record.others, 1):
            archive.writestr(_rank_file(number), packed(other), zipfile.ZIP_STORED)


def _npz(arrays: dict[str, numpy.ndarray]) -> bytes:
    content = io.BytesIO()
    numpy.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


def read(path: str | os.PathLike[str], limit: int | None = None) -> Record:
    """Read what `write` wrote.

    Args:
        path: the file.
        limit: how many bytes it may unpack to.

    Raises:
        FileNotFoundError: when there is no such file.
        TypeError: when `path` is none.
        TraceFileError: when it is no trace, is damaged, is too large, or is of a newer version.
    """
    return _reading(path, limit, _read)


def glance(path: str | os.PathLike[str]) -> tuple[Record, int] | None:
    """As much of a recording as `viz.facts.overview` tells, in a fraction of the time and memory of the whole.

    Ops have their name, phase, scope, line and error, scopes no settings, and there are no tensors.

    Args:
        path: the file.

    Returns:
        The record, and how many tensors it has; None for one of several ranks, which is to be read whole.

    Raises:
        OSError, TraceFileError: as `read`.
    """
    return _reading(path, None, _glance)


def _reading(path: Any, limit: int | None, reader: Callable[[str | os.PathLike[str], _Allowed], Any]) -> Any:
    """What a reader gives of a file; whatever it stumbles over is said in words."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"viz.load(path): expected the path of a file; got {type(path).__name__}")
    name = os.fspath(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {name!r:.150}{_how_to_record(name)}")
    if (kind := irregular(os.stat(path))) is not None:
        raise TraceFileError(f"{name!r:.150} is {kind}, not a file that holds a trace.")
    if limit is None:
        limit = min(LIMIT, max(_FREELY, _RATIO * os.stat(path).st_size))
    try:
        with collector_at_rest():
            return reader(path, _Allowed(limit))
    except TraceFileError as error:
        raise TraceFileError(f"{name!r:.150}: {error!s:.{_LONGEST}}") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
        why = _how_to_record(name) or f": {error!s:.{_LONGEST}}"
        raise TraceFileError(f"{name!r:.150} is not a trace, or was cut short{why}") from None
    except (KeyError, AttributeError, TypeError) as error:
        raise TraceFileError(f"{name!r:.150} is damaged: {_in_words(error)}") from None
    except (ArithmeticError, LookupError, RuntimeError, ValueError, zlib.error) as error:
        raise TraceFileError(f"{name!r:.150} is damaged: {error!s:.{_LONGEST}}") from None


def _how_to_record(name: str) -> str:
    return f"; a script is recorded with: viz run {name:.100}" if name.endswith(".py") else ""


def _in_words(error: Exception) -> str:
    """What an internal error means for the file."""
    if isinstance(error, KeyError):
        return f"it has no {error!s:.80}"
    return f"a value in it is of another kind than in a trace ({type(error).__name__})"


class _Allowed:
    """How many bytes may be unpacked: so many for each part of a record, and for all ranks together."""

    def __init__(self, limit: int) -> None:
        self.limit, self.used, self.others = limit, 0, 0

    def next_rank(self) -> None:
        """The record of another rank begins."""
        self.others += self.used
        self.used = 0

    def check(self, archive: zipfile.ZipFile) -> None:
        """Refuse a file that would unpack to more.

        The zipfile module itself never unpacks more than a member declares, so the declared sizes are what counts.
        """
        methods = {member.compress_type for member in archive.infolist()}
        if methods - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise TraceFileError("not a trace: it is packed in a way that traces are not")
        size = sum(member.file_size for member in archive.infolist())
        self.used += size
        if self.others + size > self.limit:
            raise TraceFileError(
                f"it unpacks to {self.others + size:,} bytes, more than the limit of {self.limit:,}. "
                f"If you trust it: viz.load(path, limit={self.others + size})."
            )


def _read(file: str | os.PathLike[str] | IO[bytes], allowed: _Allowed, inner: bool = False) -> Record:
    with zipfile.ZipFile(file) as archive:
        ranks = _check_members(archive, inner)
        allowed.check(archive)
        header = _parse(archive.read("trace.json"))
        _check_header(header)
        columns = _columns(archive.read("columns.npz"), allowed)
        values = _values(archive, allowed)
        others = []
        for number in range(1, 1 + ranks):
            allowed.next_rank()
            others.append(_read(io.BytesIO(archive.read(_rank_file(number))), allowed, inner=True))
    check_counts(header.get("counts"))
    record = _record(header, columns)
    record.values, record.others = values, others
    check_kinds(record)
    _check_references(record, columns)
    return record


def _glance(file: str | os.PathLike[str], allowed: _Allowed) -> tuple[Record, int] | None:
    with zipfile.ZipFile(file) as archive:
        if _check_members(archive, False):
            return None
        allowed.check(archive)
        header = _parse(archive.read("trace.json"))
        _check_header(header)
        columns = _columns(archive.read("columns.npz"), allowed, {f"Op.{name}" for name in (*_GLANCE, "stack@")})
    check_counts(header.get("counts"))
    texts, frames = Pool(header["texts"]), Pool([Frame(*row) for row in header["frames"]])
    check_tables(texts.values, frames.values)
    found = decode(columns, Op, texts, frames, header["counts"]["ops"], _GLANCE)
    rows = zip(*[found[name] for name in _GLANCE])
    record = Record(
        meta=dict(header["meta"]),
        scopes=[_scope({**row, "config": None}, frames, lambda config: {}) for row in header["scopes"]],
        ops=[
            Op(i, name, phase, scope, stack=stack, error=error)
            for i, (name, phase, scope, stack, error) in enumerate(rows)
        ],
        steps=[Step(**row) for row in header["steps"]],
        notes=_notes(header["notes"]),
    )
    check_kinds(record)
    if None in found["name"] or not set(found["phase"]) <= set(PHASES):
        raise Damaged("an op has no name or no phase")
    _check_column("Op.scope", columns["Op.scope"], len(record.scopes))
    for position, scope in enumerate(record.scopes):
        _check_ids("scope", _given(scope.parent), position)
    return record, header["counts"]["tensors"]


def _rank_file(number: int) -> str:
    return f"ranks/{number}.efz"


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
        "kind": _KIND,
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


def _check_members(archive: zipfile.ZipFile, inner: bool) -> int:
    """Refuse a file that holds something else than a trace; gives how many other ranks there are."""
    held = archive.namelist()
    ranks = sum([_RANK.fullmatch(name) is not None for name in held])
    wanted = {*_MEMBERS, *map(_rank_file, range(1, 1 + ranks))}
    if set(held) - {_VALUES} != wanted or len(set(held)) != len(held) or (inner and ranks):
        raise TraceFileError(f"not a trace: it holds {sorted(held)[:5]!s:.120} instead of {sorted(_MEMBERS)}")
    return ranks


def _parse(text: bytes) -> dict[str, Any]:
    """JSON that doesn't nest deeper than we ever write."""
    check_nesting(text)
    header = json.loads(text)
    if not isinstance(header, dict):
        raise TraceFileError("not a trace: its JSON is no object")
    return header


def _check_header(header: dict[str, Any]) -> None:
    version = header.get("version")
    if header.get("kind") != _KIND or not isinstance(version, int) or version < 1:
        raise TraceFileError(
            f"not a trace: its kind is {header.get('kind')!r:.60} and its version {version!r:.20}, not {_KIND!r} "
            f"and {VERSION}"
        )
    if header["version"] > VERSION:
        raise TraceFileError(
            f"its format has version {header['version']}, and this viz reads up to version {VERSION}. "
            "Install a newer eagerflow."
        )


def _columns(content: bytes, allowed: _Allowed, only: Collection[str] | None = None) -> dict[str, numpy.ndarray]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        allowed.check(archive)
        names = {name.removesuffix(".npy"): name for name in archive.namelist()}
        return {name: _array(archive.read(file)) for name, file in names.items() if only is None or name in only}


def _values(archive: zipfile.ZipFile, allowed: _Allowed) -> dict[int, numpy.ndarray]:
    """The kept values by the tensor's id."""
    if _VALUES not in archive.namelist():
        return {}
    with zipfile.ZipFile(io.BytesIO(archive.read(_VALUES))) as inner:
        allowed.check(inner)
        names = inner.namelist()
        return {int(name.removesuffix(".npy")): _array(inner.read(name), flat=False) for name in names}


def _array(content: bytes, flat: bool = True) -> numpy.ndarray:
    """One array of numbers, which must be as long as its header says before memory is taken for it."""
    dtype, shape, by_column, start = read_header(content)
    size = math.prod(shape) * dtype.itemsize
    if dtype.kind not in "biufcV" or (flat and len(shape) != 1) or size != len(content) - start:
        raise TraceFileError(f"damaged: a column says it is {dtype}{list(shape)}, which it isn't")
    return numpy.frombuffer(content, dtype, offset=start).reshape(shape, order="F" if by_column else "C")


def _record(header: dict[str, Any], columns: dict[str, numpy.ndarray]) -> Record:
    texts = Pool(header["texts"])
    frames = Pool([Frame(*row) for row in header["frames"]])
    counts = header["counts"]
    if header["version"] == 1:
        columns["Op.composition"] = numpy.full(counts["ops"], NONE)
    check_tables(texts.values, frames.values)
    check_columns(columns)
    ops = list(map(Op, range(counts["ops"]), *decode(columns, Op, texts, frames, counts["ops"]).values()))
    rows = decode(columns, TensorInfo, texts, frames, counts["tensors"])
    tensors = list(map(TensorInfo, range(counts["tensors"]), *rows.values()))
    rows = decode(columns, Storage, texts, frames, counts["storages"])
    storages = list(map(Storage, range(counts["storages"]), *rows.values()))
    stats = list(map(Stats, *decode(columns, Stats, texts, frames, counts["stats"]).values()))
    _check_ids("stats", columns["Stats.tensor"].tolist(), len(tensors))
    for tensor, measured in zip(columns["Stats.tensor"].tolist(), stats, strict=True):
        tensors[tensor].stats = measured
    configs = _Configs(texts, header["version"])
    return Record(
        meta=dict(header["meta"]),
        scopes=[_scope(row, frames, configs) for row in header["scopes"]],
        ops=ops,
        tensors=tensors,
        storages=storages,
        steps=[Step(**row) for row in header["steps"]],
        logs=[Logs(**row) for row in header["logs"]],
        compositions=[_composition(row) for row in header.get("compositions", [])],
        notes=_notes(header["notes"]),
        labels={int(number): str(label) for number, label in header.get("labels", {}).items()},
    )


def _notes(notes: Any) -> list[str]:
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise Damaged(f"its notes are {notes!r:.60}")
    return notes


class _Configs:
    """The settings of scopes. Calls of one object share them: before version 4 they stood in each."""

    def __init__(self, texts: Pool, version: int) -> None:
        self._texts, self._shared = texts, version >= 4
        self._known: dict[int, dict[str, Any]] = {}

    def __call__(self, config: Any) -> Any:
        if not self._shared:
            return config
        if not isinstance(config, int):
            raise Damaged(f"the settings of a scope are {config!r:.40}")
        if config not in self._known:
            self._known[config] = parsed(self._texts.value(config))
        return self._known[config]


def _scope(row: dict[str, Any], frames: Pool, configs: Callable[[Any], Any]) -> Scope:
    row = {**row, "created_at": frames.value(row["created_at"]), "stack": tuple(map(frames.value, row["stack"]))}
    row["config"] = configs(row["config"])
    return Scope(**{**row, "inputs": tuple(row["inputs"]), "outputs": tuple(row["outputs"])})


def _composition(row: dict[str, Any]) -> Composition:
    """What a fused op is made of, whose parts refer to its own tensors only."""
    fields = ("inputs", "input_names", "outputs")
    parts = tuple([Part(**{**part, **{name: tuple(part[name]) for name in fields}}) for part in row["parts"]])
    found = Composition(parts, tuple(map(tuple, row["shapes"])), tuple(row["dtypes"]), tuple(row["results"]))
    if not parts or len(found.shapes) != len(found.dtypes):
        raise Damaged(f"a fused op has {len(parts)} parts, {len(found.shapes)} shapes and {len(found.dtypes)} types")
    for part in parts:
        _check_ids("part", (*part.inputs, *part.outputs), len(found.shapes))
    _check_ids("fused op", found.results, len(found.shapes))
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
    }
    for name, count in within.items():
        _check_column(name, columns[name], count)
    forward = columns["Op.forward"]
    if (forward >= numpy.arange(ops)).any():  # an earlier one: in circles nobody would find an end
        raise Damaged("an op is the derivative of one that came after it")
    inputs, composition = numpy.diff(columns["Op.inputs@"]), columns["Op.composition"]
    lengths = numpy.array([len(each.shapes) for each in record.compositions] or [0])
    if (inputs > numpy.where(composition == NONE, inputs, lengths[numpy.maximum(composition, 0)])).any():
        raise Damaged("a fused op has more inputs than its parts have tensors")
    for word in {op.phase for op in record.ops}:
        _check_word("phase", word, PHASES)
    for word in {tensor.role for tensor in record.tensors}:
        _check_word("role", word, ROLES)
    for position, scope in enumerate(record.scopes):
        _check_ids("scope", _given(scope.parent), position)
        _check_ids("scope", (*scope.inputs, *scope.outputs), tensors)
    _check_ids("value", (*record.values, *record.labels), tensors)
    _check_ids("step", [step.scope for step in record.steps], scopes)


def _check_column(name: str, ids: numpy.ndarray, count: int) -> None:
    """Numbers of a column that may be missing, but lists' numbers, must lead somewhere."""
    wrong = (ids < 0) | (ids >= count)
    if f"{name}" not in ("Op.inputs", "Op.outputs"):
        wrong &= ids != NONE
    if wrong.any():
        raise Damaged(f"{name} refers to number {ids[wrong][0]} of {count}")


def _given(number: int | None) -> tuple[int, ...]:
    return () if number is None else (number,)


def _check_ids(what: str, ids: Any, count: int) -> None:
    for number in ids:
        if not 0 <= number < count:
            raise Damaged(f"{what} refers to number {number} of {count}")


def _check_word(what: str, word: str, allowed: tuple[str, ...]) -> None:
    if word not in allowed:
        raise Damaged(f"a {what} is {word!r}")
