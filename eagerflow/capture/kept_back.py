"""Which values of a run that is written down are kept: no more than the run itself holds, and its tape.

A recorder knows arrays by their identity, so it has to hold them as long as somebody may hand them to an operation.
Those that nobody else holds can't come again, unless a tape goes back through an operation that saved them.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy

from eagerflow.capture.instructions import Instruction, Ref
from eagerflow.core.device import is_array

__all__ = ["Gone", "KeptBack"]

_LEAST = 1 << 16  # bytes of an array that is worth dropping
_OFTEN = 1 << 23  # bytes of new arrays, from which on it is worth looking


class Gone(NamedTuple):
    """Stands for an array that was dropped."""

    shape: tuple[int, ...]
    dtype: Any
    nbytes: int


class KeptBack:
    """The arrays of a recorder. Where some are on a GPU, all are kept: CUDA graphs are compared with all of them.

    Args:
        arrays: by the numbers of slots; those that are dropped become `Gone`.
        slots: their numbers by their identity.
    """

    def __init__(self, arrays: list[Any], slots: dict[int, int]) -> None:
        self._arrays, self._slots = arrays, slots
        self._needed = Counter[int]()  # slots: by how many records that a tape may still go back through
        self._seen = 0  # how many arrays have been looked at
        self._large: dict[int, list[int]] = {}  # the numbers of arrays that may be dropped, by their identity
        self._new, self._held = 0, 0  # bytes
        self._is_off = False

    def need(self, refs: Iterable[Ref]) -> None:
        """An operation saved these for its gradient."""
        self._needed.update(number for ref in refs for number in ref.slots())

    def release(self, refs: Iterable[Ref]) -> None:
        """Its gradient was computed."""
        self._needed.subtract([number for ref in refs for number in ref.slots()])

    def lacks(self, instruction: Instruction) -> bool:
        """Whether an instruction reads what was dropped."""
        return any(self._arrays[number].__class__ is Gone for ref in instruction.refs() for number in ref.slots())

    def let_go(self) -> None:
        """Drop what nobody else holds, when there is enough new."""
        for number in range(self._seen, len(self._arrays)):
            self._see(number, self._arrays[number])
        self._seen = len(self._arrays)
        if not self._is_off and self._new > max(_OFTEN, self._held // 8):
            self._large = {key: numbers for key, numbers in self._large.items() if not self._dropped(numbers)}
            self._new, self._held = 0, sum([self._arrays[numbers[0]].nbytes for numbers in self._large.values()])

    def _see(self, number: int, array: Any) -> None:
        if array.__class__ is not numpy.ndarray:
            self._is_off = self._is_off or is_array(array)
        elif array.nbytes >= _LEAST:
            self._large.setdefault(id(array), []).append(number)
            self._new += array.nbytes

    def _dropped(self, numbers: list[int]) -> bool:
        """Drop an array if nobody else holds it."""
        alone = _ALONE + len(numbers) - 1
        if any(self._needed[number] > 0 for number in numbers) or _references(self._arrays, numbers[0]) > alone:
            return False
        array = self._arrays[numbers[0]]
        self._slots.pop(id(array), None)  # its identity may soon be another one's
        for number in numbers:
            self._arrays[number] = Gone(array.shape, array.dtype, array.nbytes)
        return True


def _references(arrays: list[Any], number: int) -> int:
    return sys.getrefcount(arrays[number])


_ALONE = _references([numpy.empty(1)], 0)  # to an array that only the list holds; versions of Python count otherwise
