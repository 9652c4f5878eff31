"""How arrays lie in memory: BLAS and NumPy add numbers up in another order where they lie otherwise."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.core.device import namespace_of

__all__ = ["copied"]


def copied(array: Any) -> Any:
    """A copy that lies in memory as the array does: of what is broadcast or has gaps, some kernels sum otherwise."""
    once = tuple([slice(None) if step else slice(0, 1) for step in array.strides])
    part = array[once]
    if type(array) is numpy.ndarray and array.size and not (part.flags.forc and part.flags.aligned):
        return _with_gaps(array, once)
    copy = part.copy(order="K")
    return copy if copy.shape == array.shape else namespace_of(array).broadcast_to(copy, array.shape)


def _with_gaps(array: numpy.ndarray, once: tuple[slice, ...]) -> numpy.ndarray:
    """A copy of a part of a larger array, with as much memory between its elements, and as far from aligned."""
    ways = [step * (length - 1) for step, length in zip(array.strides, array.shape)]
    before, after = -sum([way for way in ways if way < 0]), sum([way for way in ways if way > 0])
    aside = array.ctypes.data % array.itemsize  # kernels may not take what lies between the places of its numbers
    memory = numpy.empty(aside + before + after + array.itemsize, numpy.uint8)
    copy = numpy.ndarray(array.shape, array.dtype, memory, aside + before, array.strides)
    copy[once] = array[once]
    return copy
