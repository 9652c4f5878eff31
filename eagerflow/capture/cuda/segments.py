"""A stretch of a captured step on a GPU as one CUDA graph.

A graph works on fixed addresses. What comes from elsewhere is copied to its place before each launch; weights are read
where they lie, and where one has moved since, the graph is recorded again. What a graph gives lies in its own memory
until the next launch: what leaves the step is copied out (`graphs.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow.capture.closeness import not_close
from eagerflow.capture.cuda.recording import Recording
from eagerflow.capture.programs.instructions import Instruction

__all__ = ["Ground", "Segment", "is_plain", "root_of"]

_SOON = 2  # calls after a recording: a weight that has moved by then, twice, isn't read in its place any more


class Ground:
    """What the graphs of one program share: what later ones take from earlier ones, and whose memory is theirs.

    Attributes:
        held: what graphs give, by slot: later ones read it where it lies.
    """

    def __init__(self) -> None:
        self.held: dict[int, Any] = {}
        self._roots: dict[int, list[Any]] = {}  # by segment: arrays whose memory graphs write to
        self._identities: frozenset[int] = frozenset()  # of all of them

    def keep(self, segment: int, arrays: Sequence[Any]) -> None:
        """The arrays of a segment, in place of those that it had."""
        self._roots[segment] = [root_of(array) for array in arrays]
        self._identities = frozenset(id(root) for roots in self._roots.values() for root in roots)

    def fresh(self, array: Any) -> Any:
        """An array that later launches don't write to: itself, or a copy."""
        return array.copy(order="K") if id(root_of(array)) in self._identities else array


def is_plain(value: Any) -> bool:
    """Whether a value is none of an array's, so that it can only depend on shapes and types."""
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str, numpy.dtype))


def root_of(array: Any) -> Any:
    """The array that owns the memory."""
    base = getattr(array, "base", None)
    return array if base is None else base


class _Direct(NamedTuple):
    """A weight that is read where it lies."""

    position: int
    address: int
    strides: tuple[int, ...]


class Segment:
    """Instructions one after the other, as one CUDA graph, which is recorded when they are first called."""

    def __init__(
        self,
        number: int,
        ground: Ground,
        instructions: Sequence[Instruction],
        taken: Sequence[int],
        given: Sequence[int],
        weights: set[int],
    ) -> None:
        self.number, self.ground, self.instructions = number, ground, instructions
        self.taken, self.given = list(taken), list(given)
        self.recorded = 0
        self._weights = weights.intersection(taken)
        self._moves = dict.fromkeys(self._weights, 0)
        self._calls = 0  # since it was recorded
        self._graph: Any = None
        self._recording: Recording | None = None  # with memory for this graph alone
        self._direct: list[_Direct] = []
        self._buffers: list[tuple[int, Any]] = []  # by the position of what is copied there
        self._plain: list[tuple[int, Any]] = []  # by position: what is no array, and was taken as it was
        self._read: dict[int, Any] = {}  # of what earlier graphs hold, by slot
        self._given: tuple[Any, ...] = ()

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        """The arrays of `given`, from those of `taken`."""
        if self._graph is None or not self._fits(values):
            return self._record(values)
        self._calls += 1
        self._fill(values)
        self._graph.launch()
        return self._given

    def _fits(self, values: Sequence[Any]) -> bool:
        """Whether all lies where the graph reads it."""
        held = self.ground.held
        if any(held[slot] is not array for slot, array in self._read.items()):
            return False
        if any(values[position] != value for position, value in self._plain):
            return False
        moved = [each for each in self._direct if not _lies_there(values[each.position], each)]
        for each in moved:
            self._moves[self.taken[each.position]] += self._calls <= _SOON
        return not moved

    def _fill(self, values: Sequence[Any]) -> None:
        for position, buffer in self._buffers:
            value = values[position]
            if value.flags.c_contiguous and buffer.flags.c_contiguous and value.size:  # a third of a kernel's time
                buffer.data.copy_from_device_async(value.data, value.nbytes)
            else:
                buffer[...] = value

    def _record(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Make the graph, and launch it."""
        self._graph, self._given = None, ()
        self._recording = recording = Recording()
        self._direct, self._buffers, self._plain = [], [], []
        arrays: dict[int, Any] = {}
        with recording.memory():
            for position, (slot, value) in enumerate(zip(self.taken, values)):
                if is_plain(value):
                    arrays[slot] = value
                    self._plain.append((position, value))
                elif slot in self._weights and self._moves[slot] < _SOON:
                    arrays[slot] = value
                    self._direct.append(_Direct(position, value.data.ptr, value.strides))
                else:
                    arrays[slot] = recording.cupy.empty_like(value)
                    self._buffers.append((position, arrays[slot]))
        self._fill(values)
        held = self.ground.held
        inside = {n for each in self.instructions for n in each.outs}
        used = {n for each in self.instructions for n in each.taken()}
        self._read = {n: held[n] for n in used - inside if n in held}
        arrays |= self._read
        self._compute(arrays)  # kernels are compiled and loaded when they are first called, which isn't for captures
        graph, found = recording.capture(lambda: self._compute(arrays))
        self._fill(values)  # a rule may have worked in the memory of its arguments
        given = tuple([found[slot] for slot in self.given])
        of_weights = [root_of(values[each.position]) for each in self._direct]
        if any(root_of(array) is root for array in given for root in of_weights):  # which must be free to change
            self._moves = dict.fromkeys(self._weights, _SOON)
            return self._record(values)
        self._graph, self._given = graph, given
        self.recorded += 1
        self._calls = 0
        self.ground.keep(
            self.number, [*[buffer for _, buffer in self._buffers], *[x for x in given if not is_plain(x)]]
        )
        self.ground.held.update(zip(self.given, given))
        self._graph.launch()
        return given

    def _compute(self, arrays: dict[int, Any]) -> dict[int, Any]:
        """All values, from those given."""
        arrays = dict(arrays)
        for instruction in self.instructions:
            arrays.update(zip(instruction.outs, instruction.compute(arrays)))
        return arrays

    def difference(self, values: Sequence[Any]) -> str | None:
        """Where the graph gives something else than its instructions one by one, in words.

        Args:
            values: the arrays of `taken`; graphs before this one were asked before.
        """
        given = dict(zip(self.taken, values)) | {slot: self.ground.held[slot] for slot in self._read}
        copies = {slot: value if is_plain(value) else value.copy(order="K") for slot, value in given.items()}
        expected = self._compute(copies)
        found = dict(zip(self.given, self(*values)))
        self._calls = _SOON + 1  # the eager run held weights, so that they lie elsewhere soon: that doesn't count
        for instruction in self.instructions:
            for slot in found.keys() & set(instruction.outs):
                apart = not_close(found[slot], expected[slot])
                if apart is not None:
                    return f"{instruction.name} gives {apart} in a CUDA graph"
        return None


def _lies_there(array: Any, place: _Direct) -> bool:
    return bool(array.data.ptr == place.address and array.strides == place.strides)
