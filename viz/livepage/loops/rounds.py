"""Optimizers of a loop by hand that take turns: where a whole round of them ends, which is what is recorded."""

from __future__ import annotations

import collections
import enum
from collections.abc import Callable
from typing import Any

from viz.livepage.progress import reference
from viz.recorder.step_tracker import ALONE

__all__ = ["Cut", "Rounds"]


class Cut(enum.Enum):
    """What an update means for what is recorded."""

    HERE = "what is recorded ends, and the next may begin"
    INSIDE = "a round goes on"
    ANEW = "what was recorded is a part of a round, as it turns out; the next one begins now"
    BEHIND = "the next round has begun already, sooner than the last one let expect"


class Rounds:
    """Hears of each update.

    A round goes from the first of the optimizers, over all of its updates in a row, to the last update before it comes
    again.

    >>> rounds, critic, actor = Rounds(), object(), object()
    >>> for each in [critic, critic, actor] * 2:
    ...     print(rounds.updated(each).name)
    HERE
    HERE
    ANEW
    INSIDE
    INSIDE
    HERE
    """

    def __init__(self) -> None:
        self._known: dict[int, Callable[[], Any]] = {}  # optimizers by id
        self._last, self._in_a_row = 0, 0  # the last of them, and how often it ran with no other between
        self._round: list[int] = []  # who made the updates of this round
        self._before: list[int] | None = None  # and those of the last one, if there was one

    @property
    def takes_turns(self) -> bool:
        """Is there more than one optimizer in a round, as far as the last one tells?"""
        return self._before is not None

    @property
    def steps(self) -> int:
        """How many steps the last round had at most; 1 where optimizers don't take turns."""
        return 1 if self._before is None else max(collections.Counter(self._before).values())

    def updated(self, optimizer: Any, together: bool = False) -> Cut:
        """An optimizer has changed weights.

        Args:
            optimizer: the optimizer.
            together: whether it learnt from the forward pass that the update before this one had.
        """
        who, known = id(optimizer), self._known.get(id(optimizer))
        is_new = known is None or known() is not optimizer  # another may have had its id
        self._known[who] = reference(optimizer)
        last, self._last = self._last, who
        follows = is_new and self._in_a_row >= ALONE  # it takes the place of the last one
        self._in_a_row = 1 if is_new or who != last else self._in_a_row + 1
        if not self._round or (follows and not together):
            self._round, self._before = [who], None
            return Cut.HERE
        if who == self._round[0] and len({*self._round}) > 1:
            return self._again(who, last if together else None)
        return self._next(who)

    def _again(self, who: int, first: int | None) -> Cut:
        """The first one comes again; `first` really was the first one, as it turns out."""
        if first is not None:
            self._round, self._before = [first, who], None
            return Cut.ANEW
        is_early = self._before is not None and len(self._round) < len(self._before)
        self._before, self._round = self._round, [who]
        return Cut.BEHIND if is_early else Cut.INSIDE

    def _next(self, who: int) -> Cut:
        """The round goes on."""
        comes_again = who in self._round
        self._round.append(who)
        if {*self._round[-ALONE - 1 :]} == {who} and len(self._round) > ALONE:  # the others don't come any more
            self._round, self._before = self._round[-ALONE:], None
        if self._before is not None and len(self._round) <= len(self._before):
            return Cut.HERE if len(self._round) == len(self._before) else Cut.INSIDE
        self._before = None
        return Cut.HERE if comes_again else Cut.ANEW
