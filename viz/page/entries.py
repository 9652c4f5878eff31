"""What a page writes of a block: what it is called, what is in it, and what all of that took and made."""

from __future__ import annotations

import collections
import dataclasses
import math

from viz.facts import formatting
from viz.facts.blocks import Block
from viz.picture import box_texts

__all__ = ["NOTHING", "TIME", "Cost", "Entry", "Sums", "are_several", "told_kind", "told_params"]

TIME = "{time}"
"""Stands for a time in what boxes say. So these texts are the same in all steps, and written once."""


@dataclasses.dataclass(slots=True)
class Cost:
    """What some ops took and made."""

    ops: int = 0
    time: int = 0
    size: int = 0
    failed: bool = False
    shares: collections.Counter[range] = dataclasses.field(default_factory=collections.Counter)  # of passes

    def add(self, other: Cost) -> None:
        """Count what other ops took, too."""
        self.ops += other.ops
        self.time += other.time
        self.size += other.size
        self.failed |= other.failed
        if other.shares:
            self.shares.update(other.shares)

    def text(self, together: bool, with_size: bool = True) -> str:
        """What a box says, but for the time: the page fills in the one that it tells, of this step or the usual one.

        `together`: it is of several equal ones.
        """
        is_share = any(count < len(ran) for ran, count in self.shares.items())
        said = box_texts.cost(self.ops, self.time, self.size if with_size else 0, self.failed, is_share, together)
        return said.replace(formatting.seconds(self.time), TIME, 1) if self.time else said


NOTHING = Cost()


@dataclasses.dataclass(slots=True)
class Sums:
    """What the ops of a row or block took and made, in total."""

    ops: Cost = dataclasses.field(default_factory=Cost)  # with the changes in place beside them
    backward: Cost = dataclasses.field(default_factory=Cost)
    updates: Cost = dataclasses.field(default_factory=Cost)
    updated: list[int] = dataclasses.field(default_factory=list)  # the weights that updates change
    flops: int = 0
    activations: int = 0
    squares: list[float | None] = dataclasses.field(default_factory=list)
    passes: dict[int, Cost] = dataclasses.field(default_factory=dict)  # of `backward`, by calls of `tape.gradient`

    def add(self, other: Sums) -> None:
        """Count what the ops of another row or block took, too."""
        self.ops.add(other.ops)
        self.backward.add(other.backward)
        for number, cost in other.passes.items():
            self.passes.setdefault(number, Cost()).add(cost)
        self.updates.add(other.updates)
        self.updated += other.updated
        self.flops += other.flops
        self.activations += other.activations
        self.squares += other.squares

    @property
    def gradient(self) -> float | None:
        """The size of all gradients together, None where one wasn't measured."""
        known = [square for square in self.squares if square is not None]
        return float(f"{math.sqrt(sum(known)):.7g}") if known and len(known) == len(self.squares) else None


@dataclasses.dataclass(slots=True)
class Entry:
    """A block as it is written. `need` is the depth from which it is open at first, None where it never is.

    `together`: are equal parts shown as one, of which it is one, or in which it is?
    """

    kind: str
    part: str
    title: str
    block: Block
    level: int
    need: int | None
    together: bool = False
    has_levels: bool = False  # are its many layers put into levels by their names, or is it one of these?
    children: list[int] = dataclasses.field(default_factory=list)
    folded: int = 0
    sums: Sums = dataclasses.field(default_factory=Sums)
    numbers: dict[int, int] = dataclasses.field(default_factory=dict)  # in the weights, of each object

    @property
    def params(self) -> int:
        """How many numbers its weights are, of all equal parts around it as its ops are."""
        return sum(self.numbers.values())


def are_several(entry: Entry) -> bool:
    """Are updates of the weights of several equal parts shown as one, and not those of what is called again?"""
    return entry.together and (entry.block.scope is None or entry.block.objects > 1)


def told_kind(entry: Entry) -> str:
    """Terms of a loss, and what adds them up, have no call, but a line in the table of layers."""
    terms = entry.block.terms
    if terms is None or entry.kind != "scope":
        return entry.kind
    return "sum" if terms.is_sum else "terms"


def told_params(entry: Entry) -> int | None:
    """How many numbers the weights are: of a layer where it told, of a group where it has any."""
    scope = entry.block.scope
    return (entry.params or None) if scope is None else None if scope.params is None else entry.params
