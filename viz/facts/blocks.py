"""The forward ops of a recording as a tree of scopes.

Backward and update ops have no place of their own in the tree: they go with the forward op that they belong to.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from viz.facts import formatting
from viz.facts.lines.assigned import goes_around, name_of_part, own_line
from viz.facts.masks_and_penalties import Terms, activity_penalty, of_masks, terms_of_weights
from viz.facts.schema import Frame, Op, Record, Scope
from viz.facts.selection import call_numbers
from viz.facts.wiring import are_beside

__all__ = [
    "CLOSED_AT_FIRST",
    "LEAST_OPS",
    "TRANSPARENT",
    "Block",
    "Run",
    "all_blocks",
    "calls_title",
    "is_as_an_op",
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
LEAST_OPS = 3
"""Ops, by themselves or in equal rows, that a box of their own stands for: of two a reader needs none."""

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
        is_beside: are the equal parts it stands for side by side: does none read what another made?
        is_whole: is it a layer without trained weights that is one thing to a reader, such as one that enlarges images,
            however many ops of its own it runs for that, or what one call of a function such as `ops.one_hot` ran? It
            is one box until the reader asks for more.
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
        return not all(map(is_as_an_op, self.children))

    @property
    def is_closed_at_first(self) -> bool:
        """Is it one box until the reader asks for more?"""
        return self.kind in CLOSED_AT_FIRST or self.is_whole

    @property
    def kind(self) -> str:
        """The scope's kind; `"penalties"`, or `"group"`, without a scope."""
        return self.scope.kind if self.scope else "penalties" if self.terms else "group"


def tree(record: Record, ops: Iterable[Op], calls: list[int] | None = None) -> Block:
    """The tree of the scopes around `ops`; steps and backward passes don't count as scopes."""
    root, ops = Block(""), list(ops)
    blocks: dict[int, Block] = {}
    calls = call_numbers(record) if calls is None else calls
    for op in ops:
        _block_of(record, op.scope, root, blocks, calls).children.append(op.id)
    penalties = [op for block in all_blocks(root) for op in _with_penalties(record, block)]
    outside = [child for child in root.children if isinstance(child, int)]
    for part in terms_of_weights(record, ops, outside, penalties):
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
            block.children = _by_mask(record, _by_call(record, block.children))
    return root


def _with_penalties(record: Record, block: Block) -> list[int]:
    """Let the penalty of each layer's outputs be a block behind that of the layer, in place; gives the ops of all."""
    found, done = list[int](), list[Any]()
    children = collections.deque(block.children)
    while children:
        child = children.popleft()
        done.append(child)
        if isinstance(child, Block) and child.kind == "layer" and child.scope is not None:
            later = itertools.takewhile(lambda each: isinstance(each, int), children)
            while (part := activity_penalty(record, child.scope, later)) is not None:  # one for each of its outputs
                done.append(Block(part.title, None, part.ops, terms=part))
                found += [children.popleft() for _ in part.ops]
                later = itertools.takewhile(lambda each: isinstance(each, int), children)
    block.children = done
    return found


def _by_call(record: Record, children: list[Any]) -> list[Any]:
    """Children, of which ops that one call of a composed function ran, such as `ops.one_hot`, are one block.

    A layer's own code is none of the user's, so what it calls isn't told.
    """
    found: list[Any] = []
    for call, run in itertools.groupby(children, lambda x: record.calls.get(x) if isinstance(x, int) else None):
        part = [*run]
        found += part if call is None or len(part) == 1 else [Block(call[0], None, part, is_whole=True)]
    return found


def _by_mask(record: Record, children: list[Any]) -> list[Any]:
    """Children, of which ops that compute with masks alone are one block, where the first of them was."""
    for part in of_masks(record, children):
        at, made = children.index(part.ops[0]), Block(part.title, None, part.ops, is_whole=True)
        children = [*children[:at], made, *[child for child in children[at:] if child not in part.ops]]
    return children


def _is_whole(record: Record, block: Block) -> bool:
    """Is a layer one thing to a reader, however many ops it runs: one of the library's, without trained weights?

    But not one that attends: of that its scores are looked for.
    """
    scope, ops = block.scope, [record.ops[child] for child in block.children if isinstance(child, int)]
    if scope is None or len(ops) < LEAST_OPS or len(ops) < len(block.children):
        return False
    if scope.params and any(record.tensors[i].role in ("parameter", "frozen") for op in ops for i in op.inputs):
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
        is_alone = count + 1 >= len(block.children)
        is_alone |= len({record.calls.get(op, op) for op in part if isinstance(op, int)}) == 1  # one box says it all
        if source is None or count < LEAST_OPS or is_alone or times[line] > 1 or goes_around(record, part):
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


def is_as_an_op(child: Any) -> bool:
    """Is a child of a block an op, or what one call of a composed function ran?"""
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
    if first.scope is None or not first.call or len(equal) == 1 or not _are_calls_of_one(equal):
        return first.title
    numbers = [block.call + i for block in equal for i in range(1, block.repeats + 1)]
    return f"{first.scope.shown} (calls {formatting.ranges(numbers, most=2)})"


def _are_calls_of_one(blocks: Sequence[Block]) -> bool:
    """Are they calls of one layer?"""
    owners = {block.scope.owner if block.scope else None for block in blocks}
    return len(owners) == 1 and None not in owners


def taking_turns(equal: list[Block]) -> list[str]:
    """The names of layers that are called in turn, as by a condition; none where each call is another layer's."""
    names = {block.scope.owner: block.scope.shown for block in equal if block.scope is not None}
    return list(names.values()) if 1 < len(names) < len(equal) and None not in names else []
