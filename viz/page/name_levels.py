"""Levels of a flat network from its layers' names: `conv2_block1_1_conv` is in `conv2_block1`, and that in `conv2`.

A network of many layers that calls them all itself has no other level between all of its boxes and one: people write
what belongs together into the names. Names that layers got by themselves (`conv2d_7`) tell nothing.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import re
from collections.abc import Sequence

__all__ = ["FEWER", "MANY_INNER", "MANY_ROWS", "Part", "is_of_class", "levels", "rounds_as_parts", "shared_words"]

MANY_ROWS = 24
"""In a block of more, children are put into groups; and as many rows of boxes are shown at first, each of up to five.

That is two windows at the smallest size at which titles can be read. With more a reader scrolls through boxes without
having seen what they are parts of.
"""
MANY_INNER = MANY_ROWS // 2
"""The same in a group that has groups of its own."""
FEWER = 0.7
"""Of the children that are put into groups, this part is left at most, and of the rows this part is in one group."""

_NUMBER = re.compile(r"_\d+$")


@dataclasses.dataclass
class Part:
    """A child, or neighbours whose names begin alike.

    Attributes:
        begin: the first child.
        end: behind the last child.
        words: those with which the names begin; empty for a child.
        parts: what is in it; empty for a child.
    """

    begin: int
    end: int
    words: tuple[str, ...] = ()
    parts: list[Part] = dataclasses.field(default_factory=list)


def is_of_class(name: str, cls: str) -> bool:
    """Is a name made from a layer's class, as `conv2d_7` is, and no person's?"""
    return _NUMBER.sub("", name).replace("_", "").lower() == cls.lower()


def shared_words(names: Sequence[str]) -> tuple[str, ...]:
    """The words with which all names begin."""
    words = zip(*[name.split("_") for name in names])
    return tuple([each[0] for each in itertools.takewhile(lambda column: len(set(column)) == 1, words)])


def rounds_as_parts(count: int, words: Sequence[tuple[str, ...]], ends: Sequence[tuple[str, str]]) -> list[Part]:
    """Puts each of equal parts that are shown one by one into a group, where it is more than one child.

    Args:
        count: how many parts there are.
        words: those of each child's name; none where no person gave it one.
        ends: what the first and the last layer of each child are called.

    Returns:
        The parts in order. Each is called by the words that the names in it share, else by its first and last layer.
    """
    size = len(words) // count
    alone = [Part(i, i + 1) for i in range(len(words))]
    if size < 2 or size * count != len(words):
        return alone
    parts = [range(begin, begin + size) for begin in range(0, len(words), size)]
    names = [shared_words(["_".join(words[i]) for i in part if words[i]]) for part in parts]
    if len({*names, ()}) <= count:  # some have none, or that of another
        names = [(f"{ends[part[0]][0]} … {ends[part[-1]][1]}",) for part in parts]
    if len(set(names)) < count:
        return alone
    return [Part(part[0], part[-1] + 1, name, alone[part[0] : part[-1] + 1]) for part, name in zip(parts, names)]


def levels(words: Sequence[tuple[str, ...]], rows: Sequence[int], many: int = MANY_ROWS) -> list[Part]:
    """Puts children into groups, and these into larger ones, as their names say.

    Args:
        words: those of each child's name; none where no person gave it one.
        rows: how many rows of boxes each child is, with equal parts counted.
        many: children of at most so many rows are left as they are.

    Returns:
        All children in order, those of groups within these. Only children where names don't help.
    """
    return _levels(words, rows, Part(0, len(words)), many)


def _levels(words: Sequence[tuple[str, ...]], rows: Sequence[int], around: Part, many: int) -> list[Part]:
    alone = [Part(i, i + 1) for i in range(around.begin, around.end)]
    if sum(rows[around.begin : around.end]) <= many:
        return alone
    longest = max(map(len, words[around.begin : around.end]))
    for count in range(len(around.words) + 1, longest + 1):
        found = _groups(words, around, count)
        if _help(found, rows):
            for part in found:
                if part.words:
                    part.parts = _levels(words, rows, part, MANY_INNER)
            return found
    return alone


def _groups(words: Sequence[tuple[str, ...]], around: Part, count: int) -> list[Part]:
    """Neighbours whose first `count` words are equal, with what has no name between them."""
    keys: list[tuple[str, ...]] = [each[:count] if len(each) >= count else () for each in words]
    found: list[Part] = []
    at = around.begin
    while at < around.end:
        end = at + 1
        for later in range(at + 1, around.end) if keys[at] else ():
            if keys[later] == keys[at]:
                end = later + 1
            elif words[later]:
                break
        found.append(Part(at, end, keys[at] if end - at > 1 else ()))
        at = end
    return found


def _help(found: Sequence[Part], rows: Sequence[int]) -> bool:
    """Is much put together, no group nearly all, and does each have a name of its own?"""
    groups = [part for part in found if part.words]
    names = collections.Counter([part.words for part in groups])
    most = max([sum(rows[part.begin : part.end]) for part in groups], default=0)
    is_short = len(found) <= FEWER * (found[-1].end - found[0].begin)
    return is_short and set(names.values()) == {1} and most <= FEWER * sum(rows[found[0].begin : found[-1].end])
