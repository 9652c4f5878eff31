"""A recording as a trace that Perfetto (ui.perfetto.dev) and chrome://tracing open.

The format is Chrome's "Trace Event Format": a track for each thread with scopes and ops nested in time, arrows from
each forward op to its backward ops, and a curve of the memory in use. Each rank is a process of its own, whose track
"network" has what it did together with the others; arrows join what was the same call on all ranks.
"""

from __future__ import annotations

import gzip
import json
import os
import pathlib
from typing import Any

from eagerflow.base.files import replacing
from viz.facts import formatting
from viz.facts.digest.made import Made
from viz.facts.flops import flops
from viz.facts.json_data import finite
from viz.facts.memory_use import memory_use
from viz.facts.network import all_ranks, rank_name, rank_of
from viz.facts.parts import part_names
from viz.facts.ranks import same_collectives
from viz.facts.schema import Op, Record
from viz.facts.selection import line_of
from viz.facts.text_files import path_of

__all__ = ["events", "thread_name", "threads_of_scopes", "write"]


def write(record: Record, path: str | os.PathLike[str]) -> pathlib.Path:
    """Write the trace."""
    target = path_of(path)
    if not target.name.lower().endswith((".json", ".json.gz")):
        raise ValueError(
            f"to_perfetto({os.fspath(path)!r}): the name must end in .json or .json.gz, which Perfetto opens"
        )
    text = json.dumps({"traceEvents": events(record), "displayTimeUnit": "ns"}, separators=(",", ":"))
    content = text.encode("utf-8")
    with replacing(target) as file:
        file.write(gzip.compress(content, mtime=0) if target.suffix == ".gz" else content)
    return target


def events(record: Record) -> list[dict[str, Any]]:
    """The events of the trace, in the order of time."""
    ranks = all_ranks(record)
    found = [event | {"pid": rank_of(each)} for each in ranks for event in _events(each, len(ranks) > 1)]
    return found + _between_ranks(ranks)


def _events(record: Record, among_others: bool) -> list[dict[str, Any]]:
    """The events of one rank."""
    if record.ops and all(op.start is None for op in record.ops):
        raise ValueError("to_perfetto() needs times: record with viz.trace(time=True), which is the default")
    title = rank_name(record) if among_others else formatting.clean(record.name) or "eagerflow"
    found: list[dict[str, Any]] = [{"ph": "M", "name": "process_name", "args": {"name": title}}]
    if among_others:
        found.append({"ph": "M", "name": "process_sort_index", "args": {"sort_index": rank_of(record)}})
    threads = sorted({op.thread for op in record.ops}) or [0]
    for thread in threads:
        name = {"name": thread_name(record, thread)}
        found.append({"ph": "M", "tid": thread, "name": "thread_name", "args": name})
    made = Made(record)
    slices = _scopes(record) + [_op(record, op, made) for op in record.ops if op.start is not None]
    found += sorted(slices, key=lambda event: (event["ts"], -event["dur"]))
    found += _arrows(record)
    if record.storages:
        found += [
            {"ph": "C", "name": "memory in use", "ts": when / 1000, "args": {"bytes": live}}
            for when, live in memory_use(record).curve
        ]
    return found


def _between_ranks(records: list[Record]) -> list[dict[str, Any]]:
    """An arrow through what was the same call on all ranks, from the first that came to the last."""
    first = max([len(record.ops) for record in records])  # arrows to backward ops have the numbers of these
    found = []
    for number, group in enumerate(same_collectives(records)):
        ops = sorted(zip(records, group), key=lambda pair: pair[1].start or 0)
        for at, (record, op) in enumerate(ops):
            phase = "s" if at == 0 else "t" if at < len(ops) - 1 else "f"
            event = {"ph": phase, "pid": rank_of(record), "tid": op.thread, "ts": (op.start or 0) / 1000}
            event |= {"name": op.name, "cat": "network", "id": first + number}
            found.append(event | ({"bp": "e"} if phase == "f" else {}))
    return found


def _scopes(record: Record) -> list[dict[str, Any]]:
    """A slice for each scope, on the thread of its first op."""
    thread_of = threads_of_scopes(record)
    last = max([op.end for op in record.ops if op.end is not None], default=0)
    return [
        {
            "ph": "X",
            "tid": thread_of.get(scope.id, 0),
            "name": formatting.clean(scope.shown),
            "cat": scope.kind,
            "ts": scope.start / 1000,
            "dur": max(0, (last if scope.end is None else scope.end) - scope.start) / 1000,
            "args": {"class": scope.cls, "call": scope.call, "parameters": scope.params},
        }
        for scope in record.scopes
        if scope.start is not None
    ]


def _op(record: Record, op: Op, made: Made) -> dict[str, Any]:
    tensors = record.tensors
    about: dict[str, Any] = {
        "in": ", ".join([formatting.tensor(tensors[i]) for i in op.inputs[:8]]),
        "out": ", ".join([formatting.tensor(tensors[i]) for i in op.outputs[:8]]),
        "bytes": made.by(op),
        "layer": record.path(op.scope, shown=True),
        "id": op.id,
    }
    known = flops(record, op)
    about |= {"FLOPs": known} if known else {}
    about |= {"parts": ", ".join(part_names(record, op))} if part_names(record, op) else {}
    line = line_of(record, op)
    about |= {"source": formatting.place(line), "code": line.code} if line else {}
    about |= {"error": op.error} if op.error else {}
    about |= {formatting.clean(k, 40): finite(v) for k, v in op.settings.items()}
    name = f"∇ {op.name}" if op.phase == "backward" else op.name
    return {
        "ph": "X",
        "tid": op.thread,
        "name": formatting.clean(name),
        "cat": op.phase,
        "ts": (op.start or 0) / 1000,
        "dur": op.duration / 1000,
        "args": about,
    }


def _arrows(record: Record) -> list[dict[str, Any]]:
    """From each forward op to the ops that compute its gradient."""
    found = []
    for op in record.ops:
        forward = None if op.forward is None else record.ops[op.forward]
        if forward is None or forward.start is None or op.start is None:
            continue
        common = {"name": "gradient", "cat": "gradient", "id": op.id}
        found.append({**common, "ph": "s", "tid": forward.thread, "ts": forward.start / 1000})
        found.append({**common, "ph": "f", "bp": "e", "tid": op.thread, "ts": op.start / 1000})
    return found


def thread_name(record: Record, thread: int) -> str:
    """What a track of a thread is called."""
    if any(op.thread == thread and op.phase == "network" for op in record.ops):
        return "network"
    return f"thread {thread}" if thread else "main"


def threads_of_scopes(record: Record) -> dict[int, int]:
    """For each scope, the thread of its first op; what ranks do together has a thread without scopes."""
    found: dict[int, int] = {}
    for op in record.ops:
        if op.phase == "network":
            continue
        for scope in record.ancestors(op.scope):
            found.setdefault(scope.id, op.thread)
    return found
