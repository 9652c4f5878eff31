"""The rounds of an unfolded loop as groups: pieces of equal size would begin in the middle of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from viz.facts.blocks import Block, Run, all_blocks, leaves, stand_in
from viz.facts.folding.runs import find_runs
from viz.facts.selection import Selection
from viz.facts.wiring import Wiring
from viz.picture.name_groups import named_groups

__all__ = ["RoundNames", "group_rounds", "names_of_rounds"]


@dataclasses.dataclass(frozen=True)
class RoundNames:
    """Equal rounds of a loop, or parts side by side, that follow each other among some children.

    Attributes:
        word: `"round"` or `"part"`.
        first: the number of the first one.
        count: how many there are.
    """

    word: str
    first: int
    count: int

    @property
    def title(self) -> str:
        """What stands above them: `"round 2"`, `"rounds 2–4"`."""
        if self.count == 1:
            return f"{self.word} {self.first}"
        return f"{self.word}s {self.first}–{self.first + self.count - 1}"

    def groups(self, most: int) -> Iterator[RoundNames]:
        """At most so many groups of them, all but the last of which hold equally many."""
        together = -(-self.count // most)
        for begin in range(0, self.count, together):
            count = min(together, self.count - begin)
            yield dataclasses.replace(self, first=self.first + begin, count=count)


def names_of_rounds(children: list[Any], run: Run, is_beside: bool, wiring: Wiring) -> RoundNames:
    """How the parts of a run are called.

    The first round of a loop can be no part of the run, as it gives no gradient to what it begins with: then the run
    begins with the second.

    Args:
        children: those among which the run is.
        run: where it begins, how many children each part has, and how many parts there are.
        is_beside: does no part read what another made?
        wiring: says what does the same again.
    """
    at, period, count = run
    before = [] if at < period else [list(leaves(child)) for child in children[at - period : at]]
    is_again = wiring.are_again(before, [list(leaves(child)) for child in children[at : at + period]])
    return RoundNames("part" if is_beside else "round", 2 if is_again else 1, count)


def group_rounds(selection: Selection, root: Block, most: int) -> None:
    """Put the rounds of loops together in blocks of many children, in place: at most so many groups of each loop.

    Where names put the children together, these tell more.

    Args:
        selection: what is drawn.
        root: the tree, in which nothing is folded.
        most: blocks of so many children are left as they are.
    """
    find_runs(root, selection.signature, selection.wiring())
    for block in all_blocks(root):
        if len(block.children) > most and not named_groups(block.children, most):
            block.children = _in_groups(selection, block, most)


def _in_groups(selection: Selection, block: Block, most: int) -> list[Any]:
    found, done, children = list[Any](), 0, block.children
    for at, period, count in block.runs:
        if period == 1:
            continue
        found += children[done:at]
        done = at
        shown = stand_in(selection.record, [children[at + i * period : at + (i + 1) * period] for i in range(count)])
        names = names_of_rounds(children, (at, period, count), shown.is_beside, selection.wiring(()))
        for own in names.groups(most):
            begin, done = done, done + own.count * period
            found.append(Block(own.title, None, children[begin:done], is_group=True))
    return found + children[done:]
