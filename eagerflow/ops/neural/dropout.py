"""Dropout with a given mask: drawing the mask is the business of layers and `eagerflow.random`."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, Numpy
from eagerflow.core.op import op

__all__ = ["masked_scale"]


@op(lambda g, mask, scale: _scaled(g, mask, scale), arrays=("x",), floating=True)
def masked_scale(xp: Numpy, x: Array, mask: Any, scale: float = 1.0) -> Array:
    """`x * scale` where `mask` is True, 0 elsewhere. The mask is a raw array of bools that broadcasts to `x`."""
    return _scaled(x, mask, scale)


def _scaled(x: Any, mask: Any, scale: float) -> Any:
    return x * mask * x.dtype.type(scale)  # a number would widen bfloat16
