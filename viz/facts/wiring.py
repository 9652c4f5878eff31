"""What ops read of each other, and whether equal parts are connected so alike that one drawing is true of all.

And which variables that no op of a picture reads belong to one weight: averages of it, and sums of its gradients.
"""

from __future__ import annotations

import collections
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
    same way (a chain), or none reads another and they read the same, or what they make comes together. Calls of the
    same layers from the same line may each be given something of their own, as a policy is in each step of a game.

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
        self._place: dict[
            int, tuple[int, int]
        ] = {}  # of an op in a run that is drawn once: the run, and where in a part
        self._runs = 0
        self._parted = set[int]()  # the ops of equal parts of which some read the same, and others something else
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

    def alike(self, parts: Sequence[Sequence[int]]) -> int:
        """How many of some parts, from the first on, are connected alike. Each is the ids of its ops, in order."""
        count = self._reading_alike(parts)
        if (end := self._first_end(parts[:count])) is None:
            return count
        return count - 1 if self._first_end(parts[: count - 1]) is None else end + 1

    def of_one_line(self, ops: Sequence[int]) -> int:
        """How many of some ops that follow each other, from the first on, ran in the same line of the user's code.

        An op by itself has neither a layer's name nor a pattern to know it by: `x * 2` here and `x * 1.5` in a loop
        below are no parts of one run.
        """
        places = [(source.file, source.line) if source else None for source in [self.record.ops[i].source for i in ops]]
        return next((i for i, place in enumerate(places) if place != places[0]), len(ops))

    def least(self, op: int, least: int) -> int:
        """How many equal parts make a run that begins with an op: of those that some read otherwise, two do."""
        return min(least, 2) if op in self._parted else least

    def are_large_and_follow(self, parts: Sequence[Sequence[int]]) -> bool:
        """Are two parts, with many boxes of ops and weights, different layers of which one reads the other?

        Calls of the same layers, and what stands side by side, as the towers of a network that compares, are no such.
        """
        boxes = [len(part) + sum([bool(self._weights_of(op)) for op in part]) for part in parts]
        return min(boxes) >= _LARGE and self.are_layers_that_follow(parts)

    def are_layers_that_follow(self, parts: Sequence[Sequence[int]]) -> bool:
        """Have two parts weights, each its own, and does one of them read the other?"""
        weights = [set[str]().union(*map(self._weights_of, part)) for part in parts]
        part_of = {op: number for number, part in enumerate(parts) for op in part}
        return all(weights) and weights[0].isdisjoint(weights[1]) and self._is_chain(parts, part_of)

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
            len(mine) == len(other) and all(map(self._is_same_again, mine, other)) for mine, other in zip(parts, others)
        )

    def _is_same_again(self, a: int, b: int) -> bool:
        return self.record.ops[a].name == self.record.ops[b].name and self._is_again(a, b)

    def note(self, parts: Sequence[Sequence[int]]) -> None:
        """These parts are drawn once: for what reads them they are one from now on."""
        self._runs += 1
        for part in parts:
            for position, op in enumerate(part):
                self._place[op] = self._runs, position

    def _reading_alike(self, parts: Sequence[Sequence[int]]) -> int:
        place = {op: (number, position) for number, part in enumerate(parts) for position, op in enumerate(part)}
        known: list[Any] = []  # for each input of a part: the part it reads, counted back, or what it reads outside
        outside: list[set[Any]] = []  # for each input, the different ops outside that the parts so far read there
        is_chain = is_apart = were_given = False
        is_same, same = True, 1  # how many parts from the first on read the same
        for number, part in enumerate(parts):
            reads = [self._read(source, number, place) for op in part for source in self._sources(op)]
            if number == 0:
                known = reads
                outside = [{read} for read in reads]
                continue
            if len(reads) != len(known):
                return number
            is_given = False
            for i, (mine, first) in enumerate(zip(reads, known)):
                if mine == first:
                    continue
                if mine[0] == "back" and mine[1] == number and first[0] != "back":  # the first that can read the first
                    known[i], is_chain = mine, True
                elif mine[0] == first[0] == "outside":
                    is_apart, is_given = True, is_given or self._is_given(mine[1], first[1])
                else:
                    return number
            if number > 1 and is_given != were_given:
                return number
            if is_given and not (self._are_given_apart(zip(known, reads)) and all(map(self._is_again, parts[0], part))):
                return number
            were_given = is_given
            if not is_chain and not self._come_together(parts[0], part) and (is_apart or self._part(parts[0], part)):
                return number
            for seen, read in zip(outside, reads):
                seen.add(read)
            is_same = is_same and all(len(seen) == 1 for seen in outside)
            same += is_same
            if is_apart and not is_given and not is_chain and not self._are_told(outside, number + 1):
                self._parted.update(op for part in parts for op in part)
                return same
        return len(parts)

    @staticmethod
    def _are_told(outside: Iterable[set[Any]], count: int) -> bool:
        """Does each of so many parts read the same op as all others, or one of its own?

        Else nobody could tell which reads which: a query may come from one layer, key and value from another.
        """
        return all(len(seen) in (1, count) for seen in outside)

    def _are_given_apart(self, reads: Iterable[tuple[Any, Any]]) -> bool:
        """Has each of two parts tensors of its own where the other has its, and no names that differ?"""
        pairs = [(a[1], b[1]) for a, b in reads if a[0] == b[0] == "outside" and self._is_given(a[1], b[1])]
        instead = dict(pairs)
        if len({*instead.values()}) < len(instead) or any(instead[a] != b for a, b in pairs):
            return False
        return all(a == b or self._are_of_one_name(a, b) for a, b in pairs)

    def _are_of_one_name(self, a: Any, b: Any) -> bool:
        """Have two tensors from outside one type, and no names that tell them apart?

        In each call a tensor takes the name of the `Input` that it is given to.
        """
        infos = [self.record.tensors[each[1]] for each in (a, b) if isinstance(each, tuple)]
        return len(infos) == 2 and (infos[0].dtype, infos[0].name) == (infos[1].dtype, infos[1].name)

    def _is_again(self, a: int, b: int) -> bool:
        """Does an op do again in the same line what another did, with the same weights?"""
        tensors, ops = self.record.tensors, (self.record.ops[a], self.record.ops[b])
        weights = [[tensors[i].name for i in op.inputs if tensors[i].role in VARIABLES] for op in ops]
        return weights[0] == weights[1] and self.of_one_line([a, b]) == 2

    def _sources(self, op: int) -> list[Any]:
        found = [self._source(i) for i in self.record.ops[op].inputs]
        start = start_of_sum(self.record.ops[op])
        return found if start is None else [*found[:start], "start", *found[start:]]

    def _read(self, source: Any, number: int, place: dict[int, tuple[int, int]]) -> tuple[Any, ...]:
        if source in place:
            part, position = place[source]
            return ("back", number - part, position) if part != number else ("own", position)
        return "outside", self._place.get(source, source)

    @staticmethod
    def _is_given(mine: Any, first: Any) -> bool:
        """Is one of two tensors a part of the batch, of which each has a box of its own?"""
        return any(isinstance(each, tuple) and each[0] == "given" for each in (mine, first))

    def _part(self, first: Sequence[int], other: Sequence[int]) -> bool:
        """Do two parts that read the same lead to different places, other than the rounds of a loop?

        The query, key and value of an attention read one tensor, and a box that stands for all three doesn't say which
        of them is multiplied by which.
        """
        inner = {*first, *other}
        pairs = [(a, b, self._outer(a, inner), self._outer(b, inner)) for a, b in zip(first, other)]
        return any(
            len(of_a) != len(of_b)
            or not all(map(self._is_same_again, of_a, of_b))
            or self._places(a, of_a) != self._places(b, of_b)
            for a, b, of_a, of_b in pairs
        )

    def _places(self, op: int, readers: Sequence[int]) -> list[list[int]]:
        """Which operands of its readers an op made."""
        return [
            [i for i, source in enumerate(self._producers(self.record.ops[each])) if source == op] for each in readers
        ]

    def _come_together(self, first: Sequence[int], other: Sequence[int]) -> bool:
        """Do the results of two parts go to the same ops?"""
        inner = {*first, *other}
        pairs = [(a, b) for a, b in zip(first, other) if self._outer(a, inner) or self._outer(b, inner)]
        if not pairs:  # each ends in a loss of its own, as the rounds of a training do
            return all(map(self._is_again, first, other))
        return all(self._go_the_same_way(a, b, inner, 0) for a, b in pairs)

    def _outer(self, op: int, inner: set[int]) -> list[int]:
        return [reader for reader in self.readers.get(op, ()) if reader not in inner]

    def _go_the_same_way(self, a: int, b: int, inner: set[int], far: int) -> bool:
        of_a, of_b = self._outer(a, inner), self._outer(b, inner)
        if of_a == of_b:
            return bool(of_a)
        names = [[self.record.ops[i].name for i in readers] for readers in (of_a, of_b)]
        if far == _FARTHEST or names[0] != names[1]:
            return False
        return all(
            x == y or self._leads_to(x, y) or self._go_the_same_way(x, y, inner, far + 1) for x, y in zip(of_a, of_b)
        )

    def _leads_to(self, op: int, other: int) -> bool:
        """Does what an op makes go to another through ops of one kind, as in a sum of many?"""
        name = self.record.ops[op].name
        while op < other:
            readers = [reader for reader in self.readers.get(op, ()) if self.record.ops[reader].name == name]
            if len(readers) != 1:
                return False
            op = readers[0]
        return op == other

    def _first_end(self, parts: Sequence[Sequence[int]]) -> int | None:
        """The first part with a result that leaves the row of parts as not all of them have; None without one.

        What the last part of a chain makes is read by others; of all parts before it this is only true where ops of one
        kind read every part (the concatenation of a recurrent layer's outputs).
        """
        part_of = {op: number for number, part in enumerate(parts) for op in part}
        if not self._is_chain(parts, part_of):
            return None
        left: dict[tuple[int, str], set[int]] = collections.defaultdict(set)
        for number, part in enumerate(parts):
            for position, op in enumerate(part):
                for reader in self.readers.get(op, ()):
                    if reader not in part_of:
                        left[position, self.record.ops[reader].name].add(number)
        odd = [min(numbers) for numbers in left.values() if len(numbers) < len(parts) and min(numbers) < len(parts) - 1]
        return min(odd, default=None)

    def _is_chain(self, parts: Sequence[Sequence[int]], part_of: dict[int, int]) -> bool:
        return any(
            part_of.get(source, number) != number
            for number, part in enumerate(parts)
            for op in part
            for source in self._sources(op)
        )


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
