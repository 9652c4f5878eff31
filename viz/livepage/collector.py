"""Listens to training, counts its steps, and drops off what the page shows. What happens here is paid by training."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

from eagerflow.core import observe
from viz.facts.formatting import clean
from viz.livepage.batch_loss import BatchLoss
from viz.livepage.curve_names import CurveNames
from viz.livepage.failures import Blame, describe
from viz.livepage.gradients import GradientNorm
from viz.livepage.learning_rates import LearningRates
from viz.livepage.loops.own_loop import OwnLoop, holder_of
from viz.livepage.loops.own_losses import OwnLosses, number_of
from viz.livepage.loops.rounds import Cut, Rounds
from viz.livepage.mailbox import Mailbox
from viz.livepage.pace import Pace
from viz.livepage.progress import Progress, reference
from viz.livepage.server.hub import MOST_SERIES
from viz.livepage.server.messages import PACE
from viz.livepage.snapshot import Snapshot, weights_now
from viz.livepage.step_times import StepTimes
from viz.livepage.visits import Visits
from viz.recorder.names.kept_names import attribute_of, is_chosen
from viz.recorder.scopes import OpenScope, Scopes
from viz.recorder.step_tracker import Step, StepTracker, rows_of

__all__ = ["Collector"]

_LONGEST = 5.0  # seconds that a step of the user's own loop may take to be recorded, unless all take long
_OTHER = {"test_step": "evaluating", "predict_step": "predicting"}


class Collector(observe.Observer):
    """What listens.

    A training step is what `StepTracker` counts: a step of `fit` or `train_on_batch`; in a loop by hand it counts once
    an optimizer has changed the weights (the first one of those that take turns), or without an optimizer, when the
    next backward pass begins.

    Attributes:
        step: how many training steps have ended.
        blame: which op raised an error that goes round.
    """

    hears_replays = True
    wants_ops = False  # training keeps its speed while no step is recorded

    def __init__(
        self, box: Mailbox, pace: Pace, every_steps: int = 1, model: Any = None, visits: Visits | None = None
    ) -> None:
        self.step = 0
        self._others = 0  # steps of evaluations and predictions, which `viz run --steps` counts, too
        self.blame = Blame()
        self.progress = Progress(model)
        self._box, self._pace, self._every_steps = box, pace, every_steps
        self._visits = visits
        self._steps = Scopes[OpenScope]()
        self._snapshot: Snapshot | None = None
        self._rounds = Rounds()
        self._tracker = StepTracker(hears_ops=False)
        self._tracker.subscribe(lambda step: None, self._updated)
        self._gradients: Any = ()  # that the optimizer was given
        self._number: int | None = None  # of the step that the last update by hand belongs to
        self._norm = GradientNorm(partial(self._point_named, "extra|gradient norm"))
        self._own = OwnLoop()
        self._losses = OwnLosses(self._own.name_of)
        self._names = CurveNames(box.rename)
        self._batch_loss = BatchLoss()
        self._learning_rates = LearningRates(partial(self._point_named, "extra|learning rate"))
        self._inside: list[Any] = []  # optimizers that ran inside of the step
        self._times = StepTimes()
        self._step_ms: float | None = None
        self._whole_ms: float | None = None
        self._ended: float | None = None  # when the training step before ended, if nothing else ran since
        self._began = time.perf_counter()
        self._recorded_from: float | None = None  # when the step that is recorded began, if not with the others
        self._usual = 0.0  # seconds of a step that isn't recorded
        self._reported = 0.0
        self._in_training = False
        self._waited = False  # whether a cell of a notebook has ended since training began last
        self._fits: list[Any] = []  # those that run: a callback may call `fit`, too
        self._fitted: Callable[[], Any] = lambda: None  # gives the model that `fit` trained last
        self._compiled: tuple[Any, ...] = ()  # what that model was compiled with
        self._borders: list[dict[str, Any]] = []
        self._only = model
        self._measured = 0  # how many steps had ended when the weights were shown as training left them
        self._first: float | None = None  # when the first report was made
        self._measured_next = self._failing = self._looked = False
        self._batch: Any = None  # of the training step that ended last, until the next one begins
        self._rows: int | None = None  # of the last training step's batch
        self._put_off = False  # a step was to be recorded, but its batch isn't whole
        self._unseen: int | None = None  # from this step on, one of another training is to be shown
        if visits is not None:
            visits.count_by(lambda: self.step)

    # ------------------------------------------------------------------ what is announced

    def on_op(
        self, op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None
    ) -> None:
        """An op raised (the others it needn't hear of)."""
        if error is not None:
            self.blame.op(op, error)

    def on_scope_begin(self, scope: observe.Scope) -> None:
        """A step begins, or something else."""
        self._tracker.on_scope_begin(scope)
        if scope.kind == "step":
            self._steps.append(OpenScope(scope))
            if len(self._steps) > 1:
                return
            self._batch = None
            self._inside.clear()
            self._leave_recorded()
            self._own.leave()
            self._in_training = scope.name not in _OTHER
            self._began = time.perf_counter()
            if self._in_training:
                self._go_on()
            else:
                self._ended = None
            if not self.step:
                self.progress.begin(self.step)
            if self._visits is not None:
                self._visits.begin(scope)
            if self._in_training or not self.step:
                self._begin_snapshot(scope)
        elif not self._steps:
            if self._snapshot is not None:
                self._give_up_old()
            self._own.begin(scope)

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        """A step is over, the weights were changed, or something else."""
        if error is not None:
            self.blame.scope(scope, error)
        if scope.kind == "step":
            if self._steps.end(scope) and not self._steps:
                took = time.perf_counter() - self._began if self._in_training and error is None else None
                self._time_step(took, (id(scope.owner), rows_of(scope.inputs)))
                self._end_look(scope, outputs, error)
                self._end_snapshot(outputs, error)
                self._end_step(scope, outputs, error)
        elif self._steps:
            if scope.kind == "optimizer":
                self._inside.append(scope.owner)
        else:
            self._own.end(scope)
            self._gradients = scope.inputs if scope.kind == "optimizer" else ()
        self._tracker.on_scope_end(scope)

    def on_gradient(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        """A backward pass is over; in a loop of the user's own its target is the loss."""
        self._tracker.on_gradient(sources, results)
        self._norm.hear(sources, results)
        if not self._steps:
            self._own.backward()
            self._losses.hear(targets, sources, results)

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        """Numbers of a batch, or of an epoch and its validation; those of single steps came with their ends."""
        if kind == "step":
            return
        if self._visits is not None:
            batch = self._batch if kind == "batch" else None
            self._visits.hear(kind, step, logs, trains=kind == "epoch" or self._in_training, batch=batch)
        if kind == "epoch":
            self._box.point("mark|epoch", self.step, step + 1)
            self.curves("epoch", {n: v for n, v in logs.items() if not n.startswith("val_")})
            self.curves("validation", {n[4:]: v for n, v in logs.items() if n.startswith("val_")})
            self.progress.end_epoch(step)
            self._report_now()
        elif self._in_training:
            self.progress.in_fit = True  # which may have begun before anybody listened
            self.progress.in_epoch = step + 1
            if not self.progress.unsettled():
                self.curves("batch", logs)
            if "loss" in logs and (own := self._batch_loss.hear(step, rows_of(self._batch) or 0, logs["loss"])):
                self._box.point("each|loss", self.step, own)

    def rest(self, error: BaseException | None) -> None:
        """The program waits for its user, maybe after an error: nothing else ends loops by hand and single steps."""
        if self._fits:  # in another thread
            return
        self._waited = True
        if error is not None and self._failing:  # the step knew its own part of the traceback only
            self._box.put("failure", describe(error, self.blame))
        if self.progress.rest(error is not None):
            self._report_now()

    def _go_on(self) -> bool:
        """A training step, or `fit`, begins; gives whether a cell of a notebook has ended since the last one."""
        waited, self._waited = self._waited, False
        if waited:  # what other cells took in between isn't the speed of this training, nor their error its own
            self.progress.begin(self.step)
            self.progress.wake()
            self._box.put("failure", {})
            self._failing = False
            self._report_now()
        return waited

    def show_measured(self, values: dict[str, float], words: str) -> None:
        """Numbers that a callback measured beside a step, and what they come to."""
        for name, value in values.items():
            self._box.point(f"extra|{name.replace('/', ': ').replace('_', ' ')}", self.step, value)
        self._box.put("advice", {"words": words})

    def close(self, error: BaseException | None = None) -> None:
        """Nothing more will come; a step that is being recorded ends here."""
        if error is None and self._rounds.takes_turns and not self._steps:
            self._leave_recorded()  # a part of a round that nothing ended
        self._end_snapshot(None, error)
        self._tracker.close()
        self._end_snapshot(None, error)
        self._show_last_weights()
        self._report_now()

    def _show_last_weights(self) -> None:
        """The weights as training leaves them: those of a recorded step are from before its update."""
        if self._measured == self.step:
            return
        self._measured = self.step
        models = self._own.models if self.progress.model is None else [self.progress.model]
        models = models if self._only is None else [self._only]
        rows = weights_now({id(w): w for model in models for w in getattr(model, "weights", ())}.values())
        if rows:
            self._box.put("histograms", {"step": self.step, "tensors": rows})

    # ------------------------------------------------------------------ fit

    @property
    def _training(self) -> Any:
        """The `fit` that runs, which puts itself here, and None when it is over."""
        return self._fits[-1] if self._fits else None

    @_training.setter
    def _training(self, fit: Any) -> None:
        if fit is not None:
            self._fits.append(fit)
            if len(self._fits) == 1:
                self.fit_begins(getattr(fit, "model", None), getattr(fit, "initial_epoch", 0))
            return
        self._fits.pop()
        if not self._fits:
            self.fit_ends()

    def fit_begins(self, model: Any, first_epoch: int = 0) -> None:
        """`fit` trains this model from here on."""
        self._ended = None
        self._mark_border(model)
        self.progress.begin_fit(self.step, model, first_epoch)
        self._report_now()

    def fit_ends(self) -> None:
        """`fit` has no more steps."""
        self._show_last_weights()
        self.progress.end_fit(self.step)
        self._report_now()

    def _mark_border(self, model: Any) -> None:
        """Say where `fit` goes on with another model or loss, or in another cell: no curve goes through there."""
        words = "fit begins again, in a later cell" if self._go_on() else ""
        compiled = getattr(model, "optimizer", None), getattr(model, "loss", None)
        if model is not None and model is not self._fitted():
            self._fitted = reference(model)
            self.progress.begin_model()
            words = "another model begins"
        elif any(now is not before for now, before in zip(compiled, self._compiled, strict=False)):
            words = "fit begins again, after another compile"
        self._compiled = compiled
        if words:
            self._add_border(self.step, words, _name_of(model))

    def _add_border(self, step: int, words: str, name: str) -> None:
        """Another training begins after this step; the first one is where all begins."""
        self._times.forget()
        self._unseen = step + 1 if self.step else None  # the one before may build the layers
        if len(self._borders) < MOST_SERIES:
            self._borders = [*self._borders, {"step": step, "words": words, "model": name}]
            self._box.put("borders", {"list": self._borders})

    # ------------------------------------------------------------------ steps

    def _end_step(self, scope: observe.Scope, outputs: Any, error: BaseException | None) -> None:
        if error is not None:
            self._box.put("failure", describe(error, self.blame))
        elif self._failing:  # somebody caught it, and goes on
            self._box.put("failure", {})
        self._failing = error is not None
        if self._in_training and error is None:
            self.step += 1
            self._batch = scope.inputs
            self.progress.count(scope.inputs, scope.owner)
            if not self.progress.in_fit and isinstance(outputs, dict):
                for name, value in outputs.items():
                    if (number := number_of(value)) is not None:
                        self._tell_single(name, _name_of(scope.owner), number, name.startswith("loss"))
            several = self._norm.networks > 1
            self._norm.end_step(self.step, lambda variable: self._part_with(scope.owner, variable) if several else "")
        else:
            self._others += not self._in_training
            self._norm.forget_step()
        mode = _OTHER.get(scope.name, "training")
        if not self._fits and mode != "training" and self.progress.is_done:
            mode = ""  # an evaluation after `fit`: nothing tells when it ends
        self._report(scope.owner, mode)

    def _updated(self, step: Step) -> None:
        """Weights were changed by hand, or by an optimizer outside of steps."""
        before, self._number = self._number, step.number
        if step.optimizer is None:
            self._own_step(None)
            return
        cut = self._rounds.updated(step.optimizer, together=not self._own.has_begun)
        if cut is Cut.BEHIND:
            self._leave_recorded()
        elif cut is Cut.ANEW and self._snapshot is not None:
            self._restart_snapshot()
        if step.number != before:
            self._own_step(step.optimizer, cut is Cut.HERE, self._rounds.steps)
        else:
            if cut is Cut.HERE:
                self._end_round()
            self._own.end_part()
            self._take_losses()
            self._learning_rates.hear(step.optimizer, self.step, self._losses.model_of(self._gradients))

    def _end_round(self) -> None:
        """The last of the optimizers that take turns has run: so what is recorded is a round as the code has it."""
        self._times.end_round()
        if self._snapshot is not None:
            self._end_snapshot(None, None)
        self._begin_snapshot(None)
        self._recorded_from = time.perf_counter()

    def _restart_snapshot(self) -> None:
        """What was recorded is a part of a step, as it turns out: the next one instead."""
        if self._snapshot is not None:
            self._snapshot.end()
        self._snapshot = Snapshot(self.step, "full", None, self._others)
        self._recorded_from = time.perf_counter()

    def _own_step(self, optimizer: Any, cuts: bool = True, in_round: int = 1) -> None:
        """A step of a loop by hand has ended, with the update of its optimizer if there is one; the next one begins.

        Args:
            optimizer: the optimizer, or None.
            cuts: whether what is recorded ends with this step.
            in_round: how many steps have all optimizers that take turns.
        """
        took, rows = self._own.end_step()
        self._time_step(took, rows)
        if cuts:
            self._times.end_round()
        self._end_look(None, None, None)
        if self._snapshot is None or cuts:
            self._end_snapshot(None, None)
        self._go_on()
        self._batch = None
        self.step += 1
        self._in_training = True
        self.progress.count_own(rows, self._own.count_weights() if self._is_due() else 0)
        if self.step == 1:
            self.progress.begin(self.step)  # what ran before isn't known
        self._take_losses()
        self._norm.end_step(self.step, self._own.name_of, in_round)
        self._report(optimizer, "training")
        self._began = time.perf_counter()
        if self._visits is not None:
            self._visits.begin()
        if cuts:
            self._begin_snapshot(None)

    def _take_losses(self) -> None:
        for name, model, value in self._losses.take():
            self._tell_single(name, model, value, is_loss=True)

    def _tell_single(self, name: str, model: str, value: Any, is_loss: bool) -> None:
        """A number of a single step, outside of `fit`."""
        self._point_named(f"step|{name}", model, self.step, value)
        if is_loss and self._visits is not None:
            self._visits.hear_loss(value, self.step, self._batch)

    def _point_named(self, curve: str, owner: str, step: int, value: Any) -> None:
        self._box.point(self._names.of(curve, owner), step, value)

    def _time_step(self, seconds: float | None, kind: Hashable) -> None:
        """A training step took so long, without what lies between steps; called before anybody stops listening."""
        if seconds is not None:
            looked = self._visits is not None and self._visits.looks
            now, before = time.perf_counter(), self._ended
            whole = None if before is None else now - before
            self._times.add(seconds, whole, looked or self._snapshot is not None, kind)
            self._ended = now

    def _part_with(self, model: Any, variable: Any) -> str:
        """The name of the part of a model that holds a variable, as of a GAN's model its generator."""

        def name_of(part: Any) -> str:
            chosen = is_chosen(part.name, type(part).__name__)
            return part.name if chosen else attribute_of(part, [model]) or part.name

        return holder_of(variable, getattr(model, "layers", ()), name_of) or self._own.name_of(variable)

    def _leave_recorded(self) -> None:
        """What was recorded so far is no whole step, and isn't shown."""
        if self._snapshot is not None:
            self._snapshot.end()
            self._snapshot = None
            self._pace.settle()

    def _give_up_old(self) -> None:
        """The loop has ended, it seems: what runs now is no step of it, and shouldn't be slowed down."""
        if time.perf_counter() - self._began > max(_LONGEST, 20 * self._usual):
            self._leave_recorded()

    # ------------------------------------------------------------------ recorded steps

    def _begin_snapshot(self, scope: observe.Scope | None) -> None:
        first = self.step == 0 and not self._measured_next
        is_short = self._is_short(scope)
        last = not first and self._in_training and self.progress.is_last_step and self._pace.affords_last(self._began)
        measured = not first and (last or (self._pace.is_due(self._began) and self._is_chosen()))
        if not first and not measured and not self._shows_another():
            return
        if self._snapshot is not None:
            return
        self._put_off = is_short and not last
        if self._put_off:
            return
        if measured:
            self._pace.begin(self._began)
        else:  # the first step builds layers: a picture, soon; numbers come from the next
            self._measured_next = True
            self._pace.begin_picture(self._began)
        self._unseen = None
        self._snapshot = Snapshot(self.step, "full" if measured else "none", scope, self._others, is_short)

    def _shows_another(self) -> bool:
        """Does this step belong to another training than what the page shows, which can be shown now?"""
        begun = self._unseen is not None and self.step >= self._unseen and self._in_training
        return begun and self._pace.affords_picture(self._began)

    def _is_chosen(self) -> bool:
        return self.step % self._every_steps == 0 or self.step == 1 or self._put_off

    def _is_short(self, scope: observe.Scope | None) -> bool:
        """Has this step fewer rows than the one before it: what is left at an epoch's end?

        Its graph, times and memory aren't those of the training, and it may come whenever a step is due.
        """
        rows = None if scope is None or not self._in_training else rows_of(scope.inputs)
        before, self._rows = self._rows, rows if rows is not None else self._rows
        return rows is not None and before is not None and rows < before

    def _end_look(self, scope: observe.Scope | None, outputs: Any, error: BaseException | None) -> None:
        if self._visits is not None and self._visits.looks:
            took = time.perf_counter() - self._began
            known = self._snapshot is None and self._usual
            self._visits.end(scope, outputs, error, max(0.0, took - self._usual) if known else 0.0)
            self._looked = True

    def _end_snapshot(self, outputs: Any, error: BaseException | None) -> None:
        began, self._recorded_from = self._recorded_from or self._began, None
        snapshot, self._snapshot = self._snapshot, None
        took = time.perf_counter() - (self._began if snapshot is None else began)
        looked, self._looked = self._looked, False
        if snapshot is None:
            if not looked:
                self._usual = took if not self._usual else 0.9 * self._usual + 0.1 * took
            return
        snapshot.end(outputs, error)
        snapshot.steps = 1 if self._steps else self._rounds.steps
        snapshot.usual_ms = self._times.round_ms() if snapshot.steps > 1 else self._times.usual_ms()
        snapshot.norm_known = self._norm.measures
        kind = "picture" if not snapshot.measures else "short" if snapshot.is_short else "snapshot"
        self._box.put(kind, snapshot)
        if snapshot.measures and self._usual:
            steps = max(1, self.step - snapshot.step)  # a round of optimizers that take turns may have several
            self._pace.spend(max(0.0, took - steps * self._usual))

    # ------------------------------------------------------------------ numbers

    def curves(self, run: str, values: dict[str, Any], step: int | None = None) -> None:
        """Numbers of a run: `"batch"`, `"epoch"`, `"validation"`, or `"own"` for those that the user reports."""
        x = self.step if step is None else step
        for name, value in values.items():
            self._box.point(f"{run}|{name}", x, value)

    def _report_now(self) -> None:
        """What is known, whenever the last report was."""
        if self.step:
            self._learning_rates.repeat(self.step)
        self._tell(self.progress.status(self.step, time.perf_counter(), None, ""))

    def _report(self, owner: Any, mode: str) -> None:
        """Speed, learning rate and the like, a few times per second; more often in the first second."""
        if self._is_due():
            self._learning_rates.begin_round()
            self._reported = now = time.perf_counter()
            self._first = now if self._first is None else self._first
            self._tell(self.progress.status(self.step, now, owner, mode))
        if mode != "training":
            return
        if self.progress.in_fit:
            name = ""
        else:
            name = _name_of(owner) if hasattr(owner, "optimizer") else self._losses.model_of(self._gradients)
        self._learning_rates.hear_step(owner, self._inside, self.step, name)

    def _is_due(self) -> bool:
        """Is it time for a report?"""
        now = time.perf_counter()
        return self._first is None or now - self._reported >= min(PACE, (now - self._first) / 5)

    def _tell(self, status: dict[str, Any]) -> None:
        took, whole = self._times.take_ms()
        recent, recent_whole = self._times.recent_ms()
        self._step_ms = recent or took or self._step_ms
        self._whole_ms = recent_whole or whole or self._whole_ms
        times = {"step_ms": self._step_ms, "whole_ms": self._whole_ms}
        status = status | {"others": self._others} if self._others else status
        self._box.put("status", status | {name: value for name, value in times.items() if value is not None})
        if not self.step:
            return
        if "elapsed" in status:
            self._box.point("mark|time", self.step, status["elapsed"])
        for name, value in (("step ms", took), ("whole step ms", whole)):
            if value is not None:
                self._box.point(f"extra|{name}", self.step, value)


def _name_of(model: Any) -> str:
    return clean(getattr(model, "name", ""), 60)
