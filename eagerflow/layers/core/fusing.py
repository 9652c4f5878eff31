"""When a layer may run product, bias and activation as one op.

Observers of single ops (`viz`) see the single ops, so layers fuse only while there are none. The numbers are the same.
"""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.core.observe import state
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable

__all__ = ["fuses"]

_FLOAT32 = numpy.dtype("float32")


def fuses(inputs: Any, kernel: Any, bias: Any) -> bool:
    """Whether all are plain tensors on the CPU, in float32, and nobody watches single ops."""
    if state.ops or not kernel.__class__ is bias.__class__ is Variable or inputs.__class__ is not Tensor:
        return False
    x, k = inputs.data, kernel.data
    return x.__class__ is k.__class__ is numpy.ndarray and x.dtype is k.dtype is _FLOAT32
