"""Batches of rows of arrays, gathered several at a time where they are small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy

from eagerflow.core.device import Device, device_of, place
from eagerflow.core.tensor import Tensor
from eagerflow.data.arrays import with_our_floats
from eagerflow.data.mapped import announcing
from eagerflow.layer.symbolic.text_type import is_text

__all__ = ["batches_of_rows"]

_BLOCK = 1 << 18  # bytes that are gathered at once: a call of NumPy for many small batches


def batches_of_rows(arrays: Sequence[Any], size: int, count: int, order: Any, where: Device) -> Iterator[list[Any]]:
    """Batches as lists of tensors, one per array; batches of one block share its memory.

    Args:
        arrays: raw arrays with equally many rows, or None.
        size: rows of a batch.
        count: how many batches.
        order: the numbers of the rows in their new order; None for rows as they are, which aren't copied.
        where: the device that tensors are put on.
    """
    if order is not None:
        together = max(1, _BLOCK // max(1, _bytes(arrays, size)))
    else:  # nothing is gathered; what isn't in memory is read batch by batch
        together = max(1, count) if all(a is None or type(a) is numpy.ndarray for a in arrays) else 1
    for first, blocks in _blocks(arrays, together * size, count * size, order):
        ready = all(b is None or _is_ready(b, where) for b in blocks)
        for start in range(0, min(together * size, count * size - first), size):
            end = start + size
            if ready:
                yield [None if b is None else Tensor(b[start:end], None, None) for b in blocks]
            else:
                yield [None if b is None else _tensor(b[start:end], where) for b in blocks]


def _blocks(arrays: Sequence[Any], size: int, count: int, order: Any) -> Iterator[tuple[int, list[Any]]]:
    """Each block's first row, and `size` rows of the arrays; rows of files are announced a block before."""
    with announcing(() if order is None else arrays) as announce:
        for first in range(0, count, size):
            rows = slice(first, first + size)
            if order is not None:
                announce(order[rows.stop if first else 0 : rows.stop + size])
            yield first, [None if a is None else _taken(a, rows, order) for a in arrays]


def _bytes(arrays: Sequence[Any], rows: int) -> int:
    return sum(a.nbytes * rows // len(a) for a in arrays if a is not None)


def _taken(array: Any, rows: slice, order: Any) -> Any:
    if order is None:
        part = array[rows]
        # As a plain array it is no copy either, and goes to the kernels that share work among threads.
        return part.view(numpy.ndarray) if type(part) is numpy.memmap else part
    if type(array) is numpy.ndarray:
        return array.take(order[rows], axis=0)
    return array[place(order[rows], device_of(array))]


def _is_ready(block: Any, where: Device) -> bool:
    """Whether parts of it need neither another type nor another place."""
    empty = block[:0]
    on_host = where.kind == "cpu" and type(block) is numpy.ndarray
    return on_host and not is_text(block) and with_our_floats(empty) is empty


def _tensor(part: Any, where: Device) -> Any:
    if is_text(part):
        return part
    part = with_our_floats(part)  # arrays in files are left as they are until here
    if where.kind != "cpu" or type(part) is not numpy.ndarray:
        part = place(part, where)
    return Tensor(part, None, None)
