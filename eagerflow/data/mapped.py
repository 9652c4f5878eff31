"""Reading arrays in files at random places: `madvise` tells the system which pages come next.

Without it, the system reads page after page while the program waits, and around each of them megabytes that nobody
asked for: rows in random order then come many times slower than the disk can give them.

Source: the advice of POSIX's `posix_madvise`, as `mmap.madvise` has it.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy

__all__ = ["announcing"]

_LARGE = 1 << 28  # bytes: smaller files are in memory soon, with or without
_PAGE = mmap.PAGESIZE


@contextmanager
def announcing(arrays: Sequence[Any]) -> Iterator[Callable[[Any], None]]:
    """Within the context, the function that it gives announces rows (an array of numbers) which are read next.

    Args:
        arrays: memory-mapped ones are meant, all others are left alone; None may be among them.
    """
    pages = [found for array in arrays if (found := _Pages.of(array)) is not None]

    def announce(rows: Any) -> None:
        for each in pages:
            each.announce(rows)

    for each in pages:
        each.expect(mmap.MADV_RANDOM)  # only what is asked for
    try:
        yield announce
    finally:
        for each in pages:
            each.expect(mmap.MADV_NORMAL)


class _Pages:
    """The pages of a mapped array's rows."""

    def __init__(self, mapping: Any, start: int, row: int) -> None:
        self.mapping, self.start, self.row = mapping, start, row

    @classmethod
    def of(cls, array: Any) -> _Pages | None:
        """None for what is not large, whole and mapped, and where the system takes no advice."""
        mapping = getattr(array, "_mmap", None)
        if not isinstance(array, numpy.memmap) or mapping is None or not hasattr(mapping, "madvise"):
            return None
        if array.nbytes < _LARGE or not array.flags.c_contiguous:
            return None
        start = numpy.frombuffer(mapping, numpy.uint8).__array_interface__["data"][0]
        return cls(mapping, array.__array_interface__["data"][0] - start, array.strides[0])

    def expect(self, advice: int) -> None:
        """How all of the file is going to be read."""
        self.mapping.madvise(advice)

    def announce(self, rows: Any) -> None:
        """Have these rows read in the background, each run of pages by one call."""
        if not len(rows):
            return
        rows = numpy.sort(rows)
        first = (self.start + rows * self.row) // _PAGE
        last = (self.start + (rows + 1) * self.row - 1) // _PAGE
        begins = numpy.flatnonzero(first[1:] > last[:-1] + 1) + 1  # where a gap is before the next row
        runs = zip(first[[0, *begins]].tolist(), last[[*(begins - 1), len(rows) - 1]].tolist())
        for begin, end in runs:
            self.mapping.madvise(mmap.MADV_WILLNEED, begin * _PAGE, (end + 1 - begin) * _PAGE)
