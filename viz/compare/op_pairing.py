"""Which ops of two recordings stand for each other."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

from viz.compare.op_places import Places
from viz.compare.sequence_alignment import align
from viz.facts import formatting
from viz.facts.schema import Op, Record
from viz.facts.selection import step_numbers

__all__ = ["Pairing"]


class Pairing:
    """The ops of two recordings, side by side.

    Args:
        a, b: the recordings.
        chosen: the positions of the one step of each to compare, or the numbers of those of both; None: all of both.

    Attributes:
        pairs: ops that stand for each other, in order.
        removed, added: ops that only the first and only the second has.
        notes: what was left out.
        steps: the numbers of the steps of each that were compared, where some were named: here, or when one of the two
            was recorded. None: all.
    """

    def __init__(self, a: Record, b: Record, chosen: tuple[int, int] | Container[int] | None) -> None:
        self.a, self.b = a, b
        self.places = Places(a), Places(b)
        self.pairs: list[tuple[Op, Op]] = []
        self.removed: list[Op] = []
        self.added: list[Op] = []
        self.notes: list[str] = []
        self.steps: tuple[frozenset[int], frozenset[int]] | None = None
        for ops_a, ops_b in self._parts(chosen):
            self._pair(ops_a, ops_b)
        self.pairs.sort(key=lambda pair: (pair[1].id, pair[0].id))

    def _parts(self, chosen: tuple[int, int] | Container[int] | None) -> list[tuple[list[Op], list[Op]]]:
        """What is compared with what: step by step, and what ran outside of steps."""
        parts_a, parts_b = _by_step(self.a), _by_step(self.b)
        if isinstance(chosen, tuple):
            self._name_steps([chosen])
            return [(parts_a.get(chosen[0], []), parts_b.get(chosen[1], []))]
        if bool(self.a.steps) != bool(self.b.steps):  # the ops of one go with the first step of the other
            begin_a, begin_b = [[op for op in record.ops if op.step in (None, 0)] for record in (self.a, self.b)]
            return [(begin_a, begin_b)]
        shared = self._shared_steps(chosen)
        if chosen is not None or _is_of_chosen_steps(self.a) or _is_of_chosen_steps(self.b):
            self._name_steps(shared)
        steps = [(parts_a.get(i, []), parts_b.get(j, [])) for i, j in shared]
        outside = [] if chosen is not None else self._outside(parts_a.get(None, []), parts_b.get(None, []))
        return [*outside, *steps]

    def _name_steps(self, shared: Sequence[tuple[int, int]]) -> None:
        known = step_numbers(self.a), step_numbers(self.b)
        numbers = [frozenset([known[side][pair[side]] for pair in shared]) for side in (0, 1)]
        self.steps = numbers[0], numbers[1]

    def _outside(self, ops_a: list[Op], ops_b: list[Op]) -> list[tuple[list[Op], list[Op]]]:
        """What ran outside of steps, where both recorded that."""
        if _is_of_chosen_steps(self.a) == _is_of_chosen_steps(self.b):
            return [(ops_a, ops_b)]
        count = len(ops_a) + len(ops_b)
        if count:
            which = "first" if _is_of_chosen_steps(self.a) else "second"
            told = f"{formatting.count(count, 'op')} outside of steps {'is' if count == 1 else 'are'} left out"
            self.notes.append(f"{told}: the {which} has only the steps that were chosen")
        return []

    def _shared_steps(self, chosen: Container[int] | None) -> list[tuple[int, int]]:
        """Positions of the steps that both recorded; where they share none, in their order."""
        numbers_a, numbers_b = _numbers(self.a), _numbers(self.b)
        if chosen is not None:
            both = [n for n in numbers_a if n in numbers_b and n in chosen]
            if both:
                self.notes.append(f"{_steps(both)} of both {'was' if len(both) == 1 else 'were'} compared, as asked")
            return [(numbers_a[n], numbers_b[n]) for n in both]
        shared = [(numbers_a[n], numbers_b[n]) for n in numbers_a if n in numbers_b]
        if not shared:
            shared = list(zip(numbers_a.values(), numbers_b.values()))
            told = [f"step {m} with step {n}" for m, n in zip(numbers_a, numbers_b)][:3]
            if told:
                others = ", and so on" * (len(shared) > len(told))
                self.notes.append(f"no step was recorded by both; compared by position: {', '.join(told)}{others}")
        self._tell(numbers_a, numbers_b, shared)
        return shared

    def _tell(self, numbers_a: dict[int, int], numbers_b: dict[int, int], shared: list[tuple[int, int]]) -> None:
        """Say which steps were compared, where some were left out."""
        left_out = []
        for side, (numbers, which) in enumerate(((numbers_a, "first"), (numbers_b, "second"))):
            taken = {pair[side] for pair in shared}
            left = [number for number, index in numbers.items() if index not in taken]
            left_out += [f"{_steps(left)} of the {which}"] if left else []
        if left_out:
            both = [number for number in numbers_a if number in numbers_b]
            compared = f"{_steps(both)} of both {'was' if len(both) == 1 else 'were'} compared; " if both else ""
            self.notes.append(f"{compared}left out: {' and '.join(left_out)}")

    def _pair(self, ops_a: list[Op], ops_b: list[Op]) -> None:
        """By name, place and result; what is left between two pairs by name and place, then by name and class."""
        tokens: list[Callable[[int, Op], Any]] = [self._exact, self._full, self._loose]
        left = [(ops_a, ops_b)]
        for token in tokens:
            gaps = []
            for part_a, part_b in left:
                matched = align([token(0, op) for op in part_a], [token(1, op) for op in part_b])
                self.pairs += [(part_a[i], part_b[j]) for i, j in matched]
                gaps += _gaps(part_a, part_b, matched)
            left = gaps
        self.removed += [op for part, _ in left for op in part]
        self.added += [op for _, part in left for op in part]

    def _exact(self, side: int, op: Op) -> Any:
        tensors = (self.b if side else self.a).tensors
        return *self._full(side, op), tuple([(tensors[i].shape[1:], tensors[i].dtype) for i in op.outputs])

    def _full(self, side: int, op: Op) -> Any:
        return op.phase, op.name, self.places[side].path(op), self._target(side, op)

    def _loose(self, side: int, op: Op) -> Any:
        return op.phase, op.name, self.places[side].owner(op), self._target(side, op)

    def _target(self, side: int, op: Op) -> str:
        """For changes in place, which of a layer's weights it is."""
        if op.phase != "update" or not op.inputs:
            return ""
        record = self.b if side else self.a
        return record.tensors[op.inputs[0]].name.rpartition("/")[2]


def _numbers(record: Record) -> dict[int, int]:
    """The position of each step by its number, which counts those that weren't recorded, too."""
    return {number: index for index, number in enumerate(step_numbers(record))}


def _steps(numbers: list[int]) -> str:
    return f"step{'s' * (len(numbers) > 1)} {formatting.ranges(numbers)}"


def _is_of_chosen_steps(record: Record) -> bool:
    """Whether it holds nothing but steps that were chosen."""
    return any(step.number is not None for step in record.steps)


def _by_step(record: Record) -> dict[int | None, list[Op]]:
    found: dict[int | None, list[Op]] = {}
    for op in record.ops:
        found.setdefault(op.step, []).append(op)
    return found


def _gaps(a: Sequence[Op], b: Sequence[Op], matched: list[tuple[int, int]]) -> list[tuple[list[Op], list[Op]]]:
    """What lies between matched pairs."""
    found, before_a, before_b = [], 0, 0
    for i, j in [*matched, (len(a), len(b))]:
        if i > before_a or j > before_b:
            found.append((list(a[before_a:i]), list(b[before_b:j])))
        before_a, before_b = i + 1, j + 1
    return found
