"""One function of NumPy over large arrays, in pieces for threads: several processors move more memory than one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.blocks import fits
from eagerflow.kernels.machine.costs import Blocks, OnePass, Threads
from eagerflow.kernels.machine.parts import shares
from eagerflow.kernels.machine.threads import each, get_num_threads

__all__ = ["one_pass", "pays"]


def pays(x: ndarray, other: Any = None, nanoseconds: float = 0.25) -> bool:
    """Whether `one_pass` would share the work of arrays: large contiguous ones of NumPy, of one float type and shape.

    Args:
        x: anything.
        other: a second operand, if there is one.
        nanoseconds: that one thread takes for a number, roughly.
    """
    if x.__class__ is not numpy.ndarray or x.size * nanoseconds < 1000 * OnePass.PAYS:
        return False
    operands = (x,) if other is None else (x, other)
    return get_num_threads() > 1 and fits(*operands) and operands[-1].flags.c_contiguous and bool(x.flags.c_contiguous)


def one_pass(
    function: Callable[..., Any], *arrays: ndarray, out: ndarray | None = None, nanoseconds: float = 0.25
) -> Any:
    """`function(*arrays, out=out)`, elementwise, the same to the last bit; by threads where that `pays`.

    Args:
        function: a function of NumPy that gives the type of its operands, of which there are one or two.
        *arrays: its operands, of which the first is an array.
        out: contiguous, where to put the result; None for a new array.
        nanoseconds: that one thread takes for a number, roughly.
    """
    x = arrays[0]
    if not pays(x, arrays[-1], nanoseconds):
        return function(*arrays, out=out) if out is not None else function(*arrays)
    found = numpy.empty(x.shape, x.dtype) if out is None else out
    flat = [a.reshape(-1) for a in (*arrays, found)]
    work = x.size * nanoseconds / 1000
    count = min(OnePass.MOST, max(2, int(work / OnePass.PAYS) // 2 * 2))
    pieces = shares(x.size, count, 1000 * Threads.HEAD_START / nanoseconds, Blocks.LINE)

    def run(i: int) -> None:
        *given, into = [a[pieces[i]] for a in flat]
        function(*given, out=into)

    each(run, len(pieces), work)
    return found
