"""What ops read of each other, and whether equal parts are connected so alike that one drawing is true of all.

And which variables that no op of a picture reads belong to one weight: averages of it, and sums of its gradients.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from viz.facts.schema import VARIABLES, Op, Record

__all__ = ["Used", "Wiring", "are_beside", "followed", "is_again", "start_of_sum", "unused_picks"]

Used = tuple[set[int], dict[int, int | None]]  # weights that are read, and calls of layers with their owners

_PICKS = ("cast", "reshape", "split", "take_index")  # ops that compute nothing: what nobody reads of them says nothing
_LARGE = 8  # boxes of a part of which two are drawn once
_FARTHEST = 24  # ops that results pass until they must have come together


class Wiring:
    """Where the ops of a picture read from, and where their results go.

    Parts that follow each other may be drawn once where this is true of all of them: each reads the one before in the
    same way (a chain), or none reads another, and what they make goes the same way.

    Args:
        record: the recording.
        ops: the ops of the picture.
        casts: casts that are shown with another op: what they read and make is looked through.
        made_inside: tensors from outside of all ops that a layer made itself: each call has its own.
    """

    def __init__(
        self, record: Record, ops: Iterable[Op], casts: Mapping[int, int], made_inside: frozenset[int]
    ) -> None:
        self.record, self.casts, self.made_inside = record, casts, made_inside
        self.readers: dict[int, list[int]] = {}  # of each op's results
        for op in ops:
            for producer in dict.fromkeys(self._producers(op)):
                self.readers.setdefault(producer, []).append(op.id)

    def _producers(self, op: Op) -> list[int]:
        """The ops that made what an op reads."""
        return [source for source in map(self._source, op.inputs) if isinstance(source, int)]

    def _source(self, tensor: int) -> Any:
        """The id of the op that made a tensor, as if nothing were cast; of another tensor, what stands for it."""
        info = self.record.tensors[tensor]
        while info.producer is not None and info.producer in self.casts:
            info = self.record.tensors[self.record.ops[info.producer].inputs[0]]
        if info.role in VARIABLES:
            return "variable"
        if info.producer is not None:
            return info.producer
        return "constant" if info.role != "input" or info.id in self.made_inside else ("given", info.id)

    def makers_of(self, ops: Iterable[int]) -> set[int]:
        """The ops that made what some ops read, as if nothing were cast."""
        return {maker for op in ops for maker in self._producers(self.record.ops[op])}

    def has_kernel(self, ops: Iterable[int]) -> bool:
        """Do ops read a weight of more than one axis, as what mixes its features has?"""
        read = [self.record.tensors[i] for op in ops for i in self.record.ops[op].inputs]
        return any(tensor.role in VARIABLES and len(tensor.shape) > 1 for tensor in read)

    def of_one_line(self, ops: Sequence[int]) -> int:
        """How many of some ops that follow each other, from the first on, ran in the same line of the user's code.

        An op by itself has neither a layer's name nor a pattern to know it by: `x * 2` here and `x * 1.5` in a loop
        below are no parts of one run.
        """
        places = [(source.file, source.line) if source else None for source in [self.record.ops[i].source for i in ops]]
        return next((i for i, place in enumerate(places) if place != places[0]), len(ops))

    def are_large_and_follow(self, parts: Sequence[Sequence[int]]) -> bool:
        """Are two parts, with many boxes of ops and weights, different layers of which one reads the other?

        Calls of the same layers, and what stands side by side, as the towers of a network that compares, are no such.
        """
        boxes = [len(part) + sum([bool(self._weights_of(op)) for op in part]) for part in parts]
        return min(boxes) >= _LARGE and self.are_layers_that_follow(parts)

    def are_layers_that_follow(self, parts: Sequence[Sequence[int]]) -> bool:
        """Have two parts weights, each its own, and does the second read the first?"""
        weights = [set[str]().union(*map(self._weights_of, part)) for part in parts]
        reads_the_other = not self.makers_of(parts[1]).isdisjoint(parts[0])
        return all(weights) and weights[0].isdisjoint(weights[1]) and reads_the_other

    def _weights_of(self, op: int) -> set[str]:
        """The names of the variables that an op reads."""
        read = [self.record.tensors[i] for i in self.record.ops[op].inputs]
        return {tensor.name for tensor in read if tensor.role in VARIABLES}

    def until_whole(self, before: Sequence[Sequence[int]], first: Sequence[Sequence[int]], most: int) -> int:
        """How many children later equal parts begin as whole rounds: those before make the first round of the loop.

        The first round of a loop gives no gradient to what it begins with, so it is no part of the run. Without this
        the run would begin in its middle, and each part would be the end of one round and the beginning of the next.

        Args:
            before: the ops of each child before the parts.
            first: those of each child in the first part.
            most: how many children later the parts may begin.
        """
        for later in range(1, most + 1):
            missing = len(first) - later
            if missing <= len(before) and self.are_again(before[len(before) - missing :], first[later:]):
                return later
        return 0

    def are_again(self, parts: Sequence[Sequence[int]], others: Sequence[Sequence[int]]) -> bool:
        """Do ops, in parts, do again in the same lines what others did, with the same weights?"""
        return len(parts) == len(others) and all(
            len(mine) == len(other) and all(map(self._is_again, mine, other)) for mine, other in zip(parts, others)
        )

    def _is_again(self, a: int, b: int) -> bool:
        ops = self.record.ops
        is_same = ops[a].name == ops[b].name and self._weights_of(a) == self._weights_of(b)
        return is_same and self.of_one_line([a, b]) == 2

    def alike(self, parts: Sequence[Sequence[int]]) -> int:
        """How many of some parts, from the first on, are connected alike. Each is the ids of its ops, in order."""
        place = {op: (number, position) for number, part in enumerate(parts) for position, op in enumerate(part)}
        known = [self._read(source, 0, place) for op in parts[0] for source in self._sources(op)]
        outside = [{read} for read in known]  # for each input, what the parts so far read there
        leave, is_chain = self._leaving(parts[0], place), False
        for number, part in enumerate(parts[1:], 1):
            reads = [self._read(source, number, place) for op in part for source in self._sources(op)]
            if len(reads) != len(known):
                return number
            for i, (mine, first) in enumerate(zip(reads, known)):
                if mine[0] == "back" and mine[1] == number and first[0] != "back":  # the first that can read the first
                    known[i], is_chain = mine, True
                elif mine != first and not mine[0] == first[0] == "outside":
                    return number
                outside[i].add(mine)
            if is_chain:
                is_like_first = self._leaving(parts[number - 1], place) == leave
            else:  # all read the same, or each something of its own: else nobody could tell which reads which
                is_told = all(len(seen) in (1, number + 1) for seen in outside)
                is_like_first = is_told and self._go_the_same_way(parts[0], part, {*parts[0], *part}, 0)
            if not is_like_first:
                return number
        return len(parts)

    def _sources(self, op: int) -> list[Any]:
        found = [self._source(i) for i in self.record.ops[op].inputs]
        start = start_of_sum(self.record.ops[op])
        return found if start is None else [*found[:start], "start", *found[start:]]

    def _read(self, source: Any, number: int, place: Mapping[int, tuple[int, int]]) -> tuple[Any, ...]:
        """Where a part reads: in itself, in a part so many back, or outside of all."""
        if source in place:
            part, position = place[source]
            return ("back", number - part, position) if part != number else ("own", position)
        return "outside", source

    def _leaving(self, part: Sequence[int], place: Container[int]) -> set[tuple[int, str]]:
        """Which results of a part, by their places in it, are read outside of all parts, and by which kinds of ops."""
        return {
            (position, self.record.ops[reader].name)
            for position, op in enumerate(part)
            for reader in self.readers.get(op, ())
            if reader not in place
        }

    def _go_the_same_way(self, some: Sequence[int], others: Sequence[int], inner: Container[int], far: int) -> bool:
        """Are the results of ops read by the same ops as those of others, or by equal ones until they come together?"""
        for a, b in zip(some, others):
            of_a, of_b = self._outer_readers(a, inner), self._outer_readers(b, inner)
            if of_a == of_b:
                continue
            names, other_names = ([self.record.ops[i].name for i in readers] for readers in (of_a, of_b))
            if far == _FARTHEST or names != other_names or not self._go_the_same_way(of_a, of_b, inner, far + 1):
                return False
        return True

    def _outer_readers(self, op: int, inner: Container[int]) -> list[int]:
        """What reads the results of an op outside of some parts; of a sum of many, what adds the last."""
        return [self._end_of_sum(reader) for reader in self.readers.get(op, ()) if reader not in inner]

    def _end_of_sum(self, op: int) -> int:
        ops, after = self.record.ops, self.readers.get(op, [])
        while len(after) == 1 and ops[op].name == ops[after[0]].name == "add":
            op, after = after[0], self.readers.get(after[0], [])
        return op


def is_again(before: Used, after: Used) -> bool:
    """Do two parts do the same again, rather than stand for layers that are each called once?

    They read the same weights. Or they have none, and no layers of their own.
    """
    if before[0] or after[0]:
        return not before[0].isdisjoint(after[0])
    own, others = [{a[1][i] for i in a[1].keys() - b[1].keys()} for a, b in ((before, after), (after, before))]
    return not own | others or bool(own & others - {None})


def start_of_sum(op: Op) -> int | None:
    """Where the 0 stands with which a sum in a loop begins, `total = 0` or Python's `sum`; None for other ops.

    The next rounds read the total there, so that this op is the first of theirs.
    """
    if op.name != "add" or len(op.inputs) != 1 or len(op.outputs) != 1 or len(op.settings) != 1:
        return None
    ((name, number),) = op.settings.items()
    if isinstance(number, bool) or not isinstance(number, (int, float)) or number != 0 or name not in ("x1", "x2"):
        return None
    return int(name == "x2")


def followed(
    record: Record, variables: Mapping[int, int], goes_to: Mapping[int, set[int]], reader_of: Mapping[int, int]
) -> dict[int, int]:
    """For variables that no op of the picture reads, the one weight that they belong to, which is updated.

    As a moving average, which is computed from it, and a sum of its gradients, which its update reads.
    """
    found: dict[int, set[int]] = {}
    alone = {variable for leads in goes_to.values() if len(leads) == 1 for variable in leads} - reader_of.keys()
    for number, leads in goes_to.items():
        op = record.ops[number]
        read = {variables[i] for i in op.inputs if i in variables}
        for variable in alone.intersection([*leads, *[variables[i] for i in op.outputs[:1] if i in variables]]):
            found.setdefault(variable, set()).update((read | leads) & reader_of.keys())
    updated = {variables.get(i) for op in goes_to for i in record.ops[op].outputs[:1]}
    return {variable: next(iter(of)) for variable, of in found.items() if len(of) == 1 and of <= updated}


def are_beside(record: Record, parts: list[list[int]]) -> bool:
    """Does no part read what another made, by itself or through what ran between them, such as an update of weights?"""
    part_of = {op: i for i, part in enumerate(parts) for op in part}
    first = min(part_of, default=0)
    for op, part in part_of.items():
        waiting, seen = [op], {op}
        while waiting:
            read = record.ops[waiting.pop()]
            for producer in [*record.parents(read), read.forward]:
                if producer is None or producer < first or producer in seen:
                    continue
                seen.add(producer)
                if producer not in part_of:  # a cast, say, which is shown with what it belongs to
                    waiting.append(producer)
                elif part_of[producer] != part:
                    return False
    return True


def unused_picks(
    record: Record, ops: Iterable[Op], calls: Sequence[int | None], keeps: Container[int]
) -> dict[int, int]:
    """Ops in layers that only take a part of what another made, and that nobody reads: to each, that other op.

    As of the states that a recurrent layer returns beside its answers. What a model returns counts as read, unless
    only other results of the same call are.
    """
    ops = list(ops)
    read = {i for op in ops for i in op.inputs}
    found: dict[int, int] = {}
    for op in ops:
        call = None if op.scope is None else calls[op.scope]
        maker = record.tensors[op.inputs[0]].producer if len(op.inputs) == 1 else None
        if op.means not in _PICKS or op.phase != "forward" or op.error or call is None or maker is None:
            continue
        returned = record.scopes[call].outputs
        is_result = not read.isdisjoint(op.outputs) or (
            not {*returned}.isdisjoint(op.outputs) and read.isdisjoint(returned)
        )
        if not is_result and op.id not in record.reads and maker in keeps:
            found[op.id] = found.get(maker, maker)
    return found
