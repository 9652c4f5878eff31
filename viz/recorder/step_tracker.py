"""The one clock of training steps: which update of weights ends a step, of `fit` as well as of a loop by hand.

Recordings, the choice of recorded steps, the live page, the doctor and the search for NaN count by it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow.core.observe import Scope, clock
from viz.frameworks.objects import VARIABLES, variables_in
from viz.recorder.descriptions import flat
from viz.recorder.kept_values import as_numpy
from viz.recorder.scopes import OpenScope, Scopes

__all__ = ["ALONE", "Step", "StepTracker", "Turns", "rows_of"]

ALONE = 8  # steps of one optimizer in a row, after which another one follows it; sooner, they take turns
_MOST = 4  # weights that are compared
_ELEMENTS = 16  # of each
_CALLS = ("model", "layer", "loss")


class Step(NamedTuple):
    """A step of a program: of `fit` and its like, one that `viz.step` marks, or what a loop by hand makes of it.

    Attributes:
        number: counted from 0, as recordings do.
        began: when its scope began, or its first call of a model, layer or loss, in nanoseconds of `observe.clock`;
            that of its gradients where nothing was called.
        ended: when its scope ended, or its last update.
        kind: `"train_step"`, `"test_step"`, `"predict_step"`, or the name that `viz.step` was given; `"train_step"` of
            a loop by hand.
        model: whose step it is; in a loop by hand the outermost model or layer that was called last before its
            gradients; None for none.
        optimizer: whose update was the last one; None where weights are changed by hand, and for other steps.
        losses: the arrays with one element of which gradients were asked, in order; none of marked steps.
        rows: of its batch, None where that can't be seen.
    """

    number: int
    began: int
    ended: int
    kind: str = "train_step"
    model: Any = None
    optimizer: Any = None
    losses: tuple[Any, ...] = ()
    rows: int | None = None


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

    def updated(self, who: Hashable, weights: frozenset[Hashable] = frozenset()) -> int:
        """Weights were changed, by an optimizer or (None) the program itself; gives the number of the step."""
        if self._ran and self._begins_another(who, weights):
            self.end()
        self._has_gradients |= self._learnt
        self._learnt = False
        self._ran[who] = self._ran.get(who, frozenset()) | weights
        return self.number

    def _begins_another(self, who: Hashable, weights: frozenset[Hashable]) -> bool:
        if not self._learnt:
            return not self._has_gradients
        if who in self._ran:
            return True
        followed = self._turn == self._ran.keys() and self._alone >= ALONE
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
        """A step begins that something marks, with this number; what comes after it is another one."""
        self.end()
        self._learnt = False
        self.number += 1
        return self.number - 1


class StepTracker(Turns):
    """Counts steps from 0, as recordings do: those of `fit` and its like, and what a loop by hand makes of them.

    In such a loop a step ends with its optimizer, or the last of those that take turns. Where there is none, it ends as
    the next forward pass begins: that is where something is computed again of which gradients can be asked. Gradients
    of which gradients can be asked again, as those of an inner step of MAML, belong to the forward pass, unless weights
    are changed by them. Who hears no ops learns of such a step's end from weights that have changed before the next
    gradients.

    An observer passes on what is announced to it: `on_scope_begin`, `on_scope_end` and `on_gradient`, and `on_op` and
    `on_update` where it hears those. What wants to know of steps subscribes.

    Attributes:
        begun: has a forward pass begun? Until then, `on_op` wants to hear of each op.
        has_optimizers: did an optimizer of a loop by hand run?

    >>> import eagerflow as ef
    >>> steps, w = StepTracker(), ef.Variable([1.0])
    >>> steps.subscribe(lambda step: print("step", step.number))
    >>> for _ in range(2):
    ...     _ = steps.on_gradient([w])
    ...     update = Scope("optimizer", "sgd")
    ...     steps.on_scope_begin(update)
    ...     _ = steps.on_scope_end(update)
    step 0
    step 1
    """

    def __init__(self, hears_ops: bool = True) -> None:
        super().__init__()
        self._hears_ops = hears_ops
        self._held: list[tuple[Any, Any]] = []  # weights whose gradients were computed, and some of their numbers
        self.begun = self.has_optimizers = False
        self._pending = False  # are there gradients of a loop by hand, which no optimizer was given yet?
        self._within: frozenset[int] = frozenset()  # weights of which gradients were asked within a forward pass
        self._asked: list[frozenset[int]] = []  # of which gradients were asked since the last update
        self._optimizers: set[int] = set()
        self._first: dict[frozenset[int], int] = {}  # by weights, the optimizer that updated them first
        self._aside = 0  # steps of `evaluate` and `predict`
        self._inside = Scopes[OpenScope]()  # of steps, and of optimizers
        self._over: list[Callable[[Step], Any]] = []
        self._changed: list[Callable[[Step], Any]] = []
        self._heard = _Heard()  # since the last update
        self._call: Scope | None = None  # the outermost one of a model or layer that runs
        self._called: tuple[Any, int | None] = None, None  # the owner of the last one, and the rows of its batch
        self._calls_began = 0  # since the last gradients or update of an optimizer
        self._step: Step | None = None  # the one that runs, once it has an update
        self._is_told = self._were_changed = False

    def subscribe(self, over: Callable[[Step], Any], updated: Callable[[Step], Any] | None = None) -> None:
        """Ask to be called with each `Step` as soon as it is known to be over.

        `updated` is called after each update of a loop by hand with the step so far: an optimizer that joins the step
        of another one, as in a GAN, comes with the same number again.

        A marked step is over when its scope ends. One of a loop by hand is over with its last update: at once where
        the step before had the same optimizers, else when the next one makes an update, something marks a step, or
        `close` is called.
        """
        self._over.append(over)
        if updated is not None:
            self._changed.append(updated)

    def close(self) -> None:
        """Nothing comes any more: a step that has updates is over."""
        if not self._hears_ops:
            self._look_at_weights()
        elif self._pending:
            self._update()
        self.end()

    def end(self) -> None:
        """The step is over, if it has begun: what comes now is another one."""
        if self._step is not None:
            self._tell()
        self._is_told = False
        super().end()

    def _forget_calls(self) -> None:
        self._heard, self._calls_began = _Heard(), 0
        self._called = None, None

    def _tell(self) -> None:
        step, self._step = self._step, None  # so that no model or optimizer lives on by it
        if step is not None and not self._is_told:
            self._is_told = True
            for tell in self._over:
                tell(step)

    def _note_update(self, optimizer: Any = None) -> None:
        """Weights were changed, in the step with this number."""
        if not self._over:
            return
        heard, self._heard = self._heard, _Heard()
        now = heard.ended or clock()
        if self._step is None:
            self._step = Step(self.number, heard.began or now, now, rows=heard.rows)
        before = self._step
        losses, model = before.losses + tuple(heard.losses), heard.model or before.model
        self._step = before._replace(ended=now, optimizer=optimizer, losses=losses, model=model)
        for tell in self._changed:
            tell(self._step)
        if self.is_settled:
            self._tell()

    @property
    def trained(self) -> int:
        """How many training steps there were, with the one that runs once it has gradients."""
        return self.number + (self.has_begun or self._pending) - self._aside

    @property
    def in_marked(self) -> bool:
        """Does a step run that something marks?"""
        return bool(self._inside) and (self._inside[0].kind == "step" or self._inside.inside("step"))

    @property
    def hears_updates(self) -> bool:
        """May it be of use to tell it of updates, as no optimizer has run yet?"""
        return self._hears_ops or (bool(self._asked) and not self.has_optimizers)

    def _update(self, optimizer: Any = None) -> None:
        """Weights were changed, by an optimizer or by hand."""
        who = None if optimizer is None else id(optimizer)
        self._pending = self.begun = False
        self._within = frozenset()
        weights = self._asked[0] if len(self._asked) == 1 else frozenset()  # of several, whose they are isn't known
        self._asked = []
        if who is not None and weights:  # one that is made in each step goes on for the first of the same weights
            first = self._first.setdefault(weights, who)
            is_new = who not in self._optimizers
            self._optimizers.add(who)
            who = first if is_new else who
        self.updated(who, weights)
        self._note_update(optimizer)
        if who is None:
            self.end()

    def on_op(self, outputs: Any) -> None:
        """An op ran, with which a forward pass may begin."""
        if not self._inside and _is_tracked(outputs):
            if self._pending:
                self._update()
            self.begun = True
            self._calls_began = self._calls_began or clock()

    def on_gradient(self, sources: Sequence[Any], results: Sequence[Any] = (), targets: Sequence[Any] = ()) -> bool:
        """Gradients were computed; says whether they are those of a loop by hand, which may learn from them."""
        weights = frozenset([x.identity for x in variables_in(sources)])
        if not weights or self.in_marked:
            return False
        if not self._hears_ops:
            if not self.has_optimizers:
                self._look_at_weights()
                some = sorted(variables_in(sources), key=lambda x: x.data.size)[:_MOST]
                self._held = [(x, _some(x)) for x in some]
        elif not self._pending and any(_is_tracked(result) for result in results):
            self._within |= weights
            return False
        else:
            if self._pending and self.begun:  # else they are of the forward pass of those before, as a GAN's
                self._update()
            self._pending, self.begun = True, False
        self._asked.append(weights)
        self.learnt()
        if self._over:
            self._heard.learn(self._calls_began, self._called, targets)
        self._calls_began = 0
        return True

    def _look_at_weights(self) -> None:
        """Were weights changed since their gradients were computed? Before the call that came next, if so."""
        if self._were_changed or any(
            not numpy.array_equal(_some(x), before, equal_nan=True) for x, before in self._held
        ):
            self._were_changed, self._asked, self._held = False, [], []
            self.updated(None)
            self._heard.ended = self._calls_began
            self._note_update()
            self.end()

    def on_update(self, variable: Any) -> None:
        """Weights were changed."""
        if not self._hears_ops:
            self._were_changed |= not self._inside and any(variable.identity in asked for asked in self._asked)
        elif self._pending:
            self._heard.ended = clock()
        if variable.identity in self._within:
            self._learn_within()

    def _learn_within(self) -> None:
        """What was computed within a forward pass was meant to be learnt from."""
        if self._within:
            self._within = frozenset()
            self._pending, self.begun = True, False
            self.learnt()

    def on_scope_begin(self, scope: Scope) -> None:
        """Something begins, and perhaps a step."""
        if scope.kind == "step" and not self._inside:
            if self._pending:
                self._update()
            self.end()
        if scope.kind in ("step", "optimizer"):
            self._inside.append(OpenScope(scope))
        elif self._over and self._call is None and not self._inside and scope.kind in _CALLS:
            self._calls_began = self._calls_began or scope.started
            if scope.kind != "loss":
                self._call, self._called = scope, (scope.owner, rows_of(scope.inputs))

    def on_scope_end(self, scope: Scope) -> str:
        """Something ends; gives `"step"` or `"optimizer"` where that is one with none around it, else ""."""
        if scope is self._call:
            self._call = None
        if scope.kind not in ("step", "optimizer") or not self._inside.end(scope) or self._inside:
            return ""
        if scope.kind == "step":
            self._pending = self.begun = False
            self._within, self._asked = frozenset(), []
            self._forget_calls()
            number = self.marked()
            self._aside += scope.name != "train_step"
            if self._over:
                rows = rows_of(scope.inputs)
                step = Step(number, scope.started, clock(), scope.name, scope.owner, rows=rows)
                for tell in self._over:
                    tell(step)
        else:
            self.has_optimizers = True
            self._held = []
            self._learn_within()
            self._update(scope.owner)
            if self._over:
                self._forget_calls()
        return scope.kind

    def running(self, outputs: Any) -> int | None:
        """The number, where the op with these outputs belongs to a step; None for what runs outside of training."""
        belongs = self._inside or self._pending or self.begun or _is_tracked(outputs)
        return self.upcoming if belongs else None


@dataclasses.dataclass(slots=True)
class _Heard:
    """What a loop by hand did since the last update."""

    began: int = 0
    ended: int = 0
    model: Any = None
    rows: int | None = None
    losses: list[Any] = dataclasses.field(default_factory=list)

    def learn(self, began: int, called: tuple[Any, int | None], targets: Sequence[Any]) -> None:
        """Gradients of these were computed, of calls that began then, the last of them of this model."""
        self.began = self.began or began or clock()
        self.model, self.rows = called
        data = [getattr(target, "data", None) for target in targets]
        self.losses += [each for each in data if getattr(each, "size", 0) == 1]


def rows_of(inputs: Any) -> int | None:
    """How many samples a batch has; None where that can't be seen."""
    return next((int(shape[0]) for each in flat(inputs) if (shape := getattr(each, "shape", ()))), None)


def _is_tracked(outputs: Any) -> bool:
    """Can gradients be asked of what an op made?"""
    made = outputs[0] if isinstance(outputs, (tuple, list)) and outputs else outputs
    return getattr(made, "key", None) is not None and not isinstance(made, VARIABLES)


def _some(variable: Any) -> Any:
    return as_numpy(variable.data.reshape(-1)[:_ELEMENTS])
