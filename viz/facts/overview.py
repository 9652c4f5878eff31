"""What a recording holds, in a few figures."""

from __future__ import annotations

import dataclasses
from typing import Any

from viz.facts.ranks import uses
from viz.facts.schema import Record

__all__ = ["overview"]


def overview(recording: Record, tensors: int | None = None) -> dict[str, Any]:
    """The figures of `viz show`, as plain data.

    Args:
        recording: a record, or what `archive.glance` saw of one.
        tensors: how many tensors it has, where they weren't read.
    """
    phases: dict[str, int] = {}
    for op in recording.ops:
        phases[op.phase] = phases.get(op.phase, 0) + 1
    failed = [
        {"op": op.name, "layer": recording.path(op.scope), "source": str(op.source or ""), "error": op.error}
        for op in recording.ops
        if op.error
    ]
    return {
        "name": recording.name,
        "ops": len(recording.ops),
        "tensors": len(recording.tensors) if tensors is None else tensors,
        "steps": len(recording.steps),
        "phases": phases,
        "failed": failed,
        "notes": list(recording.notes),
        "python": recording.meta.get("python", ""),
        "began": recording.meta.get("began", ""),
        "ranks": [dataclasses.asdict(use) for use in uses(recording)] if recording.others else [],
    }
