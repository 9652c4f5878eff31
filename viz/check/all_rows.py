"""All questions of `viz check`, asked of a script's first training step."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy

from eagerflow import no_grad
from eagerflow.core.observe import Scope, observing
from viz.check.batch_independence import check_rows_apart
from viz.check.first_loss import check_first_loss
from viz.check.inputs import check_augmentation, check_inputs
from viz.check.labels import check_labels, of_finding
from viz.check.nan_source import in_loop
from viz.check.of_steps import FirstSteps
from viz.check.overfitting import NOT_FINITE, check_overfitting
from viz.check.reproduce import check_repeatable
from viz.check.row import Row, fault, fine, listed, open_question
from viz.check.saving import check_saving
from viz.check.stopwatch import Stopwatch
from viz.check.subject import Subject, name_of
from viz.check.validation import check_validation
from viz.check.weights_move import FIND_NAN, Trial, words_of
from viz.doctor.crash import explain_crash
from viz.doctor.facts.host_arrays import first_tensor, tracked
from viz.doctor.finding import Finding
from viz.doctor.program import WatchedScope
from viz.doctor.user_code import made_at
from viz.doctor.watcher import Watcher
from viz.dry_run.first_step import FirstStep
from viz.dry_run.stopped_script import Stopped, run_until_first_step
from viz.recorder.listening import Listening
from viz.recorder.scopes import Scopes
from viz.shell.program import Script

__all__ = ["NAMES", "Checked", "check_script"]

NAMES = (
    "inputs",
    "labels",
    "layers",
    "first loss",
    "rows apart",
    "weights move",
    "overfits one batch",
    "validation data",
    "augmentation",
    "saving",
    "repeatable",
)
"""The questions, in the order of the table."""
_OF_DOCTOR = {
    "unscaled_input": "inputs",
    "channels_first": "inputs",
    "augmentation": "augmentation",
    "no_gradient": "weights move",
    "frozen": "weights move",
    "initial_weights": "first loss",
    "lr_too_high": "overfits one batch",
    "penalty_dominates": "overfits one batch",
    "dropout_high": "overfits one batch",
    "attention_mask": "inputs",
    "vanishing_gradient.padding": "inputs",
}
_CAUSES, _SYMPTOMS = ("inputs", "labels"), ("first loss", "weights move", "overfits one batch")
_NO_MODEL = (
    "the loop calls no model or layer: call a layer of your own in it (a subclass of layers.Layer, with the variables "
    "in its attributes and what they compute in its call)"
)


@dataclasses.dataclass
class Checked:
    """What `viz check` found."""

    stopped: Stopped  # how the script ended
    rows: list[Row] = dataclasses.field(default_factory=list)  # the answers; empty where the script never trained
    kind: str = ""  # how it trains; see `FirstStep`
    place: Any = None  # the line of its training
    seconds: float = 0.0  # how long it all took
    augmented: Any = None  # the first batch before and after augmentation, where the model has one
    judged: str = ""  # of a loop that calls several models, the one that most rows are about; else empty
    others: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Is there no ✗, and was there a training?"""
        return bool(self.rows) and all(row.verdict != "fault" for row in self.rows)

    @property
    def sure(self) -> bool:
        """Is there no ✗, and no – either, but for what the script hasn't?"""
        return self.ok and all(row.verdict == "ok" or not row.applies for row in self.rows)


def check_script(script: Script) -> Checked:
    """Run a script until its first training step, and ask all questions there."""
    mode, watch, began = TrainingMode(), Stopwatch(), time.perf_counter()
    found: list[_Examination] = []
    elsewhere: list[FirstSteps] = []

    def examine(step: FirstStep) -> None:
        found.append(_Examination(step, mode, watch.seconds))
        with warnings.catch_warnings(), numpy.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found[0].run()

    def of_steps() -> FirstSteps:
        elsewhere.append(FirstSteps())
        return elsewhere[-1]

    checked = Checked(run_until_first_step(script, examine, [mode], of_steps))
    if found:
        rows, first = found[0].rows, found[0].subject.first
        left = max(found[0].subject.left, 20.0)
        rows["repeatable"] = _guarded(partial(check_repeatable, script, left, found[0].took))
        for row in rows.values():
            row.message, row.fix = first.names.in_words(row.message), first.names.in_words(row.fix)
        checked.kind, checked.place, checked.augmented = first.kind, first.place, found[0].augmented
        checked.rows = _placed({name: rows[name] for name in NAMES}, first.place)
        others = {id(call.owner): call.owner for call in first.others if call.owner is not first.model}
        checked.others = tuple([first.names.of(name_of(each)) for each in others.values()])
        checked.judged = first.names.of(name_of(first.model)) if others else ""
    elif elsewhere:
        checked.kind, checked.place = "steps", elsewhere[0].begins_at
        checked.rows = _placed(elsewhere[0].rows(), checked.place)
    checked.seconds = time.perf_counter() - began
    return checked


def _placed(rows: dict[str, Row], place: Any) -> list[Row]:
    """The rows by their names; those without a line get this one."""
    for name, row in rows.items():
        row.name = name
        if row.file is None and place is not None:
            row.file, row.line = place
    return list(rows.values())


class _Examination:
    """The questions that are asked within the script's process."""

    def __init__(self, first: FirstStep, mode: TrainingMode, took: float) -> None:
        self.subject, self.took = Subject(first), took  # how long the script took until here
        self.rows: dict[str, Row] = {}
        self.augmented: Any = None
        # What the examination itself calls is in no mode of the script's.
        self._mode = mode.check() if first.kind == "loop" else None

    def run(self) -> None:
        """Ask all of them; what they change is put back in between."""
        subject = self.subject
        if subject.model is None:
            self.rows = {name: open_question(_NO_MODEL) for name in NAMES[:1]}
            self.rows |= {name: open_question("see 'inputs'") for name in NAMES[1:]}
            self.rows["weights move"] = Trial(subject).check()
            return
        trial, findings = self._trial()
        refused = self._refused(trial.error, findings)  # the model fails, before there is a loss
        asked: dict[str, Callable[[], Row]] = {
            "weights move": lambda: self._weights_row(trial),
            "labels": lambda: check_labels(subject, findings, None if refused else trial.error),
            "inputs": lambda: refused or check_inputs(subject),
            "layers": lambda: _layers_row(subject, trial, findings),
            "first loss": lambda: check_first_loss(subject, next(iter(trial.losses.values), None)),
            "rows apart": lambda: check_rows_apart(subject),
            "validation data": lambda: check_validation(subject),
            "augmentation": self._augmentation,
            "saving": lambda: check_saving(subject),
            "overfits one batch": lambda: check_overfitting(subject),
        }
        for name, question in asked.items():
            self.rows[name] = _guarded(partial(self._undone, question))
        for finding in findings:
            name = _OF_DOCTOR.get(finding.rule) or _OF_DOCTOR.get(finding.kind, "")
            unknown = bool(name) and (self.rows[name].verdict != "fault" or finding.kind == "unscaled_input")
            if finding.severity != "info" and unknown:
                self.rows[name] = of_finding(finding, self._excuse(finding))
        self._name_op(findings)
        if trial.error is not None:
            self._tell_once(words_of(trial.error), "inputs" if refused else "labels")
        self._mend_first()

    def _refused(self, error: BaseException | None, findings: Sequence[Finding]) -> Row | None:
        """✗ where the model itself fails with the first batch, as the first step did; None where it doesn't."""
        subject, failed = self.subject, list[Any]()  # layers, the innermost first

        def ended(scope: Scope, outputs: Any, raised: BaseException | None = None) -> None:
            if raised is not None and scope.kind == "layer":
                failed.append(scope.owner)

        if error is None:
            return None
        try:
            with subject.undone(), no_grad(), observing(Listening(on_scope_end=ended)):
                subject.outputs(subject.x, True)
        except Exception as again:  # noqa: BLE001  (whatever the step raised)
            if words_of(again) != words_of(error):
                return None
        else:
            return None
        told = next((f for f in findings if f.kind == "unscaled_input" and f.severity == "error"), None)
        if told is not None:
            return of_finding(told)
        words = f"the model fails with the first batch: {words_of(error)}"
        return fault(words, "the message says what was expected", made_at(next(iter(failed), None)))

    def _tell_once(self, failure: str, where: str) -> None:
        """Only one question tells why the first step fails; those that stay open because of it name that one."""
        for name, row in self.rows.items():
            if name != where and row.verdict == "open" and failure in row.message:
                self.rows[name] = open_question(f"the first step fails: see {where!r}")

    def _mend_first(self) -> None:
        """What may come of another fault says so: its own cures come after that."""
        causes = [repr(name) for name in _CAUSES if self.rows[name].verdict == "fault"]
        for name in _SYMPTOMS if causes else ():
            row = self.rows[name]
            if row.verdict == "fault":
                row.fix = f"first mend {' and '.join(causes)}, above, which may be the cause. Then: {row.fix}"

    def _name_op(self, findings: Sequence[Finding]) -> None:
        """A first loss that is NaN: the op that made the first such number, where that isn't said of the data."""
        data = any("NaN" in self.rows[name].message for name in ("inputs", "labels"))
        for finding in findings:
            own = finding.kind == "nonfinite" and finding.severity == "error" and finding.op
            if own and not data and self.rows["first loss"].verdict == "fault":
                self.rows["first loss"] = of_finding(finding)
                for row in (self.rows["overfits one batch"], self.rows["weights move"]):
                    if row.message == NOT_FINITE or row.fix == FIND_NAN:
                        row.fix = "first mend 'first loss', above, which names the op"
                return

    def _excuse(self, finding: Finding) -> str:
        """Why what the doctor found in the first steps may be as it should; empty where it's a fault."""
        if finding.kind == "initial_weights" and finding.severity == "warning":
            return "it learns nevertheless" if self.rows["overfits one batch"].verdict != "fault" else ""
        if finding.kind == "lr_too_high" and not finding.evidence.get("unusual"):  # batches differ, too
            falls = self.rows["overfits one batch"].verdict != "fault"
            return "one batch is learnt, or falls, nevertheless, so batches may differ" if falls else ""
        if finding.kind == "vanishing_gradient":  # some states last through some padding
            return "one batch is learnt nevertheless" if self.rows["overfits one batch"].verdict == "ok" else ""
        left_out = finding.kind == "frozen" and "variables" in finding.evidence
        return "that is fine if a later part of the script trains or sets them" if left_out else ""

    def _trial(self) -> tuple[Trial, list[Finding]]:
        """The script's own step on its first batch, some times; and what the doctor says to it."""
        subject, trial, watcher = self.subject, Trial(self.subject), Watcher()
        watcher.interrupted = True  # where this training would have ended isn't known
        try:
            subject.build()
            with subject.undone(), watcher:
                try:
                    trial.run()
                except Exception as error:  # noqa: BLE001  (the script's first step would raise it)
                    trial.error = error
                    explain_crash(error, watcher)
        except Exception as error:  # noqa: BLE001  (the model can't even be called)
            trial.error = trial.error or error
        return trial, [in_loop(finding, subject) for finding in watcher.findings]

    def _augmentation(self) -> Row:
        row, self.augmented = check_augmentation(self.subject)
        return row

    def _weights_row(self, trial: Trial) -> Row:
        row = trial.check()
        return self._mode if self._mode is not None and row.verdict != "fault" else row

    def _undone(self, question: Callable[[], Row]) -> Row:
        if not self.subject.left:
            return open_question("there was no time left for it")
        with self.subject.undone():
            return question()


def _layers_row(subject: Subject, trial: Trial, findings: Sequence[Finding]) -> Row:
    """✗ where layers follow each other that one alone could stand for, as they have no activation between them."""
    for finding in findings:
        if finding.kind == "linear_stack":
            return of_finding(finding, "that may be meant" if finding.severity == "info" else "")
    for finding in findings:
        if finding.kind == "hidden_softmax":
            return of_finding(finding, "that may be meant")
    if trial.error is not None or not trial.steps:
        return open_question("no step was seen, which would tell how layers follow each other")
    return fine("no two layers in a row do what one alone could")


def _guarded(question: Callable[[], Row]) -> Row:
    """The answer; where a question itself fails, that is the reason why it stays open."""
    try:
        return question()
    except Exception as error:  # noqa: BLE001  (scripts hold anything; a table with a gap is better than none)
        if isinstance(error, NotImplementedError) and "needs a method call" in str(error):
            return open_question("the model has no call: only its train_step knows what it computes")
        return open_question(f"this couldn't be checked: {words_of(error)}")


class TrainingMode:
    """Hears in which mode the layers run that have two, where their outputs are differentiated."""

    def __init__(self) -> None:
        self._calls = Scopes[WatchedScope]()
        self._idle: dict[str, str] = {}  # layers by name, with what each leaves undone
        self._trains = False  # does any of them run in training mode, or is inference asked for?

    def on_scope_begin(self, scope: Scope) -> None:
        if scope.kind in ("layer", "model"):
            self._calls.append(WatchedScope(scope, None, 0))

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        outermost = next(iter(self._calls), None)
        if outermost is None or not self._calls.end(scope) or not tracked(first_tensor(outputs)):
            return
        kind, layer = type(scope.owner).__name__, scope.owner
        drops = kind.endswith("Dropout") and getattr(layer, "rate", 0) > 0
        if not drops and not (kind == "BatchNormalization" and layer.trainable):
            return
        if WatchedScope(scope, None, 0).training or outermost.training is False:
            self._trains = True
        name = name_of(layer)
        self._idle[name] = f"{name!r} {'drops nothing' if drops else 'learns no averages'}"

    def check(self) -> Row | None:
        """✗ where a loop leaves out `training=True`; None where it doesn't, or has no such layers."""
        if self._trains or not self._idle:
            return None
        does = list(self._idle.values())
        words = f"the loop calls its model in inference mode, without training=True: {listed(does)}"
        return fault(words, "call the model with training=True inside the tape", layers=list(self._idle))
