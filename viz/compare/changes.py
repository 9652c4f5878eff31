"""What differs, as plain data: ops, elements, weights, costs."""

from __future__ import annotations

import dataclasses
from typing import Any

from viz.choices import TOLERANCE
from viz.facts.json_data import finite
from viz.facts.schema import Record

__all__ = ["TOLERANCE", "Changes", "Cost", "OpChange", "ValueChange", "WeightChange"]


@dataclasses.dataclass(slots=True)
class OpChange:
    """An op that only one side has, or that is not the same on both.

    Attributes:
        kind: `"added"` (only in the second), `"removed"` (only in the first) or `"changed"`.
        a, b: its id in the first and in the second recording; None where it isn't there.
        op, phase, layer, source: its name, phase, path of layers and `file:line`; of the second side when both have it.
        what: for changed ones, each thing that changed, as text: `"output 8×16 f32 → 8×32 f32"`.
    """

    kind: str
    a: int | None
    b: int | None
    op: str
    phase: str
    layer: str
    source: str
    what: tuple[str, ...] = ()


@dataclasses.dataclass(slots=True)
class ValueChange:
    """The first tensor whose elements differ beyond the tolerance.

    Attributes:
        a, b: ids of the op in the first and in the second recording.
        op, phase, layer, source: as in `OpChange`.
        tensor_a, tensor_b: ids of the tensors.
        role: `"output"` where the op's inputs agree (or weren't recorded) and its result doesn't; `"input"`,
            `"parameter"`, `"frozen"`, `"state"` or `"constant"` where it was given something else already.
        name: the variable's path, or the parameter's name for an input.
        by: `"values"` (kept elements were compared) or `"statistics"`.
        error: the largest difference, relative to the largest magnitude on both sides.
        what: the difference in words.
    """

    a: int
    b: int
    op: str
    phase: str
    layer: str
    source: str
    tensor_a: int
    tensor_b: int
    role: str
    name: str
    by: str
    error: float
    what: str


@dataclasses.dataclass(slots=True)
class Cost:
    """Time in nanoseconds and bytes made, of a layer or of a kind of op, on each side; 0 where it isn't there.

    Ops of backward passes count for the layer of their forward op.
    """

    name: str
    time_a: int = 0
    time_b: int = 0
    memory_a: int = 0
    memory_b: int = 0
    ops_a: int = 0
    ops_b: int = 0


@dataclasses.dataclass(slots=True)
class WeightChange:
    """A weight that only one side has, or that is not the same on both.

    Attributes:
        kind: `"added"`, `"removed"`, `"shape"`, `"dtype"` or `"values"`.
        name: its path; of the second side when both have it.
        a, b: its shape and type on each side, such as `"784×512 f32"`; "" where it isn't there.
        error: for values, the largest difference, relative to the largest magnitude on both sides; else None.
        changed: for values, how many elements differ beyond the tolerance; else None.
        tensor_b: of two recordings, the id of a version of it in the second; None where that hasn't got it.
    """

    kind: str
    name: str
    a: str = ""
    b: str = ""
    error: float | None = None
    changed: int | None = None
    tensor_b: int | None = None


@dataclasses.dataclass
class Changes:
    """The fields of a `viz.Difference`, which says what they are."""

    a: str
    b: str
    kind: str
    tolerance: float
    pairs: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    ops: list[OpChange] = dataclasses.field(default_factory=list)
    first: ValueChange | None = None
    compared: dict[str, int] = dataclasses.field(default_factory=dict)
    layers: list[Cost] = dataclasses.field(default_factory=list)
    kinds: list[Cost] = dataclasses.field(default_factory=list)
    weights: list[WeightChange] = dataclasses.field(default_factory=list)
    settings: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    recordings: tuple[Record, Record] | None = dataclasses.field(default=None, repr=False, compare=False)
    steps: tuple[frozenset[int], frozenset[int]] | None = dataclasses.field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        return bool(self.ops or self.first or self.weights or self.settings)

    def to_dict(self) -> dict[str, Any]:
        """The difference as plain data that JSON can hold."""
        found = dataclasses.asdict(dataclasses.replace(self, pairs=[], recordings=None, steps=None))
        del found["recordings"], found["steps"]
        return {"different": bool(self), **finite(found | {"pairs": self.pairs})}
