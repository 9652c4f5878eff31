"""Less memory for a captured step: what is quickly computed again isn't kept for the way back.

Most of a step's memory at its peak are values that forward operations leave for backward ones. Where such a value came
out of a cheap operation whose own inputs are kept anyway, it is dropped after its last use on the way there, and
computed again before its first use on the way back, from the same arrays by the same kernel: so it has the same bits.

Source: Chen et al., "Training deep nets with sublinear memory cost", 2016, with what to keep chosen by cost.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from itertools import pairwise

from eagerflow.capture.programs.instructions import Compute, Instruction

__all__ = ["Plan", "dropped"]

# One pass over their arrays, or two; or none at all.
_CHEAP = frozenset(
    """
    add batch_normalization broadcast_to cast clip layer_norm leaky_relu masked_scale maximum minimum multiply negative
    normalize_batch relu reshape subtract transpose
    """.split()
)
_LEAST = 1 << 18  # bytes of a value, below which it isn't worth it
_FAR = 8  # instructions between two uses, from which a value counts as kept
_DEEPEST = 4  # operations after each other that are computed again for one value

Plan = dict[int, tuple[int, list[Compute]]]  # by the number of a use: the slot, and what is computed again before it


class _Kept:
    """Which slots are used when; those of what the step gives, in the end, too."""

    def __init__(self, instructions: Sequence[Instruction], inputs: Sequence[int], outputs: Iterable[int]) -> None:
        self.uses: dict[int, list[int]] = {}
        self.made: dict[int, int] = dict.fromkeys(inputs, -1)
        for i, instruction in enumerate(instructions):
            for ref in instruction.refs():
                for slot in ref.slots():
                    self.uses.setdefault(slot, []).append(i)
            for slot in instruction.outs:
                self.made.setdefault(slot, i)
        for slot in outputs:
            self.uses.setdefault(slot, []).append(len(instructions))

    def use_for(self, again: Sequence[Compute], at: int) -> None:
        """What is computed again needs its inputs to be there then."""
        made = {n for each in again for n in each.outs}
        for number in {n for each in again for n in each.taken()} - made:
            insort(self.uses[number], at)

    def alive(self, slot: int, at: int) -> bool:
        """Whether a slot is there at an instruction, for others."""
        return self.made.get(slot, at) < at and self.uses.get(slot, [-1])[-1] >= at


def dropped(
    instructions: Sequence[Instruction], inputs: Sequence[int], outputs: set[int], sizes: Sequence[int]
) -> tuple[Plan, dict[int, list[int]]]:
    """What to compute again, and after which instructions slots are dropped until then.

    Args:
        instructions: of the step.
        inputs: slots of its arguments.
        outputs: slots of what it gives.
        sizes: bytes of the slots' values.
    """
    kept, plan, drops = _Kept(instructions, inputs, outputs), Plan(), dict[int, list[int]]()
    gone: dict[int, tuple[int, int]] = {}  # slots that aren't there between two instructions
    for slot in sorted(kept.made, key=lambda s: -sizes[s]):
        uses = [kept.made[slot], *kept.uses.get(slot, [])]
        if sizes[slot] < _LEAST or kept.made[slot] < 0 or slot in outputs or len(uses) < 2:
            continue
        gap, last, following = max((b - a, a, b) for a, b in pairwise(uses))
        if gap < _FAR or following in plan:
            continue
        again = _again(instructions, kept, gone, slot, following, _DEEPEST)
        if again is not None:
            kept.use_for(again, following)
            plan[following] = (slot, again)
            drops.setdefault(last, []).append(slot)
            gone[slot] = (last, following)
    return plan, drops


def _again(
    instructions: Sequence[Instruction], kept: _Kept, gone: dict[int, tuple[int, int]], slot: int, at: int, deep: int
) -> list[Compute] | None:
    """What makes a slot's value again from what is there at an instruction; None where nothing cheap does."""
    made = instructions[kept.made[slot]] if kept.made.get(slot, -1) >= 0 else None
    if not isinstance(made, Compute) or made.op.name not in _CHEAP or not deep:
        return None
    found: list[Compute] = []
    for number in made.taken():
        away = gone.get(number)
        if kept.alive(number, at) and (away is None or not away[0] < at <= away[1]):
            continue
        before = _again(instructions, kept, gone, number, at, deep - 1)
        if before is None:
            return None
        found += [each for each in before if each not in found]
    return [*found, made]
