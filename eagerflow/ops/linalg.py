"""Matrix products."""

from __future__ import annotations

from typing import Any

from eagerflow.core.op import op

__all__ = ["matmul"]


@op(
    lambda g, x2: g @ x2.swapaxes(-1, -2),
    lambda g, x1: x1.swapaxes(-1, -2) @ g,
)
def matmul(xp: Any, x1: Any, x2: Any) -> Any:
    """Matrix product of the last two axes, broadcast over the others."""
    return x1 @ x2
