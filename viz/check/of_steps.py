"""`viz check` of a training of another framework: what the doctor says of the first steps that the script makes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.core.observe import Scope
from viz.check.labels import KINDS, of_finding
from viz.check.row import Row, fault, fine, open_question
from viz.check.stopwatch import Stopwatch
from viz.doctor.facts.host_arrays import number, total, values_of
from viz.doctor.finding import SEVERITIES
from viz.doctor.user_code import Place
from viz.doctor.watcher import Watcher
from viz.dry_run.first_step import Stop
from viz.facts import formatting
from viz.recorder.descriptions import flat

__all__ = ["FirstSteps"]

STEPS = 12
_ROWS = {
    "inputs": ("unscaled_input", "channels_first", "attention_mask", "augmentation", "sorted_rows", "slow_input"),
    "labels": (*KINDS, "class_imbalance", "unscaled_target", "shuffled_apart"),
    "layers": ("linear_stack", "hidden_softmax", "bottleneck", "dead_relu", "saturated", "dtype_upcast"),
    "first loss": ("initial_weights", "nonfinite", "constant_output"),
    "weights move": ("no_gradient", "frozen", "vanishing_gradient", "exploding_gradient", "opposed_updates"),
}
_LAST = "loss falls"  # and whatever else the doctor finds


class FirstSteps(Watcher):
    """The doctor's checks on the first steps of a training, and what these steps are about; then it ends the script."""

    def __init__(self, seconds: float = 30.0) -> None:
        super().__init__()
        self.interrupted = True  # where this training would have ended isn't known
        self.choose_thread()
        self.losses: list[float] = []  # that of each backward pass
        self.begins_at: Place | None = None  # the line of the first
        self._seconds, self._watch = seconds, Stopwatch()
        self._batch: list[numpy.ndarray] = []
        self._labels: list[numpy.ndarray] = []
        self._classes = 0
        self._given: dict[int, bool] = {}  # did a weight get a gradient other than 0?

    @property
    def _over(self) -> bool:
        enough = STEPS if self._watch.seconds < self._seconds else 2  # however long these take
        return self.steps.trained >= enough

    def on_scope_begin(self, scope: Scope) -> None:
        if self._over:
            raise Stop
        if not self._batch and scope.kind in ("model", "layer"):
            self._batch = _arrays(scope.inputs)
        elif not self._labels and scope.kind == "loss" and len(scope.inputs or ()) > 1:
            target, answers = scope.inputs[:2]
            self._labels = _arrays(target)
            if scope.name in ("cross_entropy", "CrossEntropyLoss") or "Crossentropy" in type(scope.owner).__name__:
                self._classes = next((x.shape[-1] for x in _arrays(answers) if x.ndim > 1), 0)
        super().on_scope_begin(scope)

    def on_gradient(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        self.losses.append(total(targets))
        self.begins_at = self.begins_at or self.place()
        for source, gradient in zip(sources, results):
            known = self._given.get(source.identity, False)
            self._given[source.identity] = known or (gradient is not None and bool(numpy.asarray(gradient.data).any()))
        super().on_gradient(targets, sources, results)

    # ------------------------------------------------------------------ answers

    def rows(self) -> dict[str, Row]:
        """The answers, once the script has ended; empty where it made no step."""
        if not self.losses:
            return {}
        self.end_step()
        for training in self._open():
            self.judge(training)
        found = {
            "inputs": _inputs(self._batch),
            "labels": _labels(self._labels),
            "layers": fine("no two layers in a row do what one alone could"),
            "first loss": self._first_loss(),
            "weights move": self._weights(),
            _LAST: self._course(),
        }
        row_of = {kind: name for name, kinds in _ROWS.items() for kind in kinds}
        for finding in sorted(self.findings, key=lambda finding: SEVERITIES.index(finding.severity)):
            name = row_of.get(finding.kind, _LAST)
            if finding.severity != "info" and found[name].verdict != "fault":
                found[name] = of_finding(finding)
        return found

    def _first_loss(self) -> Row:
        first = self.losses[0]
        if not math.isfinite(first):
            return fault(f"it is {first}", "viz nonfinite names the op that made the first such number")
        if self._classes > 1:
            guessed = math.log(self._classes)
            return fine(f"{first:.3g}; equal chances for {self._classes} classes give {guessed:.3g}")
        return fine(f"{first:.3g}")

    def _weights(self) -> Row:
        count = sum(self._given.values())
        if count == len(self._given):
            return fine(f"all {count} get gradients")
        return open_question(f"{len(self._given) - count} of {len(self._given)} got no gradient, or zeros only")

    def _course(self) -> Row:
        said = f"{self.losses[0]:.3g} → {self.losses[-1]:.3g}"
        steps = formatting.count(self.steps.trained, "step")
        part = max(1, len(self.losses) // 3)
        before, after = (sum(x) / part for x in (self.losses[:part], self.losses[-part:]))
        if len(self.losses) > 1 and after < before:
            return fine(f"{said} in {steps}")
        return open_question(f"{said}: no fall in {steps}, which may be too few; viz doctor watches all")


def _arrays(structure: Any) -> list[numpy.ndarray]:
    found = [values_of(each) for each in flat(structure) if hasattr(each, "shape")]
    return [x for x in found if x.dtype.kind in "fiub"]


def _inputs(arrays: Sequence[numpy.ndarray]) -> Row:
    said = []
    for x in arrays:
        broken = int(x.size - numpy.isfinite(x).sum()) if x.dtype.kind == "f" else 0
        if broken:
            words = f"{broken:,} of {x.size:,} values of the first batch are NaN or infinite"
            return fault(words, "look for them where the data are read: viz data names the samples")
        extent = f" from {number(float(x.min()))} to {number(float(x.max()))}" if x.size else ""
        said.append(f"{formatting.shape(x.shape)} {x.dtype}{extent}")
    return fine("; ".join(said)) if said else open_question("the first batch wasn't seen")


def _labels(arrays: Sequence[numpy.ndarray]) -> Row:
    if not arrays:
        return open_question("no loss of torch.nn or torch.nn.functional was seen, so the labels aren't known")
    y = arrays[0]
    if y.dtype.kind in "iu" and y.size:
        return fine(f"{len(numpy.unique(y))} classes in the first batch, {y.min()} to {y.max()}")
    return _inputs(arrays[:1])
