"""Neighbours in a long list of layers put together by the size of the images or sequences that they make.

A U-Net, say, whose layers are only numbered: all that works on 32×32 pixels, then on 16×16, 8×8, and back.
"""

from __future__ import annotations

import itertools
from typing import Any

from viz.facts import formatting
from viz.facts.blocks import Block
from viz.facts.schema import Record

__all__ = ["size_groups"]


def size_groups(record: Record, children: list[Any], most: int) -> list[tuple[str, list[Any]]]:
    """Neighbours whose outputs differ in nothing but their channels, if they are few enough; else no groups.

    Args:
        record: the recording.
        children: blocks and ids of ops.
        most: how many groups there may be.

    Returns:
        Groups with what they are called: the first and the last layer.
    """
    found: list[list[Any]] = []
    before: tuple[int, ...] | None = None
    for child in children:
        size = _size(record, child)
        if not found or (size is not None and before is not None and size != before):
            found.append([])
        found[-1].append(child)
        before = before if size is None else size
    return [(_name(group), group) for group in found] if 2 < len(found) <= most else []


def _size(record: Record, child: Any) -> tuple[int, ...] | None:
    """The shape of what a layer or op makes first, without its channels; None for vectors and the like."""
    child = child.children[0] if isinstance(child, Block) and child.is_chain else child
    made = record.ops[child].outputs if isinstance(child, int) else child.scope.outputs if child.scope else ()
    shape = record.tensors[made[0]].shape if made else ()
    return tuple(shape[:-1]) if len(shape) > 2 else None


def _name(group: list[Any]) -> str:
    names = [child.title for child in group if isinstance(child, Block)]
    ends = dict.fromkeys(itertools.chain(names[:1], names[-1:]))
    return " … ".join([formatting.clean(name, 28) for name in ends])
