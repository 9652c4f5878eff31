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
    """What is known of one training, and what was found in it."""

    def __init__(self) -> None:
        self.checks: list[Any] = []  # those that know nothing of other trainings, and those of the whole script
        self.light: Handlers = {}
        self.close: Handlers = {}
        self.by_kind: dict[tuple[int, str, str], list[Callable[..., None]]] = {}
        self.step = self.unseen = 0  # steps that ended, and those of them that nobody watched
        self.since = 0  # steps since any of its models, optimizers and weights was new
        self.heavy = True  # is its next step looked at closely?
        self.found: dict[Any, Finding] = {}  # by the keys that they were reported with
        self.owners = Owners()  # the layers and models that were called in it
        self.pairs: list[tuple[Any, Any]] = []  # models whose `train_step` makes its steps, each with its optimizer
        self.optimizers: list[Any] = []  # those that custom loops use
        self.sources: set[int] = set()  # the weights of which gradients were asked
        self.groups: set[tuple[int, ...]] = set()  # the number and the ends of what gradients were asked of
        self.turns = False  # does it take turns with another one?
        self.late = False  # did it begin after the first forward pass? Then nobody saw how its network was at first
        self.finished = False  # was it judged as a whole?
        self.uncounted = False  # the step that it began in the midst of
        self.known = 0.0  # the part of its first weights that an earlier training had trained
        self.learnt: float | None = None  # the part of a constant answer's loss that was learnt away; None if not known
        self.model = ""  # the name of what it trains
        self.place: Place | None = None  # the line of its `fit`, or of its loop
        self.outer: Place | None = None  # the outermost line that led there, in the script itself

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
