"""e to the power of many numbers, in place."""

from __future__ import annotations

from typing import Any

from eagerflow.compiled.kernel import compiled
from eagerflow.compiled.loops.exponential import exponential

__all__ = ["exponentials"]


@compiled("x[n]; start: int, stop: int", dtypes=("float32",))
def exponentials(x: Any, start: int, stop: int) -> None:
    """x = exp(x), for some numbers."""
    x = x[start:stop]
    for i in range(x.size):
        x[i] = exponential(x[i])
