"""The number of the training step that runs, of `fit` as well as of a loop that marks no steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow import Variable
from eagerflow.core.observe import Scope
from viz.recorder.loops.turns import Turns

__all__ = ["StepCount"]


class StepCount:
    """Counts steps from 0, as recordings do: those of `fit` and its like, and what a loop by hand makes of them.

    In such a loop a step ends with its optimizer, or the last of those that take turns (see `Turns`). Where there is
    none, it ends as the next forward pass begins: that is where something is computed again of which gradients can be
    asked. Gradients of which gradients can be asked again, as those of an inner step of MAML, belong to the forward
    pass, unless weights are changed by them.

    Attributes:
        begun: has its forward pass begun? Until then, `on_op` wants to hear of each op.

    >>> import eagerflow as ef
    >>> steps, w = StepCount(), ef.Variable([1.0])
    >>> for _ in range(2):
    ...     steps.on_gradient([w])
    ...     update = Scope("optimizer", "sgd")
    ...     steps.on_scope_begin(update)
    ...     steps.on_scope_end(update)
    >>> steps.number
    2
    """

    def __init__(self) -> None:
        self._turns = Turns()
        self.begun = False
        self._pending = False  # are there gradients of a loop by hand, which no optimizer was given yet?
        self._within: frozenset[int] = frozenset()  # weights of which gradients were asked within a forward pass
        self._asked: list[frozenset[int]] = []  # of which gradients were asked since the last update
        self._optimizers: set[int | None] = set()
        self._first: dict[frozenset[int], int | None] = {}  # by weights, the optimizer that updated them first
        self._aside = 0  # steps of `evaluate` and `predict`
        self._inside: list[Scope] = []  # scopes of steps, and of optimizers

    @property
    def trained(self) -> int:
        """How many training steps there were, with the one that runs once it has gradients."""
        return self._turns.number + (self._turns.has_begun or self._pending) - self._aside

    @property
    def number(self) -> int:
        """That of the step that runs, or would be the next one."""
        return self._turns.upcoming

    def _end(self, who: int | None = None) -> None:
        """Gradients were given to an optimizer, or to none."""
        if self._pending:
            self._pending = self.begun = False
            self._within = frozenset()
            self._turns.learnt()
            weights = self._asked[0] if len(self._asked) == 1 else frozenset()  # of several, whose they are isn't known
            self._asked = []
            self._turns.updated(self._standing_for(who, weights), weights)
            if who is None:
                self._turns.end()

    def _standing_for(self, who: int | None, weights: frozenset[int]) -> int | None:
        """The optimizer that a new one for the same weights goes on for, as one that is made in each step does."""
        is_new = who not in self._optimizers
        self._optimizers.add(who)
        first = self._first.setdefault(weights, who) if weights else who
        return first if is_new else who

    def on_op(self, outputs: Any) -> None:
        """An op ran, with which a forward pass may begin."""
        if not self._inside and _is_tracked(outputs):
            self._end()
            self.begun = True

    def on_gradient(self, sources: Sequence[Any], results: Sequence[Any] = ()) -> None:
        """Gradients were computed."""
        if not any(scope.kind == "step" for scope in self._inside) and any(isinstance(x, Variable) for x in sources):
            if not self._pending and any(_is_tracked(result) for result in results):
                self._within |= {x.identity for x in sources if isinstance(x, Variable)}
                return
            if self.begun:  # else these are of the same forward pass as those before, as a GAN's may be
                self._end()
            self._asked.append(frozenset([x.identity for x in sources if isinstance(x, Variable)]))
            self._pending, self.begun = True, False

    def on_update(self, variable: Variable) -> None:
        """Weights were changed."""
        if self._within and variable.identity in self._within:
            self._learn_within()

    def _learn_within(self) -> None:
        """What was computed within a forward pass was meant to be learnt from."""
        if self._within:
            self._within = frozenset()
            self._pending, self.begun = True, False

    def on_scope_begin(self, scope: Scope) -> None:
        """Something begins, and perhaps a step."""
        if scope.kind == "step" and not self._inside:
            self._end()
            self._turns.end()
        if scope.kind in ("step", "optimizer"):
            self._inside.append(scope)

    def on_scope_end(self, scope: Scope) -> None:
        """Something ends, and perhaps a step."""
        at = next((i for i, each in enumerate(self._inside) if each is scope), None)
        if at is None:
            return
        del self._inside[at:]  # with those that an error left open
        if self._inside:
            return
        if scope.kind == "step":
            self._pending = self.begun = False
            self._within, self._asked = frozenset(), []
            self._turns.marked()
            self._aside += scope.name != "train_step"
        else:
            self._learn_within()
            self._end(id(scope.owner))

    def running(self, outputs: Any) -> int | None:
        """The number, where what made these belongs to a step; None for what runs beside training, as far as one sees.

        Args:
            outputs: of the op in question.
        """
        belongs = self._inside or self._pending or self.begun or _is_tracked(outputs)
        return self.number if belongs else None


def _is_tracked(outputs: Any) -> bool:
    """Can gradients be asked of what an op made?"""
    made = outputs[0] if isinstance(outputs, (tuple, list)) and outputs else outputs
    return getattr(made, "key", None) is not None and not isinstance(made, Variable)
