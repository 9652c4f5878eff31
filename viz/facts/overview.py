"""What a recording holds, in a few figures."""

from __future__ import annotations

import collections
import dataclasses
import re
import sys
from typing import Any

from viz.facts.digest.figures import digest
from viz.facts.ranks import uses
from viz.facts.schema import Frame, Record
from viz.facts.selection import line_of

__all__ = ["is_empty", "overview", "why_empty"]

_PLAIN_WORD = re.compile(r"[\w ./\\:+@,=-]+")


def overview(recording: Record) -> dict[str, Any]:
    """The figures of `viz show`, as plain data."""
    phases = dict(collections.Counter([op.phase for op in recording.ops]))
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
        "tensors": len(recording.tensors),
        "steps": len(recording.steps),
        "phases": phases,
        **digest(recording),
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
    """What `viz run` ran, unless a shell obeys signs in it: a file may say anything, and commands are copied."""
    is_known = isinstance(told, list) and len(told) <= 2 and all(isinstance(word, str) for word in told)
    return list(told) if is_known and all(_PLAIN_WORD.fullmatch(word) for word in told) else []


def _kept(options: Any) -> str | None:
    """The pattern of the labels of tensors whose values were to be kept; None where none were."""
    pattern = options.get("values") if isinstance(options, dict) else None
    return pattern if isinstance(pattern, str) else None


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
    nothing = "no op of eagerflow or PyTorch ran in this thread" if "torch" in sys.modules else "no op of eagerflow ran"
    return "; ".join(record.notes) or "; ".join(map(str, errors)) or nothing
