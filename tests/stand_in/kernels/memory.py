"""Zones around arrays that nobody may write to, and the arrays that lie at addresses.

While kernels are there, each new array lies between two zones. Read as floats they are NaN, with bits that are other
ones for each array, so that what is read in one zone and written to another shows, too.
Whoever asks an array for its address is remembered, so that an address says which array is meant.
"""

from __future__ import annotations

import itertools
import weakref
from types import SimpleNamespace

import numpy

__all__ = ["GARBAGE", "HOME", "check_zones", "forget", "lying_at", "note_address", "placed", "room", "zones"]

GARBAGE = 0xFF
_ZONE, _ALIGNED = 1024, 256
_numbers = itertools.count()
_MARK = numpy.frombuffer(b"a zone begins   ", "u1")  # at the beginning of the first one
zones = [False]  # whether all new arrays lie between some
_owners: dict[int, weakref.ref] = {}  # by address


def forget():
    _owners.clear()


def room(size):
    """Memory between two zones, filled with garbage."""
    first = len(_MARK) + 16 + _ZONE
    whole = numpy.full(first + _ALIGNED + size + _ZONE, GARBAGE, "u1")
    start = first + -(whole.ctypes.data + first) % _ALIGNED
    number = next(_numbers)
    pattern = numpy.array([number % 256, number // 256 % 256, 0xF8, 0xFF], "u1")
    whole[: len(_MARK)] = _MARK
    whole[len(_MARK) : len(_MARK) + 16].view("i8")[:] = start, size  # what lies between the zones
    whole[start - _ZONE : start] = whole[start + size : start + size + _ZONE] = numpy.tile(pattern, _ZONE // 4)
    return whole[start : start + size]


def placed(numbers, block):
    """The same numbers in other memory, in the same order as far as they lie without gaps."""
    end = sum((length - 1) * step for length, step in zip(numbers.shape, numbers.strides)) + numbers.itemsize
    dense = end == numbers.nbytes and all(step >= 0 for step in numbers.strides)
    strides = numbers.strides if dense else None
    made = numpy.ndarray(numbers.shape, numbers.dtype, block, strides=strides)
    made[...] = numbers
    return made


def _garbage(make):
    """A function like NumPy's, whose arrays hold what no number is until they are written to."""

    def call(*args, **kwargs):
        found = make(*args, **kwargs)
        found[...] = numpy.frombuffer(bytes([GARBAGE]) * found.itemsize, found.dtype)[0]
        return found

    return call


HOME = SimpleNamespace(empty=_garbage(numpy.empty), empty_like=_garbage(numpy.empty_like))


def note_address(array):
    owner = array if array.base is None else array.base
    _owners[array._numbers.ctypes.data] = weakref.ref(owner)


def lying_at(address):
    """The array that owns the memory at an address, which somebody was told, and its bytes from there on."""
    owner = _owners[address]() if address in _owners else None
    if owner is None:
        raise AssertionError(f"a kernel is given {address:#x}, where no array lies any more")
    numbers = owner._numbers
    start = numbers.ctypes.data
    whole = numpy.lib.stride_tricks.as_strided(numbers.reshape(-1)[:1].view("u1"), (numbers.nbytes,), (1,))
    return owner, whole[address - start :]


def check_zones(arrays, what):
    """An error where something was written beside the memory that arrays, or those that they show, were given."""
    for array in arrays:
        whole = _whole(array._numbers)
        if whole is None:
            continue
        start, size = map(int, whole[len(_MARK) : len(_MARK) + 16].view("i8"))
        end = start + size
        before, behind = whole[start - _ZONE : start].reshape(-1, 4), whole[end : end + _ZONE].reshape(-1, 4)
        for zone, other, where in ((before, behind[-1], "before"), (behind, before[0], "behind")):
            if (zone != other).any():
                raise AssertionError(f"{what} writes {where} an array of shape {array.shape} and {array.dtype}")


def _whole(numbers):
    """All that was taken for an array with its zones; None where there are none."""
    while isinstance(numbers.base, numpy.ndarray):
        numbers = numbers.base
    zoned = numbers.dtype == "u1" and numbers.ndim == 1 and len(numbers) > 2 * _ZONE
    return numbers if zoned and (numbers[: len(_MARK)] == _MARK).all() else None
