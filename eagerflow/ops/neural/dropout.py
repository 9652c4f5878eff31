"""Dropout with a given mask: drawing the mask is the business of layers and `eagerflow.random`."""

from __future__ import annotations

from typing import Any

from eagerflow.core.op import op
from eagerflow.kernels.elementwise.activations import masked
from eagerflow.kernels.machine.blocks import fits

__all__ = ["masked_scale"]


def _rule(g: Any, mask: Any, scale: float) -> Any:
    return _scaled(g, mask, scale)


def _scaled(x: Any, mask: Any, scale: float) -> Any:
    """`x * mask * scale`; of a large NumPy array in chunks, without a temporary."""
    if fits(x) and mask.shape == x.shape:
        return masked(x, mask, scale)
    return x * mask * scale


@op(_rule, arrays=("x",), floating=True)
def masked_scale(xp: Any, x: Any, mask: Any, scale: float = 1.0) -> Any:
    """`x * scale` where `mask` is True, 0 elsewhere. The mask is a raw array of bools that broadcasts to `x`."""
    return _scaled(x, mask, scale)
