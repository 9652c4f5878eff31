"""Keeps NumPy from copying what it needn't.

A ufunc over an array in runs of some hundred or thousand neighbouring numbers (rows of images, gates of some steps)
first copies the runs into a buffer where several of them fit one, which takes as long again as the operation.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy

from eagerflow.kernels.machine.costs import Threads

__all__ = ["long_runs"]


@contextlib.contextmanager
def long_runs() -> Iterator[None]:
    """Inside of the block, runs of 1024 numbers and more aren't copied. It costs 4 µs, of this thread only."""
    before = numpy.setbufsize(Threads.BUFFER)
    try:
        yield
    finally:
        numpy.setbufsize(before)
