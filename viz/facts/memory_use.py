"""How much memory was in use when, and what held it at the peak: `Recording.memory()`."""

from __future__ import annotations

import bisect
import collections
import dataclasses
from collections.abc import Collection
from typing import Any

from viz.facts import formatting
from viz.facts.digest.time_spans import step_spans, whole_span
from viz.facts.schema import VARIABLES, Op, Record, Step, TensorInfo
from viz.facts.selection import line_of, position_of, step_name
from viz.facts.text_table import Text, table

__all__ = ["Alive", "MemoryUse", "memory_use", "peak_of", "spans"]

_KEYS = ("role", "layer", "source")
_PARTLY = ["(data count from when a step first read them; what ops use in passing, and Python itself, are not counted)"]


@dataclasses.dataclass(frozen=True)
class Alive:
    """A piece of memory that was in use at the peak.

    Attributes:
        nbytes: its size.
        tensor: the id of the tensor it was made for.
        name: the variable's path, or the name of the op that made it, or "".
        role: the tensor's role.
        layer: the path of the layer it was made in, or "".
        source: the user's line that made it, or ""; of what `fit` runs by itself, the line that made the layer.
        shape: the tensor's shape and type, as text; of a part of an array also how large the part is.
    """

    nbytes: int
    tensor: int
    name: str
    role: str
    layer: str
    source: str
    shape: str


@dataclasses.dataclass(repr=False)
class MemoryUse:
    """Memory over time. Shows itself as a table.

    Only memory behind tensors that the recording met is counted, and what optimizers keep: what an op uses in passing
    and Python itself are not.

    Attributes:
        peak: the most bytes in use at a time.
        time: when that was, in nanoseconds since the recording began.
        op: the id of the op that ran then, None where times weren't recorded.
        alive: what was in use then, the largest first.
        curve: times and the bytes in use from there on.
        zero: when the first op or scope of what is looked at began: the text counts from there, as pictures do.
    """

    peak: int
    time: int
    op: int | None
    alive: list[Alive]
    curve: list[tuple[int, int]]
    at: str = ""
    zero: int = 0

    def by(self, key: str) -> dict[str, int]:
        """Bytes at the peak, summed.

        Args:
            key: `"role"`, `"layer"` or `"source"`.

        Raises:
            ValueError: for another key.
        """
        if key not in _KEYS:
            raise ValueError(f"memory().by({key!r}): expected one of {', '.join(map(repr, _KEYS))}")
        sums: dict[str, int] = {}
        for each in self.alive:
            name = getattr(each, key) or "(outside)"
            sums[name] = sums.get(name, 0) + each.nbytes
        return dict(sorted(sums.items(), key=lambda item: -item[1]))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data; times count from the beginning of the recording, and `zero` from there, too."""
        return dataclasses.asdict(self)

    def counts(self) -> dict[str, int]:
        """How many pieces of memory there were at the peak, by role."""
        return dict(collections.Counter([each.role or "(outside)" for each in self.alive]))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """For notebooks."""
        return self.text()._repr_html_()

    def __str__(self) -> str:
        return str(self.text())

    def text(self, most: int = 20, option: str = "") -> Text:
        """The table."""
        alike: dict[tuple[str, ...], list[Alive]] = {}
        for each in self.alive:
            alike.setdefault((each.role, each.name, each.shape, each.layer, each.source), []).append(each)
        groups = sorted(alike.items(), key=lambda item: -sum([each.nbytes for each in item[1]]))
        lines = [
            (
                *self._size(pieces),
                formatting.role(role),
                formatting.clean(name, 80),
                shape,
                formatting.clean(layer, 80),
                source,
            )
            for (role, name, shape, layer, source), pieces in groups[:most]
        ]
        rest = [each for _, pieces in groups[most:] for each in pieces]
        if rest:
            lines.append((*self._size(rest), "others", "", "", "", ""))
        counts = self.counts()
        roles = [
            f"{formatting.role(role)} {formatting.nbytes(size)} in {counts[role]:,}"
            for role, size in self.by("role").items()
        ]
        head = f"peak: {formatting.nbytes(self.peak)} at {formatting.seconds(max(0, self.time - self.zero))}{self.at}"
        heads = ("memory", "share", "count", "role", "of", "tensor", "layer", "line")
        body = table(heads, lines, least="count,share,layer,tensor,role")
        more = [f"({option}{len(groups)} shows all)"] if rest and option else []
        return Text.of([head, "  ·  ".join(roles), body, *_PARTLY[: bool(self.alive)], *more])

    def _size(self, pieces: list[Alive]) -> tuple[str, str, str]:
        """The bytes of pieces of memory, their share of the peak, and how many they are."""
        size = sum([each.nbytes for each in pieces])
        return formatting.nbytes(size), f"{100 * size / max(1, self.peak):.1f} %", f"{len(pieces):,}"


def memory_use(record: Record, step: int | None = None) -> MemoryUse:
    """The memory that a recording saw; see `Recording.memory`."""
    position = position_of(record, step)
    if not record.storages and record.tensors:
        raise ValueError("memory(): memory was not recorded; use viz.trace(memory=True), which is the default")
    found = spans(record)
    peak = time = 0
    curve = _curve(found)
    curve = curve if position is None else _within(curve, record.steps[position])
    for when, live in curve:
        if live > peak:
            peak, time = live, when
    alive = [
        _alive(record, tensor, size)
        for tensor, size, start, end in found
        if start <= time and (end is None or end > time)
    ]
    op = _running(record, time)
    at_step = op.step if position is None and op is not None and len(record.steps) > 1 else position
    which = "" if at_step is None else f", in {step_name(record, at_step)}"
    at = which if op is None else f"{which}, in {formatting.clean(op.name)}{_where(record, op)}"
    alive.sort(key=lambda each: -each.nbytes)
    times = step_spans(record)
    zero = (times.get(position) if position is not None else whole_span(times)) or (0, 0)
    return MemoryUse(peak, time, None if op is None else op.id, alive, curve, at, zero[0])


def peak_of(record: Record, steps: Collection[int] | None = None) -> int:
    """The most bytes in use at a time, within the steps at these positions; None: all the time."""
    curve = _curve(spans(record))
    if steps is not None:
        curve = [moment for position in steps for moment in _within(curve, record.steps[position])]
    return max([live for _, live in curve], default=0)


def _curve(found: list[tuple[TensorInfo, int, int, int | None]]) -> list[tuple[int, int]]:
    """Times, and the bytes in use from there on."""
    changes = sorted(
        [(start, 1, size) for _, size, start, _ in found]
        + [(end, 0, -size) for _, size, _, end in found if end is not None]
    )
    curve, live = [], 0
    for when, _, change in changes:
        live += change
        curve.append((when, live))
    return curve


def _within(curve: list[tuple[int, int]], step: Step) -> list[tuple[int, int]]:
    """The part of a curve that a step took, from what was in use when it began."""
    start, end = step.start, step.end
    if start is None or end is None:
        raise ValueError("memory(step=...): times were not recorded; use viz.trace(time=True), which is the default")
    before = [live for when, live in curve if when <= start]
    return [(start, before[-1] if before else 0), *[each for each in curve if start < each[0] <= end]]


def spans(record: Record) -> list[tuple[TensorInfo, int, int, int | None]]:
    """For each piece of memory the tensor it was made for, its bytes, and when it was used (None: to the end).

    Weights that came from outside the recording were there from its beginning. Data may have been made along the way,
    batch by batch: it counts from when it was first met.
    """
    first = _first_tensors(record)
    found = []
    for storage in record.storages:
        tensor = first.get(storage.id)
        if tensor is not None:
            outside = tensor.producer is None and tensor.role in VARIABLES
            found.append((tensor, storage.nbytes, 0 if outside else storage.allocated, storage.freed))
    return found


def _where(record: Record, op: Op) -> str:
    parts = [formatting.clean(record.path(op.scope, shown=True)), formatting.place(line_of(record, op))]
    return "".join([f" · {part}" for part in parts if part])


def _first_tensors(record: Record) -> dict[int, TensorInfo]:
    """For each piece of memory, the tensor it was made for: a variable if it is one's, else the first met.

    Where ops read what an optimizer keeps, it was met as another variable before.
    """
    found: dict[int, TensorInfo] = {}
    for tensor in record.tensors:
        if tensor.storage is not None and (tensor.storage not in found or tensor.name):
            found.setdefault(tensor.storage, tensor)
            if not found[tensor.storage].name or tensor.role == "optimizer state":
                found[tensor.storage] = tensor
    return found


def _name(record: Record, tensor: TensorInfo, op: Op | None) -> str:
    """What a table calls a tensor: the op that made it; of the sum of several gradients, what that is the gradient of.

    The tape adds these up by itself.
    """
    if tensor.name or op is None:
        of = None if tensor.name else tensor.gradient_of
        return record.shown(tensor.id) if of is None else f"∇ {record.shown(of)}".strip()
    return op.name


def _running(record: Record, time: int) -> Op | None:
    """The op during or before `time`."""
    timed = [op for op in record.ops if op.start is not None]
    at = bisect.bisect_right([op.start or 0 for op in timed], time)
    return timed[at - 1] if at else (timed[0] if timed else None)


def _alive(record: Record, tensor: TensorInfo, nbytes: int) -> Alive:
    op = None if tensor.producer is None else record.ops[tensor.producer]
    made_in = op if op is None or op.forward is None else record.ops[op.forward]
    shape = formatting.tensor(tensor)
    if 0 < tensor.nbytes < nbytes:  # a view, of a larger array that stays as long as it does
        shape += f" ({formatting.nbytes(tensor.nbytes)} of it)"
    return Alive(
        nbytes,
        tensor.id,
        _name(record, tensor, op),
        tensor.role,
        record.path(made_in.scope, shown=True) if made_in else "",
        formatting.place(line_of(record, op)) if op else "",
        shape,
    )
