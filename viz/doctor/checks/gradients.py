"""`vanishing_gradient` and `exploding_gradient`: how large gradients are, from the outputs back to the inputs."""

from __future__ import annotations

import math
import statistics
from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import number, rms
from viz.doctor.facts.step_facts import Gradients, Loss
from viz.doctor.program import layer_label
from viz.recorder.tensor_stats import sum_of_squares

__all__ = ["GradientSizes"]

_VANISHING = 1e-4  # the first layer's gradient against the largest; healthy deep networks keep 1e-3 and more
_EXPLODING = 1e4  # norm of all gradients together; healthy ones, with scaled data, stay below 100
_EXPLODING_GROWTH = 1e3  # the norm against that of the first steps
_NORMS = "the norm of all gradients is {norms}"


def _size(values: numpy.ndarray) -> tuple[float, float]:
    """The L2 norm, and the root mean square of the elements that aren't zero (an embedding has many that are)."""
    flat = values.reshape(-1).astype("float64")
    flat = flat[flat != 0]
    if not flat.size:
        return 0.0, 0.0
    norm = math.sqrt(sum_of_squares(flat)) if numpy.isfinite(flat).all() else math.inf
    return norm, norm / math.sqrt(flat.size)


class _Targets(NamedTuple):
    """What a loss compares the first answers with."""

    size: float  # root mean square
    low: float
    high: float
    answers: float  # their root mean square
    place: Any


class GradientSizes(Check):
    """Compares the gradients of layers with each other, and their norm with that of the beginning."""

    rules = {
        "exploding_gradient": Rule.warning(
            _NORMS + ", most of it in {largest!r}; around 1 is usual{clipped}",
            "Use smaller initial weights, scale inputs and targets to about ±1, lower the learning rate, or give the "
            "optimizer clipnorm=1.0. Percentage errors of targets next to 0 have such gradients, too: take mae.",
        ),
        "unscaled_target.gradients": Rule.warning(
            "the targets range from {low!n} to {high!n} (root mean square {targets!n}), while the network's answers "
            "begin at around {answers!n}: " + _NORMS + "; around 1 is usual{clipped}",
            "Scale the targets, (y - y.mean()) / y.std(), and the answers back: a last layer, which begins with "
            "answers around 0, takes very long to reach targets that are far from it.",
        ),
        "vanishing_gradient": Rule.warning(
            "the gradient of {whose!r}, near the input, is {ratio!n} of the largest one ({steps!c}): the first layers "
            "hardly learn",
            "Use relu instead of sigmoid or tanh, he_normal or glorot_uniform as initializer, normalization between "
            "layers, or shortcuts around them.",
        ),
    }

    def begin(self) -> None:
        self._norms: dict[int, list[float]] = {}  # by the first source: a GAN has several losses
        self._ratios: dict[int, list[float]] = {}
        self._first: dict[int, Any] = {}
        self._largest: dict[int, str] = {}
        self._sizes: dict[int, dict[str, float]] = {}
        self._optimizer: Any = None
        self._targets: _Targets | None = None
        self._step: list[tuple[list[float], int, Gradients]] = []  # norms of this step, of losses times a scale perhaps

    def on_optimizer(self, opened: Any) -> None:
        self._optimizer = opened.owner

    def on_loss(self, loss: Loss) -> None:
        """Targets of a batch that are compared with the answers number by number."""
        targets, answers = loss.labels, loss.values
        if self._targets is not None or targets is None or targets.dtype.kind not in "fiu":
            return
        if targets.size == answers.size > 0 and numpy.isfinite(targets).all() and numpy.isfinite(answers).all():
            ends = float(targets.min()), float(targets.max())
            self._targets = _Targets(rms(targets), *ends, rms(answers), self.watch.called_at())

    def on_gradients(self, gradients: Gradients) -> None:
        sizes = [(source, *_size(values)) for source, values in gradients.pairs]
        if not sizes:
            return
        group = sizes[0][0].identity
        norms = self._norms.setdefault(group, [])
        norms.append(math.hypot(*[norm for _, norm, _ in sizes]))
        self._step.append((norms, len(norms) - 1, gradients))
        self._largest[group] = max(sizes, key=lambda entry: entry[1])[0].path
        # A kernel that adds several inputs: normalization leaves no gradient to one that only scales.
        kernels = [(s, size) for s, _, size in sizes if s.data.ndim > 1 and math.prod(s.data.shape[:-1]) > 1]
        top = max(size for _, _, size in sizes)
        if len(kernels) >= 3 and 0 < top < math.inf:
            self._ratios.setdefault(group, []).append(kernels[0][1] / top)
            self._first[group] = kernels[0][0]
            self._sizes[group] = {source.path: size for source, size in kernels}

    def on_step_end(self) -> None:
        for norms, i, gradients in self._step:
            norms[i] /= gradients.scale
        self._step.clear()
        if self.watch.step + 1 in (limits.WINDOW, limits.HEAVY_STEPS) or self.watch.step > limits.HEAVY_STEPS:
            self.finish()

    def finish(self) -> None:
        """Training may be over before a window is."""
        for group, ratios in self._ratios.items():
            middle = statistics.median(ratios[-limits.WINDOW :])
            if middle >= _VANISHING:  # it may have been so only at first
                self.watch.retract(("vanishing_gradient", group))
            if 0 < middle < _VANISHING and len(ratios) >= min(3, max(1, self.watch.step)):
                self._tell_vanishing(group, middle, len(ratios))
        for group, all_norms in self._norms.items():
            norms = [norm for norm in all_norms if norm < math.inf]  # what isn't finite is another finding
            if not norms:
                continue
            first, recent = statistics.median(norms[: limits.WINDOW]), statistics.median(norms[-limits.FIRST :])
            grown = len(norms) > limits.WINDOW and recent > max(_EXPLODING_GROWTH * first, _EXPLODING / 10)
            if max(first, recent) > _EXPLODING or grown:
                self._tell_exploding(group, first, recent, norms)

    def _tell_vanishing(self, group: int, ratio: float, steps: int) -> None:
        first = self._first[group]
        layer = self.watch.owners.of(first)
        at = {"layer": layer if layer is not None else first.path, "key": ("vanishing_gradient", group)}
        evidence, whose = {"variable": first.path, "sizes": self._sizes[group]}, layer_label(layer) or first.path
        self.tell("vanishing_gradient", whose=whose, ratio=ratio, steps=steps, evidence=evidence, **at)

    def _tell_exploding(self, group: int, first: float, recent: float, norms: list[float]) -> None:
        clipping = ("clipnorm", "global_clipnorm", "clipvalue")
        clips = any(getattr(self._optimizer, name, None) is not None for name in clipping)
        variable = next((v for v in self.watch.owners.variables() if v.path == self._largest[group]), None)
        layer = self.watch.owners.of(variable) if variable is not None else None
        severity = "info" if clips else "error" if max(first, recent) > _EXPLODING_GROWTH * _EXPLODING else "warning"
        about: dict[str, Any] = {"key": ("exploding_gradient", group), "norms": _course(norms, first, recent)}
        about |= {"clipped": " (the optimizer clips it)" if clips else ""}
        about |= {"first": first, "recent": recent, "steps": len(norms)}
        targets = self._targets
        if targets is not None and targets.size > max(limits.UNSCALED, 2 * targets.answers):
            about |= {"targets": targets.size, "low": targets.low, "high": targets.high, "answers": targets.answers}
            self.tell("unscaled_target.gradients", severity, place=targets.place, **about)
        else:
            largest = self._largest[group]
            at = layer if layer is not None else largest
            self.tell("exploding_gradient", severity, layer=at, largest=largest, **about)


def _course(norms: list[float], first: float, recent: float) -> str:
    """The norms in words. A few steps have no middle that says anything: where they run away, each is far from it."""
    if len(norms) == 1:
        return f"{number(norms[0])} in the first step"
    if len(norms) < limits.WINDOW:
        return f"{number(norms[0])} in the first step and at most {number(max(norms))} in {len(norms)} steps seen"
    return (
        f"{number(first)} in the middle of the first {limits.WINDOW} steps and {number(recent)} after {len(norms)} seen"
    )
