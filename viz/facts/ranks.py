"""The records of several ranks beside each other: one clock, who waited for whom, and what each spent its time on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from viz.facts import formatting
from viz.facts.digest.picked_step import rows_of
from viz.facts.network import all_ranks, rank_of, sent
from viz.facts.schema import Op, Record, Scope
from viz.facts.text_table import Text, table

__all__ = ["RankUse", "note_waits", "rank_table", "same_collectives", "to_clock", "uses"]

_ONE_AFTER_ALL = ("all_reduce", "all_gather", "reduce_scatter", "barrier")  # nobody is through before all have come
_SLACK = 1_000_000  # nanoseconds by which clocks may be off; more: these are not the same call


# ---------------------------------------------------------------------- one clock


def to_clock(record: Record, moved: Callable[[int], int]) -> None:
    """Count all times of a record on another clock."""
    for each in (*record.ops, *record.scopes, *record.steps, *record.storages, *record.logs):
        for name in ("start", "end", "allocated", "freed", "time"):
            if (value := getattr(each, name, None)) is not None:
                setattr(each, name, moved(value))


def same_collectives(records: Sequence[Record]) -> list[list[Op]]:
    """What ranks did together: for each such call the op of every rank, in the order of `records`.

    Calls are the same that have the same name, and as many of that name before them. Where times say that they can't
    be (a rank that recorded later, say), they are left out.
    """
    streams: list[dict[Any, list[Op]]] = []
    for record in records:
        found: dict[Any, list[Op]] = {}
        for op in record.ops:
            if op.phase == "network" and op.name != "wait" and op.start is not None and op.end is not None:
                found.setdefault((op.name, str(op.settings.get("of", "")), sent(op)), []).append(op)
        streams.append(found)
    common = [key for key in streams[0] if all(key in stream for stream in streams)] if len(streams) > 1 else []
    groups = [list(group) for key in common for group in zip(*[stream[key] for stream in streams])]
    return sorted([group for group in groups if _is_possible(group)], key=lambda group: group[0].start or 0)


def _is_possible(group: Sequence[Op]) -> bool:
    """Did nobody leave before all had come?"""
    if group[0].name not in _ONE_AFTER_ALL:
        return True
    return max([op.start or 0 for op in group]) <= min([op.end or 0 for op in group]) + _SLACK


def note_waits(records: Sequence[Record]) -> None:
    """Note in each collective op how long its rank waited until the last one had come."""
    for group in same_collectives(records):
        if group[0].name in _ONE_AFTER_ALL:
            last = max([op.start or 0 for op in group])
            for op in group:
                waited = min(max(0, last - (op.start or 0)), op.duration)
                op.settings = {**op.settings, "waited": waited}  # ops from files share their settings


# ---------------------------------------------------------------------- what time went into


@dataclasses.dataclass
class RankUse:
    """What a rank spent its training steps on, in nanoseconds.

    Attributes:
        rank: its number.
        host: its machine.
        steps: how many steps it made.
        samples: how many rows went into them.
        compute: what is left of their time without the rest.
        input: making batches.
        network: standing still while something was sent, or another rank was waited for.
        waited: that part of all sending, also of that which went on meanwhile, in which others hadn't come yet.
        nbytes: how much was sent.
    """

    rank: int
    host: str = ""
    steps: int = 0
    samples: int = 0
    compute: int = 0
    input: int = 0
    network: int = 0
    waited: int = 0
    nbytes: int = 0

    @property
    def time(self) -> int:
        """All of it."""
        return self.compute + self.input + self.network


def uses(record: Record) -> list[RankUse]:
    """What each rank spent its time on, by rank."""
    return [_use(each) for each in all_ranks(record)]


def _use(record: Record) -> RankUse:
    host = record.meta.get("host")
    use = RankUse(rank_of(record), host if isinstance(host, str) else "")
    steps = _steps(record)
    inside = {scope.id for scope in steps}
    for op in record.ops:
        if op.phase == "network" and (not steps or any(scope.id in inside for scope in record.ancestors(op.scope))):
            use.nbytes += sent(op)
            use.waited += op.settings.get("waited", 0)
            use.network += 0 if op.settings.get("overlapped") else op.duration
    batches = [s for s in record.scopes if s.kind == "data" and _is_outermost(record, s, ("step", "data"))]
    use.input = sum([_duration(scope) for scope in batches])
    duration = record.meta.get("duration")
    whole = sum([_duration(scope) for scope in steps]) if steps else duration if isinstance(duration, int) else 0
    use.compute = max(0, whole - use.network - (0 if steps else use.input))
    use.steps = len(steps)
    use.samples = sum([rows_of(record, scope) for scope in steps])
    return use


def _steps(record: Record) -> list[Scope]:
    """The training steps that are no part of another one; of other steps where nothing was trained."""
    found = [s for s in [record.scopes[step.scope] for step in record.steps] if _is_outermost(record, s, ("step",))]
    return [scope for scope in found if scope.name == "train_step"] or found


def _is_outermost(record: Record, scope: Scope, kinds: Sequence[str]) -> bool:
    return not any(outer.kind in kinds for outer in record.ancestors(scope.parent))


def _duration(scope: Scope) -> int:
    return 0 if scope.start is None or scope.end is None else max(0, scope.end - scope.start)


def rank_table(record: Record) -> Text:
    """What each rank spent its time on, as a table."""
    heads = ("rank", "host", "steps", "compute", "input", "network", "waited", "sent", "sent/s", "samples/s")
    lines = []
    for use in uses(record):
        seconds = use.time / 1e9
        parts = [f"{formatting.seconds(n)} {n / (use.time or 1):.0%}" for n in (use.compute, use.input, use.network)]
        rates = [
            f"{formatting.nbytes(round(use.nbytes / seconds))}/s" if seconds and use.nbytes else "",
            f"{use.samples / seconds:,.0f}" if seconds and use.samples else "",
        ]
        lines.append(
            [
                str(use.rank),
                formatting.clean(use.host, 30),
                formatting.amount(use.steps),
                *parts,
                formatting.seconds(use.waited),
                formatting.nbytes(use.nbytes),
                *rates,
            ]
        )
    return Text.of([table(heads, lines, least="sent/s,steps,host,sent,waited,samples/s")])
