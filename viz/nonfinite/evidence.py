"""What is known of the tensors of an op that made NaN or infinity, as plain data."""

from __future__ import annotations

import dataclasses

__all__ = ["Example", "TensorFacts"]


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
