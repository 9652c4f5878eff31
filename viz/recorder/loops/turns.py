"""Which update of weights ends a training step, and which one is a part of it."""

from __future__ import annotations

from collections.abc import Collection, Hashable

__all__ = ["ALONE", "Turns"]

ALONE = 8  # steps of one optimizer in a row, after which another one follows it; sooner, they take turns


class Turns:
    """Numbers the training steps of a program from 0, by the updates of weights that are announced to it.

    An update ends a step. The next one begins another step where it learnt from gradients of its own, or where nothing
    has any; but optimizers that take turns, as those of a GAN, make one step: from the first of them until the same one
    comes again.

    Attributes:
        number: of the step that runs, or that begins with the next update.

    >>> steps = Turns()
    >>> def update(who):
    ...     steps.learnt()
    ...     return steps.updated(who)
    >>> [update(who) for who in ("critic", "actor", "critic", "actor")]
    [0, 0, 1, 1]
    """

    def __init__(self) -> None:
        self.number = 0
        self._ran: dict[Hashable, frozenset[Hashable]] = {}  # who has made updates in this step, and of which weights
        self._turn: set[Hashable] = set()  # who made those of the last whole step
        self._known: set[Hashable] = set()  # who has ever made updates
        self._alone = 0  # how many steps in a row had only the updates of who made this one's
        self._learnt = False  # were gradients computed since the last update?
        self._has_gradients = False  # and in this step?

    @property
    def has_begun(self) -> bool:
        """Was there an update in this step? Then it may be over, and whatever runs now may belong to the next one."""
        return bool(self._ran)

    @property
    def is_over(self) -> bool:
        """Has everybody made an update who did so in the step before? If there was none, one is enough."""
        return self.has_begun and self._turn <= self._ran.keys()

    @property
    def is_settled(self) -> bool:
        """Is that known from the step before?"""
        return bool(self._turn) and self.is_over

    @property
    def upcoming(self) -> int:
        """The number of the step that what runs now belongs to, as far as one sees."""
        return self.number + self.is_over

    def learnt(self) -> None:
        """Gradients were computed."""
        self._learnt = True

    def updated(
        self, who: Hashable, weights: frozenset[Hashable] = frozenset(), gone: Collection[Hashable] = ()
    ) -> int:
        """Weights were changed.

        Args:
            who: stands for the optimizer; None for the program itself.
            weights: stand for what was changed, where that is known.
            gone: who is known to make no update any more; while a program runs, nobody is.

        Returns:
            The number of the step that this is a part of.
        """
        if self._ran and self._begins_another(who, weights, gone):
            self.end()
        self._has_gradients |= self._learnt
        self._learnt = False
        self._ran[who] = self._ran.get(who, frozenset()) | weights
        self._known.add(who)
        return self.number

    def _begins_another(self, who: Hashable, weights: frozenset[Hashable], gone: Collection[Hashable]) -> bool:
        if not self._learnt:
            return not self._has_gradients
        if who in self._ran:
            return True
        is_last = who not in self._known and all(each in gone for each in self._ran)
        followed = self._turn == self._ran.keys() and (self._alone >= ALONE or is_last)
        return followed or (bool(weights) and weights in self._ran.values())

    def end(self) -> None:
        """The step is over, if it has begun: what comes now is another one."""
        if self._ran:
            is_same = len(self._ran) == 1 and self._turn == self._ran.keys()
            self._alone = self._alone + 1 if is_same else 1
            self._turn = set(self._ran)
            self._ran, self._has_gradients = {}, False
            self.number += 1

    def marked(self) -> int:
        """A step begins that something marks; what comes after it is another one.

        Returns:
            Its number.
        """
        self.end()
        self._learnt = False
        self.number += 1
        return self.number - 1
