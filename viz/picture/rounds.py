"""The rounds that one part of a picture stands for: what are they, and does an arrow between their ends tell a loop?"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence

from viz.facts.selection import Selection, origin
from viz.facts.wiring import Used, is_again

__all__ = ["Rounds"]


class Rounds:
    """The ops that were folded into others.

    Args:
        selection: what the picture shows.
        stands_for: for each op that was folded away, the equal one that is shown.
        instances: for each that is shown, those that it stands for.
    """

    def __init__(
        self, selection: Selection, stands_for: Mapping[int, int], instances: Mapping[int, Sequence[int]]
    ) -> None:
        self._record, self._selection = selection.record, selection
        self._stands_for, self._instances = stands_for, instances
        self._rounds: dict[int, list[int]] = {}  # op that is shown -> itself and those that it stands for, in order
        self._loops: dict[tuple[int, int, int, int], bool] = {}  # two parts that follow each other: are they a loop's?

    def hides(self, producer: int, consumer: int) -> bool:
        """Would the arrow lead from the end of a folded part to its beginning, where that is no loop?"""
        ops = self._record.ops
        if ops[producer].phase == "backward" and ops[consumer].phase == "backward":
            forward = [(ops[i].forward, i) for i in (consumer, producer)]
            producer, consumer = [i if found is None else found for found, i in forward]
        casts = self._selection.casts
        first, last = [self._stands_for.get(i, casts.get(i, i)) for i in (consumer, producer)]
        if (last, first) == (producer, consumer) or last < first:
            return False
        begins, ends = self.equal(first), self.equal(last)
        part = (
            begins[max(0, bisect.bisect_right(begins, producer) - 1)],
            producer,
            consumer,
            ends[min(bisect.bisect_left(ends, consumer), len(ends) - 1)],
        )
        if part not in self._loops:
            self._loops[part] = is_again(self._used(*part[:2]), self._used(*part[2:]))
        return not self._loops[part]

    def begins(self, op: int, tensor: int) -> bool:
        """Does an op read a tensor in the first round of a loop only, and in each other what the round before made?

        Layers that were folded, of which each reads what the one before it made, are no loop: no arrow leads back.
        """
        rounds, ops = self.equal(self._stands_for.get(op, op)), self._record.ops
        if len(rounds) == 1 or rounds[0] != op:
            return False
        place = ops[op].inputs.index(tensor)
        read = [ops[later].inputs[place] for later in rounds[1:] if place < len(ops[later].inputs)]
        makers = [self._record.tensors[each].producer for each in read]
        if not makers or not all(maker is not None and maker >= op for maker in makers):
            return False
        return makers[0] is not None and not self.hides(makers[0], rounds[1])

    def goes_on(self, producer: int, consumer: int, owner: int | None) -> bool:
        """Does one of two ops of a box read in a round what the other made in the round before?

        Of ops that compute gradients, what they are the gradients of tells the round.

        Args:
            producer: what made it.
            consumer: what reads it.
            owner: the layer whose calls the box shows, each of them a round; None for a box of equal ops, each one.
        """
        ops = self._record.ops
        made, read = [origin(self._record, ops[i]).id for i in (producer, consumer)]
        if owner is None:
            rounds = self.equal(self._stands_for.get(read, read))
            return made != read and made in rounds and read in rounds
        calls = [self._call(ops[i].scope, owner) for i in (made, read)]
        return calls[0] != calls[1] and None not in calls

    def _call(self, scope: int | None, owner: int) -> int | None:
        """The outermost call of a layer around a scope; None where there is none."""
        calls = [each.id for each in self._record.ancestors(scope) if each.owner == owner]
        return calls[-1] if calls else None

    def equal(self, shown: int) -> list[int]:
        """An op that is shown and those that it stands for, in order."""
        if shown not in self._rounds:
            self._rounds[shown] = sorted([shown, *self._instances.get(shown, ())])
        return self._rounds[shown]

    def _used(self, first: int, last: int) -> Used:
        """What forward ops use, from one to another."""
        record, variables = self._record, self._selection.variables
        ops = [op for op in record.ops[first : last + 1] if op.phase == "forward"]
        read = {variables[i] for op in ops for i in op.inputs if i in variables}
        scopes = {op.scope for op in ops}
        calls = {s.id: s.owner for i in scopes for s in record.ancestors(i) if s.kind in ("layer", "model")}
        return {i for i in read if record.tensors[i].role != "state"}, calls
