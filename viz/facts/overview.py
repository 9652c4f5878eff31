"""What a recording holds, in a few figures, and as much of its file as they take."""

from __future__ import annotations

import collections
import dataclasses
import os
import re
import zipfile
from collections.abc import Collection
from typing import Any

import numpy

from viz.facts.columns import Damaged, Pool, decode
from viz.facts.container import (
    Allowed,
    check_column,
    check_header,
    check_ids,
    check_members,
    check_parents,
    columns_of,
    name_anew,
    notes_of,
    parse,
    reading,
    reads_of,
    scope_of,
)
from viz.facts.digest.figures import digest
from viz.facts.digest.sparse_columns import FIELDS, SparseColumns, columns_of_record
from viz.facts.field_types import check_counts, check_kinds, check_tables
from viz.facts.ranks import uses
from viz.facts.schema import PHASES, Frame, Logs, Op, Record, Step
from viz.facts.selection import line_of

__all__ = ["glance", "is_empty", "overview", "why_empty"]

_PLAIN_WORD = re.compile(r"[\w ./\\:+@,=-]+")
_COLUMNS = {"Op.error", "Op.replayed", "Op.stack@", "TensorInfo.shape@", "Stats.tensor"}
_COLUMNS |= {f"{cls.__name__}.{field}" for cls, fields in FIELDS.items() for field in fields}


def overview(recording: Record, seen: SparseColumns | None = None) -> dict[str, Any]:
    """The figures of `viz show`, as plain data.

    Args:
        recording: a record, or what `glance` saw of one.
        seen: the columns of what has no objects in it; None: it has them all.
    """
    phases = dict(collections.Counter([op.phase for op in recording.ops]))
    seen = columns_of_record(recording) if seen is None else seen
    failed = [
        {
            "op": op.name,
            "layer": recording.path(op.scope, shown=True),
            "source": str(line_of(recording, op) or ""),
            "error": op.error,
        }
        for op in recording.ops
        if op.error
    ]
    reads: dict[tuple[str, Frame | None], list[str]] = {}
    for number, found in recording.reads.items():
        for read in found:
            reads.setdefault((read.how, read.line), []).append(recording.ops[number].name)
    return {
        "name": recording.name,
        "ops": len(recording.ops),
        "tensors": seen.tensors,
        "steps": len(recording.steps),
        "phases": phases,
        **digest(recording, seen),
        "replayed": sum(op.replayed for op in recording.ops),
        "failed": failed,
        "reads": [
            {"how": how, "source": str(line or ""), "code": line.code if line else "", "ops": sorted(set(names))}
            | {"times": len(names)}
            for (how, line), names in reads.items()
        ],
        "notes": list(recording.notes),
        "script": _script(recording.meta.get("script")),
        "kept": _kept(recording.meta.get("options")),
        "python": recording.meta.get("python", ""),
        "began": recording.meta.get("began", ""),
        "ranks": [dataclasses.asdict(use) for use in uses(recording)] if recording.others else [],
    }


def _script(told: Any) -> list[str]:
    """The words by which `viz run` was told what to run; none where something else made the recording.

    A file may say anything, and commands are copied: none with signs that a shell obeys.
    """
    is_known = isinstance(told, list) and len(told) <= 2 and all(isinstance(word, str) for word in told)
    return list(told) if is_known and all(_PLAIN_WORD.fullmatch(word) for word in told) else []


def _kept(options: Any) -> str | None:
    """The pattern of the labels of tensors whose values were to be kept; None where none were."""
    pattern = options.get("values") if isinstance(options, dict) else None
    return pattern if isinstance(pattern, str) else None


def glance(path: str | os.PathLike[str]) -> tuple[Record, SparseColumns] | None:
    """As much of a recording as `overview` tells, in a fraction of the time and memory of the whole.

    Ops that failed, or whose results Python read, have their name, scope and line, others nothing but their phase and
    whether they were replayed. Scopes have no settings, and there are no tensors.

    Args:
        path: the file.

    Returns:
        The record, and the columns of its ops and tensors that are told of; None for one of several ranks, which is
        to be read whole.

    Raises:
        OSError, TraceFileError: as `viz.load`.
    """
    found: tuple[Record, SparseColumns] | None = reading(path, "auto", _glance)
    return found


def _glance(file: str | os.PathLike[str], allowed: Allowed) -> tuple[Record, SparseColumns] | None:
    with zipfile.ZipFile(file) as archive:
        if check_members(archive, False):
            return None
        allowed.check(archive)
        header = parse(archive.read("trace.json"), allowed)
        check_header(header)
        columns = columns_of(archive.read("columns.npz"), allowed, _COLUMNS)
    counts: Any = header.get("counts")
    check_counts(counts)
    if header["version"] < 5:
        columns["Op.replayed"] = numpy.zeros(counts["ops"], numpy.int64)
    name_anew(header, columns)
    texts, frames = Pool(header["texts"]), Pool([Frame(*row) for row in header["frames"]])
    check_tables(texts.values, frames.values)
    reads = reads_of(header, frames)
    check_ids("reading", reads, counts["ops"])
    record = Record(
        meta=dict(header["meta"]),
        scopes=[scope_of(row, frames, {}, header) for row in header["scopes"]],
        ops=_ops(columns, texts, frames, counts["ops"], reads),
        steps=[Step(**row) for row in header["steps"]],
        logs=[Logs(**row) for row in header["logs"]],
        notes=notes_of(header["notes"]),
        reads=reads,
    )
    check_kinds(record)
    check_column("Op.scope", columns["Op.scope"], len(record.scopes))
    check_parents(record.scopes)
    check_column("Op.step", columns["Op.step"], len(record.steps))
    return record, SparseColumns(columns, texts, frames, counts["ops"], counts["tensors"])


def _ops(columns: dict[str, numpy.ndarray], texts: Pool, frames: Pool, count: int, told: Collection[int]) -> list[Op]:
    """The ops; those that didn't fail and aren't told of are one object for each phase, replayed or not."""
    wanted = ("name", "phase", "error", "replayed")
    names, phases, errors, replayed = decode(columns, Op, texts, frames, count, wanted).values()
    if None in names or not set(phases) <= set(PHASES):
        raise Damaged("an op has no name or no phase")
    usual = {(phase, again): Op(0, "", phase, replayed=again) for phase in PHASES for again in (False, True)}
    ops = list(map(usual.__getitem__, zip(phases, replayed)))
    single = sorted({*told, *[i for i, error in enumerate(errors) if error is not None]})
    if single:
        found = decode(columns, Op, texts, frames, count, ("scope", "stack"))
        for i in single:
            ops[i] = Op(i, names[i], phases[i], found["scope"][i], stack=found["stack"][i], error=errors[i])
    return ops


def is_empty(record: Record) -> bool:
    """Whether no op was recorded, by any rank."""
    return not record.ops and all(is_empty(other) for other in record.others)


def why_empty(record: Record) -> str:
    """Why nothing was recorded, as far as the recording knows.

    >>> import viz
    >>> with viz.trace() as t:
    ...     total = 1 + 1
    >>> why_empty(t)
    'no op of eagerflow ran'
    """
    errors = dict.fromkeys([scope.error for scope in record.scopes if scope.error])
    return "; ".join(record.notes) or "; ".join(map(str, errors)) or "no op of eagerflow ran"
