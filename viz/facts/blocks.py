"""The forward ops of a recording as a tree of scopes, with repeated parts folded.

Backward and update ops have no place of their own in the tree: they go with the forward op that they belong to.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from viz.facts import formatting
from viz.facts.folding.borders import to_next_border
from viz.facts.lines.assigned import goes_around, name_of_part, own_line
from viz.facts.losses.penalties import Terms, terms_of_weights
from viz.facts.schema import Frame, Op, Record, Scope
from viz.facts.selection import call_numbers
from viz.facts.wiring import Wiring, are_beside

__all__ = [
    "CLOSED_AT_FIRST",
    "TRANSPARENT",
    "Block",
    "Run",
    "all_blocks",
    "calls_title",
    "find_runs",
    "fold",
    "leaves",
    "levels",
    "stand_in",
    "taking_turns",
    "tree",
]

CLOSED_AT_FIRST = ("metric", "optimizer", "data", "penalties")
"""Kinds of blocks that are shown as one box until the reader asks for more; some layers are, too."""

TRANSPARENT = ("step", "backward")
"""Kinds of scopes that pictures and paths leave out."""

Run = tuple[int, int, int]  # where it begins, how many children are a part, and how many parts there are
_LONGEST_PERIOD = 48
_LEAST_IN_LINE, _LEAST_BESIDE = 3, 2  # ops of a line that are shown as its part, and what else there must be
_LEAST_OPS = 3  # equal ones, or rows of them, that follow each other: of two a reader needs none to be folded
_LEAST_LARGE = 2  # equal parts, one behind the other, that have many boxes
_LEAST_IN_WHOLE = 3  # ops of a layer that is one thing to a reader
_FOLDER = re.compile(r".*[/\\]")


@dataclasses.dataclass
class Block:
    """A scope's call, or a folded run of equal parts, or a group of ops.

    Attributes:
        title: what it is called.
        scope: the scope it shows (that of the first of equal ones), None for other groups.
        children: blocks and ids of ops, in order of execution.
        repeats: how many equal parts it stands for.
        others: the children of the parts that were folded away, each a list like `children`.
        names: the names of the scopes it stands for, when folded: of each, or, where several layers take turns, of each
            layer once.
        owners: the layers (or other objects) whose calls it shows, with those of equal parts around it: numbers of
            objects, or for a call of none -1 - the scope's.
        is_group: is it ops put together only to save space?
        terms: the terms of the loss that it computes from weights alone, or adds to it.
        line: the line of the user's code that ran its ops, if they are one's.
        is_chain: is it a group of layers that follow each other as one: convolution, normalization, activation?
        runs: equal parts that follow each other among the children: where they begin, how many children are a part,
            and how many parts there are.
        inner: for a run, by where it begins, the runs within each of its parts: where they begin in it, and so on.
        is_beside: are the equal parts it stands for side by side: does none read what another made?
        is_whole: is it a layer without weights that is one thing to a reader, such as one that enlarges images, however
            many ops of its own it runs for that, or what one call of a function such as `ops.one_hot` ran? It is one
            box until the reader asks for more.
        call: how many calls of the same object came before its own.
    """

    title: str
    scope: Scope | None = None
    children: list[Any] = dataclasses.field(default_factory=list)
    repeats: int = 1
    others: list[list[Any]] = dataclasses.field(default_factory=list)
    names: tuple[str, ...] = ()
    owners: frozenset[int] = frozenset()
    is_group: bool = False
    terms: Terms | None = None
    line: Frame | None = None
    is_chain: bool = False
    runs: list[Run] = dataclasses.field(default_factory=list)
    inner: dict[int, list[Run]] = dataclasses.field(default_factory=dict)
    is_beside: bool = False
    is_whole: bool = False
    call: int = 0

    def __post_init__(self) -> None:
        if self.scope is not None and not self.owners:
            self.owners = frozenset([-1 - self.scope.id if self.scope.owner is None else self.scope.owner])

    @property
    def objects(self) -> int:
        """How many different layers (or other objects) it stands for."""
        return max(1, len(self.owners))

    @property
    def is_call(self) -> bool:
        """Is it what one call of a composed function ran: no layer, but what an op is to a reader?"""
        return self.is_whole and self.scope is None

    @property
    def holds_blocks(self) -> bool:
        """Are there blocks in it that aren't as good as ops?"""
        return not all(map(_is_as_an_op, self.children))

    @property
    def is_closed_at_first(self) -> bool:
        """Is it one box until the reader asks for more?"""
        return self.kind in CLOSED_AT_FIRST or self.is_whole

    @property
    def kind(self) -> str:
        """The scope's kind; `"penalties"`, or `"group"`, without a scope."""
        return self.scope.kind if self.scope else "penalties" if self.terms else "group"


def tree(record: Record, ops: Iterable[Op], calls: list[int] | None = None) -> Block:
    """The tree of the scopes around `ops`; steps and backward passes don't count as scopes.

    Args:
        record: the recording.
        ops: some of its ops.
        calls: what `call_numbers` gives, where it is known.
    """
    root, ops = Block(""), list(ops)
    blocks: dict[int, Block] = {}
    calls = call_numbers(record) if calls is None else calls
    for op in ops:
        _block_of(record, op.scope, root, blocks, calls).children.append(op.id)
    for part in terms_of_weights(record, ops, [child for child in root.children if isinstance(child, int)]):
        at, made = root.children.index(part.ops[0]), Block(part.title, None, part.ops, terms=part)
        after = [child for child in root.children[at:] if isinstance(child, Block) or child not in part.ops]
        root.children = [*root.children[:at], made, *after]
    for block in all_blocks(root):
        if block.kind == "layer":
            block.is_whole = _is_whole(record, block)
        elif block.terms is None:
            block.children = _by_line(record, block)
    for block in all_blocks(root):
        if not block.is_whole and block.terms is None:
            block.children = _by_call(record, block.children)
    return root


def _by_call(record: Record, children: list[Any]) -> list[Any]:
    """Children, of which ops that one call of a composed function ran, such as `ops.one_hot`, are one block.

    A layer's own code is none of the user's, so what it calls isn't told.
    """
    found: list[Any] = []
    for call, run in itertools.groupby(children, lambda child: _call_of(record, child)):
        part = [*run]
        found += part if call is None or len(part) == 1 else [Block(call[0], None, part, is_whole=True)]
    return found


def _call_of(record: Record, child: Any) -> tuple[str, int] | None:
    return record.calls.get(child) if isinstance(child, int) else None


def _is_whole(record: Record, block: Block) -> bool:
    """Is a layer one thing to a reader, however many ops it runs: one of the library's, without weights?

    But not one that attends: of that its scores are looked for.
    """
    scope, ops = block.scope, [record.ops[child] for child in block.children if isinstance(child, int)]
    if scope is None or scope.params or len(ops) < _LEAST_IN_WHOLE or len(ops) < len(block.children):
        return False
    by_itself = all(op.stack and op.stack == scope.stack for op in ops)  # no code of the user's ran in between
    return by_itself and all(op.name != "softmax" for op in ops)


def _by_line(record: Record, block: Block) -> list[Any]:
    """The children of a block, of which ops that follow each other in one line of the user's code are one, if many.

    A line that runs again and again is no part by itself: it may be one of a loop.
    """
    lines = [own_line(record, child) for child in block.children]
    runs = [(line, len(list(run))) for line, run in itertools.groupby(lines)]
    times = collections.Counter([line for line, _ in runs])
    found, done = [], 0
    for line, count in runs:
        part = block.children[done : done + count]
        done += count
        source = None if line is None else record.ops[part[0]].source
        is_alone = count + _LEAST_BESIDE > len(block.children)
        is_alone |= len({record.calls.get(op, op) for op in part if isinstance(op, int)}) == 1  # one box says it all
        if source is None or count < _LEAST_IN_LINE or is_alone or times[line] > 1 or goes_around(record, part):
            found += part
        else:
            found.append(Block(name_of_part(record, part), None, part, line=source))
    return found


def _block_of(record: Record, scope: int | None, root: Block, blocks: dict[int, Block], calls: list[int]) -> Block:
    missing = []
    while scope is not None and scope not in blocks:
        if record.scopes[scope].kind not in TRANSPARENT:
            missing.append(scope)
        scope = record.scopes[scope].parent
    parent = root if scope is None else blocks[scope]
    for number in reversed(missing):
        found = record.scopes[number]
        if (taken_in := _taken_in(found, parent)) is not None:
            blocks[number] = parent = taken_in
            continue
        title = found.shown if not calls[number] else f"{found.shown} (call {calls[number] + 1})"
        blocks[number] = Block(title, found, call=calls[number])
        parent.children.append(blocks[number])
        parent = blocks[number]
    return parent


def _taken_in(result: Scope, parent: Block) -> Block | None:
    """What took in the batches of a metric whose result is asked for: to a reader both are the metric."""
    if result.kind != "metric" or result.inputs:
        return None
    blocks = [child for child in parent.children if isinstance(child, Block) and child.scope is not None]
    of_it = [each for each in blocks if each.scope and (each.scope.owner, each.kind) == (result.owner, "metric")]
    return of_it[-1] if of_it else None


def all_blocks(root: Block) -> list[Block]:
    """The block and all inside of it, each before its parts and after those of the one before it."""
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += [child for child in reversed(found[-1].children) if isinstance(child, Block)]
    return found


def _is_as_an_op(child: Any) -> bool:
    return isinstance(child, int) or child.is_call


def levels(block: Block) -> int:
    """How many scopes lie within each other."""
    inner = [levels(child) + (child.scope is not None) for child in block.children if isinstance(child, Block)]
    return max(inner, default=0)


def leaves(child: Any) -> Iterator[int]:
    """The ids of all ops in a child, folded ones too."""
    waiting = [child]  # scopes may lie in one another more often than Python lets functions do
    while waiting:
        part = waiting.pop()
        if isinstance(part, int):
            yield part
        else:
            waiting += [each for other in reversed(part.others) for each in reversed(other)]
            waiting += reversed(part.children)


def fold(
    record: Record, root: Block, signature: Callable[[int], Any], wiring: Wiring, least: int = 3
) -> dict[int, int]:
    """Fold runs of at least `least` equal parts, everywhere in the tree, in place.

    Args:
        record: the recording.
        root: the tree.
        signature: what must agree for two ops (given by id) to be equal.
        wiring: says which equal parts are connected alike.
        least: how many equal parts make a run; of ops alone it takes three, and of large parts that follow each other
            two are enough.

    Returns:
        For each op that was folded away, the op that stands for it.
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
        has_block = not all(map(_is_as_an_op, children[at : at + period]))
        least = smallest if has_block else max(smallest, _LEAST_OPS)
        count, end = 1, at + period
        while marks[end : end + period] == marks[at : at + period]:
            count, end = count + 1, end + period
        if has_block and 1 < count < least and wiring.are_large_and_follow(_ops_of_parts(children, at, period, 2)):
            least = _LEAST_LARGE
        if count >= least and period == 1 and _is_as_an_op(children[at]):
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


def stand_in(record: Record, parts: list[list[Any]]) -> Block:
    """A block that says what equal parts are called, how many they are, and how they are placed.

    It has children where it is no scope's: a scope's are those of the first part.
    """
    made = _called(parts)
    made.is_beside = are_beside(record, [[op for child in part for op in leaves(child)] for part in parts])
    if not made.title and not made.names:
        if all(_is_of_while_loop(record, part) for part in parts):
            made.title = "while_loop"
        elif len(parts[0]) == 1 and isinstance(parts[0][0], int):
            made.title = formatting.clean(record.ops[parts[0][0]].name, 40)
        else:
            made.title = _lines_of(record, parts[0])
    elif made.scope is None and made.title:
        made.title = f"{'part' if made.is_beside else 'round'} with {made.title}"  # more than the call: that is in it
    if made.scope is None:
        made.children, made.others = list(parts[0]), [list(part) for part in parts[1:]]
    return made


def _lines_of(record: Record, part: list[Any]) -> str:
    """The lines of the loop that a part is a round of: `"train.py:12–18"`; empty where they aren't known."""
    stacks = [record.ops[op].stack[::-1] for child in part for op in leaves(child)]  # the outermost call first
    level, least = 0, min(map(len, stacks), default=0)
    while level + 1 < least and len({(stack[level].file, stack[level].line) for stack in stacks}) == 1:
        level += 1
    frames = [stack[level] for stack in stacks] if least else []
    if len({(frame.file, frame.function) for frame in frames}) != 1:
        return ""
    first, last = min(frame.line for frame in frames), max(frame.line for frame in frames)
    name = formatting.clean(_FOLDER.sub("", frames[0].file), 30)
    return f"{name}:{first}" if first == last else f"{name}:{first}–{last}"


def _is_of_while_loop(record: Record, part: list[Any]) -> bool:
    """Is a condition of `ops.while_loop` asked in it?"""
    return any(read.how == "while_loop" for child in part for op in leaves(child) for read in record.reads.get(op, ()))


def _called(parts: list[list[Any]]) -> Block:
    first = parts[0]
    if len(first) != 1 or not isinstance(first[0], Block):
        inner = [[child for child in equal if isinstance(child, Block)] for equal in zip(*parts)]
        inner = [equal for equal in inner if equal]
        names = [name for equal in inner for name in taking_turns(equal)]
        if not names and len(inner) > 1 and all(_are_calls_of_one(equal) for equal in inner):
            shown = dict.fromkeys([equal[0].scope.shown if equal[0].scope else equal[0].title for equal in inner])
            names = [*shown] if len(shown) > 1 else [equal[0].title for equal in inner]  # the parts say which calls
        if not names and len(inner) == 1 and _are_calls_of_one(inner[0]) and inner[0][0].scope:
            return Block(inner[0][0].scope.shown, repeats=len(parts))
        if not names:
            titles = [[child.title for child in part if isinstance(child, Block) and child.scope] for part in parts]
            names = _beginnings(titles) or [title for part in titles for title in part]
        return Block("", repeats=len(parts), names=tuple(names))
    alike = [part[0] for part in parts]
    owners = frozenset[int]().union(*[block.owners for block in alike])
    title = calls_title(alike)
    names = [title] if len(owners) == 1 else taking_turns(alike) or [block.title for block in alike]
    return Block(title, first[0].scope, repeats=len(parts), names=tuple(names), owners=owners)


def _beginnings(titles: list[list[str]]) -> list[str]:
    """What the names of each part begin with, `block1` of `block1_conv` and `block1_norm`, if these differ."""
    found = []
    for part in titles:
        words = zip(*[title.split("_") for title in part])
        found.append("_".join([each[0] for each in itertools.takewhile(lambda each: len(set(each)) == 1, words)]))
    return found if all(found) and len(set(found)) == len(found) else []


def calls_title(equal: Sequence[Block]) -> str:
    """The title of equal blocks that are drawn as one: of later calls of one layer it says which they are.

    As in `"net (calls 2–5)"`; nobody would read of `"net (call 2)  ×4"` that its fifth call is among them.
    """
    first = equal[0]
    numbers = [block.call + i for block in equal for i in range(1, block.repeats + 1)]
    if first.scope is None or not first.call or len(equal) == 1 or not _are_calls_of_one(equal):
        return first.title
    is_row = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    told = f"{numbers[0]}–{numbers[-1]}" if is_row else f"{numbers[0]}, {numbers[1]}"
    return f"{first.scope.shown} (calls {told}{f' … {numbers[-1]}' if not is_row and len(numbers) > 2 else ''})"


def _are_calls_of_one(blocks: Sequence[Block]) -> bool:
    """Are they calls of one layer?"""
    owners = {block.scope.owner if block.scope else None for block in blocks}
    return len(owners) == 1 and None not in owners


def taking_turns(equal: list[Block]) -> list[str]:
    """The names of layers that are called in turn, as by a condition; none where each call is another layer's."""
    names = {block.scope.owner: block.scope.shown for block in equal if block.scope is not None}
    return list(names.values()) if 1 < len(names) < len(equal) and None not in names else []


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
