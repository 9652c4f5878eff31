"""Equal parts that follow each other in a tree of blocks: where they are, and the tree in which they are folded."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from viz.facts.blocks import LEAST_OPS, Block, Run, calls_title, is_as_an_op, leaves, stand_in, taking_turns
from viz.facts.schema import Record
from viz.facts.wiring import Wiring

__all__ = ["find_runs", "fold"]

_LONGEST_PERIOD = 48


def fold(
    record: Record, root: Block, signature: Callable[[int], Any], wiring: Wiring, least: int = 3
) -> dict[int, int]:
    """Fold runs of equal parts, everywhere in the tree, in place; gives the op that stands for each folded one.

    `least` parts make a run; of ops alone it takes three, and of large parts that follow each other two are enough.
    """
    find_runs(root, signature, wiring, least)
    stands_for: dict[int, int] = {}
    _fold(record, root, stands_for)
    return {op: _last(stands_for, op) for op in stands_for}


def _last(stands_for: dict[int, int], op: int) -> int:
    while op in stands_for:
        op = stands_for[op]
    return op


class _Numbers(dict[Any, int]):
    """A number for each signature, so that comparing long ones is cheap."""

    def __missing__(self, key: Any) -> int:
        self[key] = number = len(self)
        return number


def find_runs(root: Block, signature: Callable[[int], Any], wiring: Wiring, least: int = 3) -> None:
    """Note in each block where at least `least` equal parts follow each other, and fold nothing. See `fold`."""
    numbers, marked = _Numbers(), dict[int, int]()  # the number of each block, by its id
    for block in _inner_first(root):
        marks = [
            numbers["op", signature(child)] if isinstance(child, int) else marked[id(child)] for child in block.children
        ]
        block.runs = [] if block.terms and block.terms.is_sum else _runs(block.children, marks, wiring, least)
        cls = block.scope.cls if block.scope else ""
        marked[id(block)] = numbers[block.kind, cls, tuple(marks), tuple(block.runs)]


def _inner_first(root: Block) -> list[Block]:
    """All blocks, each after those in it and after those that ran before."""
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += [child for child in found[-1].children if isinstance(child, Block)]
    return found[::-1]


def _runs(children: list[Any], marks: list[int], wiring: Wiring, least: int) -> list[Run]:
    found = []
    at = done = 0
    while at < len(marks):
        period, count = _run(children, marks, at, wiring, least)
        if count > 1:
            at += _later(children, marks, (at, period, count), wiring, done)
            done = at + period * count
            found.append((at, period, count))
        at += period * count
    return found


def _later(children: list[Any], marks: list[int], run: Run, wiring: Wiring, done: int) -> int:
    """By how many children a run is to begin later, so that its parts are whole rounds, or blocks of layers."""
    at, period, count = run
    if period == 1:
        return 0
    pairs = zip(marks[at + period * count :], marks[at : at + period - 1])
    most = sum([1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)])
    is_of_layers = wiring.are_layers_that_follow(_ops_of_parts(children, at, period, 2))
    begin = max(0 if is_of_layers else done, at - period)
    ops = [[*leaves(child)] for child in children[begin : at + 2 * period]]
    first = at - begin
    if is_of_layers:
        later = _to_next_border(wiring, ops, first, period, most)
    else:
        later = wiring.until_whole(ops[:first], ops[first : first + period], most)
    return later if wiring.alike(_ops_of_parts(children, at + later, period, count)) == count else 0


def _to_next_border(wiring: Wiring, ops: Sequence[Sequence[int]], first: int, period: int, most: int) -> int:
    """By how many children equal parts are to begin later, so that they begin where blocks do.

    That is where the fewest results pass from what is before to what is behind; of several such places where what
    passes is read most often, as by the two ways of a residual connection; and of a row of layers at one that mixes
    features, rather than at what scales or activates its result.

    Args:
        wiring: says what ops read.
        ops: those of each child in the first two parts, and before them.
        first: the position of the first child of the first part.
        period: how many children a part has.
        most: how many children later the parts may begin.
    """
    child_of = {op: i for i, child in enumerate(ops) for op in child}
    made = [wiring.makers_of(child) for child in ops]

    def cost(later: int) -> tuple[int, int, bool]:
        at = first + later
        read = [maker for makers in made[at : at + period] for maker in makers if child_of.get(maker, -1) < at]
        readers = collections.Counter(read)
        return len(readers), -max(readers.values(), default=0), not wiring.has_kernel(ops[at])

    return min(range(most + 1), key=cost)


def _run(children: list[Any], marks: Sequence[Any], at: int, wiring: Wiring, least: int) -> tuple[int, int]:
    """The shortest period that repeats from `at` on, and how often it does."""
    for period in range(1, min(_LONGEST_PERIOD, (len(marks) - at) // 2) + 1):
        if marks[at] != marks[at + period]:
            continue
        has_block = not all(map(is_as_an_op, children[at : at + period]))
        enough = least if has_block else max(least, LEAST_OPS)
        count, end = 1, at + period
        while marks[end : end + period] == marks[at : at + period]:
            count, end = count + 1, end + period
        if has_block and 1 < count < enough and wiring.are_large_and_follow(_ops_of_parts(children, at, period, 2)):
            enough = 2
        if count >= enough and period == 1 and is_as_an_op(children[at]):
            count = wiring.of_one_line([next(leaves(child)) for child in children[at : at + count]])
        if count >= enough:
            count = wiring.alike(_ops_of_parts(children, at, period, count))
        if count >= enough:
            return period, count
    return 1, 1


def _ops_of_parts(children: list[Any], at: int, period: int, count: int) -> list[list[int]]:
    """The ids of the ops of parts that follow each other."""
    starts = range(at, at + period * count, period)
    return [[op for child in children[start : start + period] for op in leaves(child)] for start in starts]


def _fold(record: Record, block: Block, stands_for: dict[int, int]) -> None:
    """Fold inside `block`."""
    for child in block.children:
        if not isinstance(child, int):
            _fold(record, child, stands_for)
    children, found, done = block.children, list[Any](), 0
    for at, period, count in block.runs:
        parts = [children[at + i * period : at + (i + 1) * period] for i in range(count)]
        for part in parts[1:]:
            for mine, first in zip(part, parts[0]):
                _pair(mine, first, stands_for)
        found += children[done:at]
        found.append(_repeated(record, parts))
        done = at + period * count
    block.children = found + children[done:]


def _repeated(record: Record, parts: list[list[Any]]) -> Block:
    made, first = stand_in(record, parts), parts[0]
    _share_owners(parts)
    if made.scope is None:
        for equal in zip(*parts):
            if isinstance(equal[0], Block) and equal[0].repeats == 1:
                equal[0].names = tuple(taking_turns(list(equal)))
        return made
    first[0].names, first[0].repeats = made.names, made.repeats
    first[0].is_beside = made.is_beside
    first[0].others += [part[0].children for part in parts[1:]]
    return first[0]


def _share_owners(parts: list[list[Any]]) -> None:
    """Let all in the first of equal parts say what the others' own, too: what is in it adds up to what it is.

    And which calls of a layer it stands for.
    """
    waiting = [parts]
    while waiting:
        for equal in zip(*waiting.pop()):
            if isinstance(equal[0], Block):
                equal[0].title = calls_title(equal)
                equal[0].owners = equal[0].owners.union(*[block.owners for block in equal])
                waiting.append([block.children for block in equal])
                waiting += [list(others) for others in zip(*[block.others for block in equal])]


def _pair(mine: Any, first: Any, stands_for: dict[int, int]) -> None:
    """Let the ops of `first` stand for those of the equal part `mine`."""
    for folded, shown in zip(leaves(mine), leaves(first), strict=True):
        if folded != shown:
            stands_for[folded] = shown
