"""Neighbours in a long list of layers put together: by how their names begin, `conv2_block1_1_conv`, or in chains.

And which calls of layers need no frame, since an earlier one is drawn.

A chain is a layer and those behind it that only scale or bend what it made: a convolution, its normalization, its
activation, its dropout. Published figures draw these as one box, too.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable
from typing import Any

from viz.facts.blocks import Block, all_blocks, leaves
from viz.facts.folding.grouping import grouped
from viz.facts.schema import VARIABLES, Op, Record

__all__ = ["Chains", "called_in_loops", "group_long_blocks", "later_calls", "named_groups"]

_MANY, _FEWER = 24, 0.8  # chains are made in models of more layers, where at most so large a part of the boxes is left
_LONGEST = 5  # layers in a chain
_LOOP = 3  # calls of a layer that make a loop
_MANY_OPS = 6  # of a layer that is called in a loop: with as many, it is one box at first


def group_long_blocks(record: Record, block: Block, most: int) -> None:
    """Let each block have at most so many children, in place: by their names, else as `grouped` puts them together.

    Groups hold neighbours in the order of execution, so arrows between them never lead back.

    Args:
        record: the recording.
        block: the tree; blocks in new groups are left as they are.
        most: how many children a block may have.
    """
    if len(block.children) > most:
        block.children = _by_name(block.children, most) or grouped(record, block.children, most)
    for child in block.children:
        if isinstance(child, Block) and not child.is_group:
            group_long_blocks(record, child, most)


def later_calls(root: Block) -> frozenset[int]:
    """The identities of the blocks of layers and losses of which an earlier call is in the tree."""
    seen, found = set[int](), set[int]()
    for block in all_blocks(root):
        owner = None if block.scope is None or block.kind not in ("layer", "loss") else block.scope.owner
        if owner is not None and owner in seen:
            found.add(id(block))
        elif owner is not None:
            seen.add(owner)
    return frozenset(found)


def called_in_loops(root: Block) -> frozenset[int]:
    """The owners of layers of many ops that are called again and again, as a recurrent cell is in a loop.

    One call with all its ops, beside the others as a box, is a net of lines; what a reader looks for is the loop.

    Args:
        root: the tree, in which nothing is folded.
    """
    calls = [block for block in all_blocks(root) if block.kind == "layer" and len(block.children) >= _MANY_OPS]
    counts = collections.Counter([block.scope.owner for block in calls if block.scope is not None])
    return frozenset([owner for owner, count in counts.items() if owner is not None and count >= _LOOP])


def _by_name(children: list[Any], most: int) -> list[Any]:
    return [
        group[0] if len(group) == 1 else Block(name, None, group, is_group=True)
        for name, group in named_groups(children, most)
    ]


def named_groups(children: list[Any], most: int) -> list[tuple[str, list[Any]]]:
    """Neighbours with the first words of their names: the finest groups that are few enough, if names help.

    Args:
        children: blocks and ids of ops.
        most: how many groups there may be.
    """
    words = [_words(child) for child in children]
    for count in range(max(map(len, words)) - 1, 0, -1):
        keys = [tuple(each[:count]) or i for i, each in enumerate(words)]  # what has no name stays alone
        pairs = itertools.groupby(zip(keys, children), lambda pair: pair[0])
        found = [(key, [child for _, child in run]) for key, run in pairs]
        if 1 < len(found) <= most:
            return [("_".join(key) if isinstance(key, tuple) else "", group) for key, group in found]
    return []


def _words(child: Any) -> list[str]:
    """The words that the names of a block's scopes have in common at their beginning; none of a single op."""
    if isinstance(child, int):
        return []
    names = [name.split("_") for name in child.names or (child.title,)]
    shared = itertools.takewhile(lambda words: len(set(words)) == 1, zip(*names))
    return [words[0] for words in shared]


class Chains:
    """Which layers follow each other as one: none in a model of few layers, or where chains help little.

    Args:
        record: the recording.
        ops: those of the picture, which say who reads what a layer made.
        root: the tree of the whole model. Equal parts count as often as they are there, folded or not: a block of seven
            layers is seen within a network of many.
    """

    def __init__(self, record: Record, ops: Iterable[Op], root: Block) -> None:
        self.record = record
        self.readers: dict[int, set[int | None]] = {}  # of each tensor, the scopes of the ops that read it
        for op in ops:
            for tensor in op.inputs if op.phase != "backward" else ():
                self.readers.setdefault(tensor, set()).add(op.scope)
        self.help_much = self._help_much(root)

    def _help_much(self, root: Block) -> bool:
        """Is the model large, and does it have fewer boxes in chains?"""
        rows, left, waiting = 0, 0, [root.children]
        while waiting:
            children = waiting.pop()
            blocks = [child for child in children if isinstance(child, Block)]
            waiting += [inner for block in blocks for inner in (block.children, *block.others)]
            if any(_is_single(block) for block in blocks):
                folded = sum([block.repeats - 1 for block in blocks])
                rows += len(children) + folded
                left += len(self._joined(children)) + folded
        return rows > _MANY and left <= _FEWER * rows

    def join(self, root: Block) -> bool:
        """Put chains together everywhere in a tree, in place; was there any?"""
        parts = self.of(root.children)
        found = [self.join(child) for child in root.children if isinstance(child, Block) and not child.is_group]
        root.children = [part[0] if len(part) == 1 else self.block(part) for part in parts]
        return any(len(part) > 1 for part in parts) or any(found)

    @staticmethod
    def block(part: list[Any]) -> Block:
        """The chain of some layers as a group, which is called as the first of them."""
        return Block(part[0].title, None, part, is_group=True, is_chain=True)

    def of(self, children: list[Any]) -> list[list[Any]]:
        """Children in chains, most of one: all of one where chains help little.

        Args:
            children: blocks and ids of ops; None for what may be in no chain.
        """
        return self._joined(children) if self.help_much else [[child] for child in children]

    def _joined(self, children: list[Any]) -> list[list[Any]]:
        found: list[list[Any]] = []
        for child in children:
            if found and len(found[-1]) < _LONGEST and self._follows(found[-1][-1], child):
                found[-1].append(child)
            else:
                found.append([child])
        return found

    def _follows(self, before: Any, child: Any) -> bool:
        """Does a layer read what another made, alone, and make of it something of the same shape, without a kernel?"""
        if not _is_single(before) or not _is_single(child):
            return False
        made, read = before.scope.outputs, child.scope.inputs
        if len(made) != 1 or tuple(read) != tuple(made) or len(child.scope.outputs) != 1:
            return False
        readers = self.readers.get(made[0], set())
        inside = [scope for scope in readers if scope is not None and child.scope.id in self._around(scope)]
        tensors = self.record.tensors
        same = tensors[made[0]].shape == tensors[child.scope.outputs[0]].shape
        return same and len(inside) == len(readers) > 0 and not self._has_kernel(child)

    def _around(self, scope: int) -> set[int]:
        return {each.id for each in self.record.ancestors(scope)}

    def _has_kernel(self, block: Block) -> bool:
        """Has it weights for more than one axis, as what mixes its features has?"""
        read = [self.record.tensors[i] for op in leaves(block) for i in self.record.ops[op].inputs]
        return any(info.role in VARIABLES and len(info.shape) > 1 for info in read)


def _is_single(child: Any) -> bool:
    """Is it one call of a layer that holds no other?"""
    if not isinstance(child, Block) or child.kind != "layer" or child.repeats > 1:
        return False
    return not child.holds_blocks
