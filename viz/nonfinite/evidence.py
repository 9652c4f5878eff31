"""What is known of an op that made NaN or infinity, as plain data."""

from __future__ import annotations

import dataclasses

from viz.facts.schema import Frame
from viz.recording import Recording

__all__ = ["Evidence", "Example", "TensorFacts"]


@dataclasses.dataclass(slots=True)
class TensorFacts:
    """One tensor that the op read or made.

    Attributes:
        name: the parameter it was given for, `"output"`, or `"g"` for an arriving gradient.
        tensor: its id in the recording.
        role, path: what it is, and the path of a variable.
        shape, dtype: the lengths of its axes and its type.
        min, max, mean, std: over its finite elements; None where they weren't measured.
        nan, inf: how many elements are NaN or infinite.
        measured: whether its elements were looked at.
    """

    name: str
    tensor: int
    role: str
    path: str
    shape: tuple[int, ...]
    dtype: str
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    nan: int = 0
    inf: int = 0
    measured: bool = True


@dataclasses.dataclass(slots=True)
class Example:
    """One element that isn't finite: its position, its value, and what the op was given for it."""

    index: tuple[int, ...]
    value: float
    inputs: dict[str, float]


@dataclasses.dataclass
class Evidence:
    """The fields of a `viz.Nonfinite`, which says what they are."""

    kind: str
    op: str
    phase: str
    op_id: int
    layer: str
    source: Frame | None
    stack: tuple[Frame, ...]
    step: int | None
    culprit: str
    inputs: list[TensorFacts]
    outputs: list[TensorFacts]
    examples: list[Example]
    fix: str
    part: str = ""
    where: str = ""
    rows: tuple[int, ...] = ()
    recording: Recording = dataclasses.field(repr=False, compare=False, kw_only=True)
