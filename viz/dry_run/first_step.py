"""The first training step of a script: what is trained, on which batch, by what; caught before it changes anything."""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import Any, NamedTuple

from eagerflow import GradientTape
from eagerflow.core import observe
from eagerflow.data.packing import unpack_x_y_sample_weight
from viz.doctor.facts.fit_arrays import running_fit
from viz.doctor.facts.host_arrays import host, is_tensor, is_variable
from viz.doctor.user_code import Place, call_place, loss_weights, op_place, scope_frame
from viz.dry_run.recorded_ops import RecordedLoss, RecordedOp, recorded_loss
from viz.frameworks.owners import has_own
from viz.recorder.descriptions import flat
from viz.recorder.names.shown_names import ShownNames
from viz.recorder.scopes import OpenScope, Scopes

__all__ = ["FirstStep", "FirstStepWatch", "OtherCall", "Stop", "rows_of"]

_KEPT = 64  # calls of models before the step: one of them made the predictions
_INNER = ("model", "layer", "loss", "metric", "optimizer", "data")
_OPS = 2000  # that ran since then: a loss consists of some of them


class Stop(BaseException):
    """Ends a script where all is known; scripts catch `Exception` only."""


class OtherCall(NamedTuple):
    """A call of a model or layer in a loop that calls several."""

    owner: Any
    inputs: Any
    of_data: bool


@dataclasses.dataclass
class FirstStep:
    """A training step that hasn't happened yet."""

    kind: str  # `"fit"`, `"batch"` (`train_on_batch`) or `"loop"` (a loop of the script's)
    model: Any  # the model, or the layer that a loop calls; None where it calls none
    data: Any  # the batch: `x`, `(x, y)` or `(x, y, sample_weight)`; in a loop what is known of it
    optimizer: Any  # None where a loop updates the weights by hand
    loss: Any  # the compiled one; of a loop the loss object, or what was recorded of a function; None if not known
    place: Place | None  # the line of the call of `fit`, or that of the loop
    fit: Any = None  # the running `Fit`, which knows the data, epochs and callbacks
    sources: list[Any] | None = None  # the variables that a loop asked the gradients of
    gradients: list[bool | None] = dataclasses.field(default_factory=list)  # None: there was none; else: is it not 0?
    others: list[OtherCall] = dataclasses.field(default_factory=list)  # that a loop's tape recorded
    names: ShownNames = dataclasses.field(default_factory=ShownNames)  # what its layers are called in messages

    @property
    def can_train(self) -> bool:
        """Can steps be made? Of a loop only where its model, loss and optimizer are known."""
        return self.kind != "loop" or None not in (self.model, self.loss, self.optimizer)

    @property
    def batch(self) -> tuple[Any, Any, Any]:
        """`x`, `y` and the sample weights, None for what isn't there."""
        return unpack_x_y_sample_weight(self.data)

    @property
    def own_step(self) -> bool:
        """Is the step, or its loss, the user's own?"""
        return self.kind != "loop" and has_own(self.model, "train_step", "compute_loss")

    def call(self, x: Any, training: bool) -> Any:
        """The model's outputs."""
        if self.kind == "loop":
            return self.model(*x, training=training) if isinstance(x, tuple) else self.model(x, training=training)
        return self.model(x, training=training)

    def loss_of(self, y: Any, outputs: Any, sample_weight: Any = None) -> Any:
        """The loss of some outputs, without what layers add; None where the step doesn't tell."""
        if self.loss is None or y is None:
            return None
        return self.loss(y, outputs, sample_weight)

    def train(self, data: Any) -> None:
        """Make one step on a batch."""
        if self.kind != "loop":
            self.model.make_train_function()(data)
            return
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            loss = self.loss_of(y, self.call(x, True), sample_weight)
            for term in getattr(self.model, "losses", []):
                loss = loss + term
        variables = self.trainable
        self.optimizer.apply(tape.gradient(loss, variables), variables)

    @property
    def trainable(self) -> list[Any]:
        """The variables that the step is meant to change.

        Of a loop that calls several models or layers, only the one that gave the answers is called again, so the others
        would get no gradient. They are left out if they got one in the script's own step.
        """
        if self.sources is None:
            return list(self.model.trainable_variables)
        own = {v.identity: v for v in self.model.trainable_variables}
        asked = itertools.zip_longest(self.sources, self.gradients)
        return [own.get(v.identity, v) for v, gradient in asked if v.identity in own or gradient is None]


class _Call:
    """A call of an outermost model or layer."""

    def __init__(self, scope: observe.Scope, outputs: Any) -> None:
        self.owner = scope.owner
        given = [each for each in scope.inputs or () if each is not None and not isinstance(each, bool)]
        self.inputs = given[0] if len(given) == 1 else tuple(given)
        self.outputs = {id(each) for each in flat(outputs)}
        self.taped = any(getattr(each, "key", None) is not None for each in flat(outputs))
        self.kept = outputs  # so that no other object gets one of these ids


class FirstStepWatch:
    """Waits for the first training step of the thread that made it, and calls `reached` with it, once.

    A step of `fit` or `train_on_batch` is caught before it begins; one of a loop when the optimizer is about to
    update, or, where weights are updated by hand, in its second step. What `reached` raises ends the script.
    """

    def __init__(self, reached: Callable[[FirstStep], None]) -> None:
        self._reached: Callable[[FirstStep], None] | None = reached
        self._thread = get_ident()
        self._scopes = Scopes[OpenScope]()
        self._calls: deque[_Call] = deque(maxlen=_KEPT)
        self._over = False  # a script that catches everything is stopped again
        self._losses: list[tuple[Any, Any, Any, Any]] = []  # each with labels, answers and the samples' weights
        self._ops: deque[Any] = deque(maxlen=_OPS)
        self._recorded: tuple[_Call, RecordedLoss, list[Any]] | None = None
        self._sources: list[Any] = []
        self._gradients: list[bool | None] = []
        self._place: Place | None = None
        self._given_weights: Any = None

    def on_scope_begin(self, scope: observe.Scope) -> None:
        if self._over and scope.kind in ("step", "optimizer"):
            raise Stop
        if self._reached is None or get_ident() != self._thread:
            return
        if scope.kind in ("model", "layer") and not self._scopes.inside(*_INNER):
            self._ops.clear()  # of the loss, only what runs after the model is needed
        self._scopes.append(OpenScope(scope))
        if scope.kind == "loss":
            self._given_weights = loss_weights(scope_frame(sys._getframe(1)))
        if scope.kind == "step" and scope.name == "train_step":
            fit = running_fit()
            place = call_place(scope_frame(sys._getframe(1)), ())
            compiled = getattr(getattr(scope.owner, "_ef_state", None), "compiled", None)
            loss = None if compiled is None else compiled.loss
            kind = "batch" if fit is None else "fit"
            self._tell(FirstStep(kind, scope.owner, scope.inputs, scope.owner.optimizer, loss, place, fit))
        elif scope.kind == "optimizer" and self._sources:
            self._tell(self._of_loop(scope.owner))

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        if self._reached is None or get_ident() != self._thread or not self._scopes.end(scope) or error is not None:
            return
        if scope.kind in ("model", "layer") and not self._scopes.inside("model", "layer", "loss", "metric"):
            self._calls.append(_Call(scope, outputs))
        elif scope.kind == "loss" and isinstance(scope.inputs, tuple) and len(scope.inputs) == 2:
            self._losses.append((scope.owner, *scope.inputs, self._given_weights))

    def on_op(
        self, op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None
    ) -> None:
        if self._reached is None or error is not None or self._scopes.inside(*_INNER) or get_ident() != self._thread:
            return
        if self._calls:
            self._ops.append(RecordedOp(op, inputs, settings, outputs, op_place(sys._getframe(1), ())))

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        if self._reached is None or get_ident() != self._thread:
            return
        variables = [each for each in sources if is_variable(each)]
        if not variables or self._scopes.inside("step"):
            return
        if self._sources:  # the second time, and no optimizer was seen
            self._tell(self._of_loop(None))
            return
        self._sources = variables
        found = [g for s, g in zip(sources, results) if is_variable(s)]
        self._gradients = [None if g is None else bool(host(g.data).any()) for g in found]
        self._place = call_place(scope_frame(sys._getframe(1)), self._scopes)
        if not self._losses and self._calls and len(targets) == 1:
            with observe.unobserved():
                heard = recorded_loss(targets[0], self._calls[-1].kept, self._ops)
            self._recorded = None if heard is None else (self._calls[-1], *heard)

    def _of_loop(self, optimizer: Any) -> FirstStep:
        """The step of a loop, as far as it can be put together from what was announced."""
        wanted = {v.identity for v in self._sources}
        known: dict[str, Any] = {"sources": self._sources, "gradients": self._gradients}
        for loss, y, predicted, weights in reversed(self._losses):
            made_by = [call for call in self._calls if any(id(p) in call.outputs for p in flat(predicted))]
            if len(made_by) == 1 and _holds(made_by[0].owner, wanted):
                known["others"] = self._others(made_by[0])
                data = (made_by[0].inputs, y) if weights is None else (made_by[0].inputs, y, weights)
                return FirstStep("loop", made_by[0].owner, data, optimizer, loss, self._place, **known)
        if self._recorded is not None and _holds(self._recorded[0].owner, wanted):
            call, loss, y = self._recorded
            known["others"] = self._others(call)
            return FirstStep("loop", call.owner, (call.inputs, y), optimizer, loss, self._place, **known)
        called = [call for call in self._calls if _holds(call.owner, wanted)]
        model, data = (called[-1].owner, (called[-1].inputs, None)) if called else (None, (None, None))
        known["others"] = self._others(called[-1]) if called else []
        return FirstStep("loop", model, data, optimizer, None, self._place, **known)

    def _others(self, chosen: _Call) -> list[OtherCall]:
        """The other calls that were recorded."""
        made = {each for call in self._calls for each in call.outputs}
        rest = [call for call in self._calls if call is not chosen and call.taped]
        return [OtherCall(call.owner, call.inputs, made.isdisjoint(map(id, flat(call.inputs)))) for call in rest]

    def _tell(self, step: FirstStep) -> None:
        if self._reached is None:
            return
        reached, self._reached = self._reached, None
        for owner in (step.model, *[call.owner for call in step.others]):
            step.names.hear_inside(owner, sys._getframe(1))
        self._calls.clear()
        self._losses.clear()
        self._ops.clear()
        self._over = True
        with observe.unobserved():
            reached(step)
        self._over = False  # it was let go on


def _holds(owner: Any, wanted: set[int]) -> bool:
    """Are some of these variables the owner's?"""
    return any(v.identity in wanted for v in getattr(owner, "trainable_variables", []))


def rows_of(data: Any) -> int:
    """How many rows a batch has; 0 where nothing in it has rows."""
    return next((each.shape[0] for each in flat(data) if is_tensor(each) and each.shape), 0)
