"""e to the power of many numbers."""

from __future__ import annotations

from typing import Any

from numpy import ndarray

from eagerflow.compiled.loops import exponentials as loops

__all__ = ["exponentiate"]


def exponentiate(a: ndarray) -> Any:
    """a becomes exp(a), and is the answer."""
    if not a.flags.c_contiguous:
        return None
    work = loops.exponentials.on(a.reshape(-1))
    if work is None:
        return None
    work(0, a.size)
    return a
