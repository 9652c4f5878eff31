"""Equal parts that follow each other in a tree of blocks: where they are, and the tree in which they are folded."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from viz.facts.blocks import Block, Run, calls_title, is_as_an_op, leaves, stand_in, taking_turns
from viz.facts.schema import Record
from viz.facts.wiring import Wiring

__all__ = ["find_runs", "fold"]

_LONGEST_PERIOD = 48
_LEAST_OPS = 3  # equal ones, or rows of them, that follow each other: of two a reader needs none to be folded
_LEAST_LARGE = 2  # equal parts, one behind the other, that have many boxes


_MOST_OF_BLOCK = 0.7  # what branches off where a block begins is read after at least so large a part of it


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
        runs = [] if block.terms and block.terms.is_sum else _runs(block.children, marks, wiring, least)
        held = {run: _within(block.children, marks, run, wiring, least) for run in runs if run[1] > least}
        block.runs, block.inner = _around(block.children, marks, runs, wiring, least)
        block.inner |= {run[0]: held[run] for run in block.runs if held.get(run)}
        cls = block.scope.cls if block.scope else ""
        marked[id(block)] = numbers[block.kind, cls, tuple(marks), tuple(block.runs)]


def _inner_first(root: Block) -> list[Block]:
    """All blocks, each after those in it and after those that ran before."""
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += [child for child in found[-1].children if isinstance(child, Block)]
    return found[::-1]


def _within(children: list[Any], marks: list[int], run: Run, wiring: Wiring, least: int) -> list[Run]:
    """The runs that each part of a run holds, as a loop within a loop makes them."""
    at, period, count = run
    found = []
    for start in range(at, at + period * count, period):
        part = slice(start, start + period)
        found.append(_runs(children[part], marks[part], wiring, least, is_noted=False))
    return found[0] if all(each == found[0] for each in found) else []


def _around(
    children: list[Any], marks: list[int], runs: list[Run], wiring: Wiring, least: int
) -> tuple[list[Run], dict[int, list[Run]]]:
    """The runs, or those of parts that hold some of them; and what these hold, by where they begin."""
    if len(runs) < least:
        return runs, {}
    units, kinds, begins, done = list[Any](), list[Any](), list[int](), 0
    for at, period, count in [*runs, (len(children), 0, 0)]:
        units += children[done:at]
        kinds += marks[done:at]
        begins += range(done, at)
        if count:
            units.append(Block("", children=children[at : at + period * count]))
            kinds.append((period, count, *marks[at : at + period]))
            begins.append(at)
        done = at + period * count
    begins.append(len(children))
    is_run = [isinstance(kind, tuple) for kind in kinds]
    of = {at: (period, count) for at, period, count in runs}
    found, inner, i = list[Run](), dict[int, list[Run]](), 0
    while i < len(units):
        period, count = _run(units, kinds, i, wiring, least)
        held = [j for j in range(i, i + period) if is_run[j]]
        if count > 1 and held:
            start = begins[i]
            wiring.note(_ops_of_parts(units, i, period, count))
            found.append((start, begins[i + period] - start, count))
            inner[start] = [(begins[j] - start, *of[begins[j]]) for j in held]
            i += period * count
            continue
        if is_run[i]:
            found.append((begins[i], *of[begins[i]]))
        i += 1
    return found, inner


def _runs(children: list[Any], marks: list[int], wiring: Wiring, least: int, is_noted: bool = True) -> list[Run]:
    found = []
    at = done = 0
    while at < len(marks):
        period, count = _run(children, marks, at, wiring, least)
        if count > 1:
            later = _later(children, marks, (at, period, count), wiring, done)
            if later is None:
                at += 1
                continue
            at += later
            done = at + period * count
            found.append((at, period, count))
            if is_noted:
                wiring.note(_ops_of_parts(children, at, period, count))
        at += period * count
    return found


def _later(children: list[Any], marks: list[int], run: Run, wiring: Wiring, done: int) -> int | None:
    """By how many children a run is to begin later, so that its parts are whole rounds of a loop, or blocks of layers.

    None if so many parts would be blocks of layers only if they went on longer.
    """
    at, period, count = run
    if period == 1:
        return 0
    pairs = zip(marks[at + period * count :], marks[at : at + period - 1])
    same = sum([1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)])
    is_of_layers = wiring.are_layers_that_follow(_ops_of_parts(children, at, period, 2))
    if is_of_layers:
        begin, end = max(0, at - period), at + 2 * period
        later = to_next_border(wiring, [[*leaves(child)] for child in children[begin:end]], period, same)
    else:
        ops = [[*leaves(child)] for child in children[max(done, at - period) : at + period]]
        later = wiring.until_whole(ops[:-period], ops[-period:], same)
    if not later or wiring.alike(_ops_of_parts(children, at + later, period, count)) == count:
        return later
    return None if is_of_layers else 0


def _run(children: list[Any], marks: Sequence[Any], at: int, wiring: Wiring, least: int) -> tuple[int, int]:
    """The shortest period that repeats from `at` on, and how often it does."""
    smallest = wiring.least(next(leaves(children[at]), -1), least)
    for period in range(1, min(_LONGEST_PERIOD, (len(marks) - at) // min(smallest, _LEAST_LARGE)) + 1):
        if marks[at] != marks[at + period]:
            continue
        has_block = not all(map(is_as_an_op, children[at : at + period]))
        least = smallest if has_block else max(smallest, _LEAST_OPS)
        count, end = 1, at + period
        while marks[end : end + period] == marks[at : at + period]:
            count, end = count + 1, end + period
        if has_block and 1 < count < least and wiring.are_large_and_follow(_ops_of_parts(children, at, period, 2)):
            least = _LEAST_LARGE
        if count >= least and period == 1 and is_as_an_op(children[at]):
            count = wiring.of_one_line([next(leaves(child)) for child in children[at : at + count]])
        if count >= least:
            count = wiring.alike(_ops_of_parts(children, at, period, count))
        if count >= least:
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
    block.children = _folded(record, block.children, block.runs, block.inner, stands_for)


def _folded(
    record: Record, children: list[Any], runs: list[Run], inner: dict[int, list[Run]], stands_for: dict[int, int]
) -> list[Any]:
    """Some children, of which each run is one."""
    found: list[Any] = []
    done = 0
    for at, period, count in runs:
        parts = [children[at + i * period : at + (i + 1) * period] for i in range(count)]
        for part in parts[1:]:
            for mine, first in zip(part, parts[0]):
                _pair(mine, first, stands_for)
        if at in inner:
            parts = [_folded(record, part, inner[at], {}, stands_for) for part in parts]
        found += children[done:at]
        found.append(_repeated(record, parts))
        done = at + period * count
    return found + children[done:]


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


@dataclasses.dataclass
class _Border:
    """A place between two children.

    Attributes:
        crossing: how many results from before it are read in the period behind it.
        spans: does one of those come back together only after most of the period?
    """

    crossing: int
    spans: bool


def to_next_border(wiring: Wiring, children: Sequence[Sequence[int]], period: int, most: int) -> int | None:
    """By how many children equal parts are to begin later, so that they begin where blocks do; 0 where they do so.

    A block begins where only one result passes from what is before to what is behind, and best where that goes on in
    two ways, of which one comes back at the end of the block: a residual connection. Where all lies in one row, a part
    doesn't begin with what scales or activates the result of a layer with a kernel.

    Args:
        wiring: says what ops read.
        children: the ops of each child in the first two parts, and in those before them.
        period: how many children a part has.
        most: how many children later the parts may begin; None is returned where that is too little for a block.
    """
    first = len(children) - 2 * period
    child_of = {op: i for i, child in enumerate(children) for op in child}
    read = [wiring.makers_of(child) for child in children]  # the ops that made what each child reads
    borders = [_border(read, child_of, first + later, period) for later in range(period)]
    fewest = min(border.crossing for border in borders)
    good = [later for later, border in enumerate(borders) if border.crossing == fewest]
    best = [later for later in good if borders[later].spans]
    if fewest and 0 not in (best or good):
        later = (best or good)[0]
        return later if later <= most else None
    if not best and first and _goes_with(wiring, children[first - 1], children[first]):
        return next((later for later in good if later <= most and wiring.has_kernel(children[first + later])), 0)
    return 0


def _goes_with(wiring: Wiring, before: Sequence[int], child: Sequence[int]) -> bool:
    """Does a child only scale or bend what a layer with a kernel made before it?"""
    reads_it = not wiring.makers_of(child).isdisjoint(before)
    return reads_it and wiring.has_kernel(before) and not wiring.has_kernel(child)


def _border(read: Sequence[set[int]], child_of: dict[int, int], at: int, period: int) -> _Border:
    last: dict[int, int] = {}  # for each op before, how many children of the period have run when it is last read
    readers: dict[int, int] = {}
    for later, makers in enumerate(read[at : at + period]):
        for maker in makers:
            if child_of.get(maker, -1) < at:
                last[maker] = later + 1
                readers[maker] = readers.get(maker, 0) + 1
    spans = any(readers[maker] > 1 and end >= _MOST_OF_BLOCK * period for maker, end in last.items())
    return _Border(len(last), spans)
