"""`Training`: one of the trainings of a script, with a history of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from viz.doctor.facts.variable_owners import Owners
from viz.doctor.finding import Finding
from viz.doctor.user_code import Place

__all__ = ["Training", "identities"]

Handlers = dict[str, list[Callable[..., None]]]


def identities(variables: Iterable[Any]) -> frozenset[int]:
    """The numbers by which variables are known as long as the program runs."""
    return frozenset([v.identity for v in variables if hasattr(v, "identity")])


class Training:
    """What is known of one training, and what was found in it.

    Attributes:
        checks: those that know nothing of other trainings, and those of the whole script.
        step: how many of its steps have ended.
        heavy: is its next step looked at closely?
        unseen: how many of its steps nobody watched.
        owners: the layers and models that were called in it.
        found: its findings, by the keys that they were reported with.
        pairs: models whose `train_step` makes its steps, each with its optimizer.
        optimizers: those that custom loops use.
        sources: the weights of which gradients were asked.
        since: steps since anything of these was new.
        turns: does it take turns with another one?
        known: the part of its first weights that an earlier training had trained: 0 for none, 1 for all.
        learnt: the part of the loss of a constant answer that was learnt away in the end; None where that isn't known.
        late: did it begin after the first forward pass? Then nobody saw how its network was at first.
        finished: was it judged as a whole?
        model: the name of what it trains; empty where that isn't known.
        place: the line of its `fit`, or of its loop.
        outer: the outermost line that led there, in the script itself.
    """

    def __init__(self) -> None:
        self.checks: list[Any] = []
        self.light: Handlers = {}
        self.close: Handlers = {}
        self.by_kind: dict[tuple[int, str, str], list[Callable[..., None]]] = {}
        self.step = self.unseen = self.since = 0
        self.heavy = True
        self.found: dict[Any, Finding] = {}
        self.owners = Owners()
        self.pairs: list[tuple[Any, Any]] = []
        self.optimizers: list[Any] = []
        self.sources: set[int] = set()
        self.groups: set[tuple[int, ...]] = set()  # the number and the ends of what gradients were asked of
        self.turns = self.late = self.finished = False
        self.uncounted = False  # the step that it began in the midst of
        self.known = 0.0
        self.learnt: float | None = None
        self.model = ""
        self.place: Place | None = None
        self.outer: Place | None = None

    def made_by(self, model: Any, optimizer: Any) -> bool:
        """Is a `train_step` of this model one of its steps?"""
        return any(own is model and by is optimizer for own, by in self.pairs)

    def uses(self, optimizer: Any) -> bool:
        """Does a custom loop use this optimizer in it?"""
        return any(own is optimizer for own in self.optimizers)

    def absorb(self, other: Training) -> None:
        """What seemed to be another training belongs to this one."""
        self.pairs += other.pairs
        self.optimizers += other.optimizers
        self.sources |= other.sources
        self.groups |= other.groups
        self.since = 0
        self.turns = self.turns or other.step > 0
        self.unseen += other.unseen
