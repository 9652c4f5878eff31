"""What ranks send each other, as ops of a recording; and whose recording it is."""

from __future__ import annotations

from viz.facts import formatting
from viz.facts.schema import Op, Record

__all__ = ["all_ranks", "rank_name", "rank_of", "sent", "sent_lines"]


def all_ranks(record: Record) -> list[Record]:
    """The record itself, and those of the other ranks."""
    return [record, *record.others]


def rank_of(record: Record) -> int:
    """The number of the rank whose record it is."""
    return int(record.meta.get("rank") or 0)


def rank_name(record: Record) -> str:
    """`"rank 1 on b"`."""
    host = record.meta.get("host")
    return f"rank {rank_of(record)}" + (f" on {formatting.clean(host, 60)}" if isinstance(host, str) and host else "")


def sent(op: Op) -> int:
    """The bytes of what ranks did together; 0 for other ops."""
    found = op.settings.get("bytes", 0) if op.phase == "network" else 0
    return found if isinstance(found, int) else 0


def sent_lines(ops: list[Op]) -> list[str]:
    """What a box of such ops says below its name: what it was for, and how long others were waited for."""
    names = dict.fromkeys([formatting.clean(str(op.settings["of"]), 30) for op in ops if op.settings.get("of")])
    waited = sum([op.settings.get("waited", 0) for op in ops])
    lines = [formatting.some(names)] if names else []
    return [*lines, f"waited {formatting.seconds(waited)} for the last rank"] if waited else lines
