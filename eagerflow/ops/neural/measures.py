"""Small formulas of `keras.ops.nn` that belong to no family: polar, psnr."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import TensorLike
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.elementwise.exponential import log10
from eagerflow.ops.elementwise.trigonometry import cos, sin
from eagerflow.ops.reduce.reductions import mean

__all__ = ["polar", "psnr"]


@composite
def polar(abs_: Any, angle: Any) -> Tensor:
    """Makes complex numbers from their absolute values and angles.

    Args:
        abs_: the absolute values.
        angle: the angles in radians; the shapes broadcast.

    >>> ef.ops.polar([2.0], [0.0]).tolist()
    [(2+0j)]
    """
    size, angle = convert_to_tensor(abs_), convert_to_tensor(angle)
    return size * cos(angle) + (size * sin(angle)) * 1j


@composite
def psnr(x1: TensorLike, x2: TensorLike, max_val: float) -> Tensor:
    """Peak signal-to-noise ratio in decibels: `20 log10(max_val) - 10 log10(mean squared error)`.

    Args:
        x1: a tensor.
        x2: a tensor of the same shape.
        max_val: the largest value that elements can have.

    Returns:
        One number; infinity for equal tensors.

    Raises:
        ValueError: when the shapes differ.

    >>> round(float(ef.ops.psnr([0.0, 1.0], [0.1, 0.9], max_val=1.0)), 4)
    20.0
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    if x1.shape != x2.shape:
        raise ValueError(f"psnr: x1 and x2 need the same shape; got {signature_of(x1)} and {signature_of(x2)}.")
    away = x1 - x2
    peak = log10(max_val) if isinstance(max_val, Tensor) else math.log10(max_val)
    return 20 * peak - 10 * log10(mean(away * away))
