"""Neighbours in a long list of layers put together by what their names begin with: `conv2_block1_1_conv`, ..."""

from __future__ import annotations

import itertools
from typing import Any

from viz.facts.blocks import Block, grouped
from viz.facts.schema import Record

__all__ = ["group_long_blocks", "named_groups"]


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
