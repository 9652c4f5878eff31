"""`vanishing_gradient` and `exploding_gradient`: how large gradients are, from the outputs back to the inputs."""

from __future__ import annotations

import math
import statistics
from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number, rms
from viz.doctor.loss_questions import function_name, is_ours
from viz.doctor.program import layer_label
from viz.doctor.variable_owners import Owners
from viz.recorder.tensor_stats import sum_of_squares

__all__ = ["GradientSizes"]

_VANISHING = 1e-4  # the first layer's gradient against the largest; healthy deep networks keep 1e-3 and more
_EXPLODING = 1e4  # norm of all gradients together; healthy ones, with scaled data, stay below 100
_EXPLODING_ERROR = 1e7  # nothing can be learned from this
_EXPLODING_GROWTH = 1e3  # the norm against that of the first steps
_PERCENT_OF_NOTHING = 1e-3  # a target against their root mean square: an error of the others' size is 100,000 % of it

_FIXES = {
    "exploding_gradient": (
        "Use smaller initial weights, scale inputs and targets to about ±1, lower the learning rate, or "
        "give the optimizer clipnorm=1.0."
    ),
    "exploding_gradient.percent": (
        "Use mae, or for amounts the mse of numpy.log1p(y), which counts errors by their share, too; or leave out rows "
        "of target 0. For a percentage to report, divide the sum of all errors by the sum of all targets."
    ),
    "unscaled_target.gradients": (
        "Scale the targets, (y - y.mean()) / y.std(), and the answers back: a last layer, which begins with answers "
        "around 0, takes very long to reach targets that are far from it."
    ),
    "vanishing_gradient": (
        "Use relu instead of sigmoid or tanh, he_normal or glorot_uniform as initializer, normalization "
        "between layers, or shortcuts around them."
    ),
}


def _size(values: numpy.ndarray) -> tuple[float, float]:
    """The L2 norm, and the root mean square of the elements that aren't zero (an embedding has many that are)."""
    flat = values.reshape(-1).astype("float64")
    flat = flat[flat != 0]
    if not flat.size:
        return 0.0, 0.0
    norm = math.sqrt(sum_of_squares(flat)) if numpy.isfinite(flat).all() else math.inf
    return norm, norm / math.sqrt(flat.size)


def _in_percent(loss: Any) -> bool:
    """Does this loss divide by the targets?"""
    return is_ours(loss) and function_name(loss) == "mean_absolute_percentage_error"


def _mixes(shape: tuple[int, ...]) -> bool:
    """Is this a kernel that adds several inputs? Normalization leaves no gradient to one that only scales."""
    return len(shape) > 1 and math.prod(shape[:-1]) > 1


def _course(norms: list[float], first: float, recent: float) -> str:
    """The norms in words. A few steps have no middle that says anything: where they run away, each is far from it."""
    if len(norms) == 1:
        return f"{number(norms[0])} in the first step"
    if len(norms) < limits.WINDOW:
        return f"{number(norms[0])} in the first step and at most {number(max(norms))} in {len(norms)} steps seen"
    return (
        f"{number(first)} in the middle of the first {limits.WINDOW} steps and {number(recent)} after {len(norms)} seen"
    )


class _Targets(NamedTuple):
    """What a loss compares the first answers with."""

    size: float  # root mean square
    low: float
    high: float
    answers: float  # their root mean square
    place: Any
    least: float  # the one nearest to 0, where the loss divides by some that are next to nothing
    small: float  # the part of those


class GradientSizes(Check):
    """Compares the gradients of layers with each other, and their norm with that of the beginning."""

    fixes = _FIXES

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._owners = Owners()
        self._norms: dict[int, list[float]] = {}  # by the first source: a GAN has several losses
        self._ratios: dict[int, list[float]] = {}
        self._first: dict[int, Variable] = {}
        self._largest: dict[int, str] = {}
        self._sizes: dict[int, dict[str, float]] = {}
        self._optimizer: Any = None
        self._targets: _Targets | None = None
        self._scaled: list[tuple[list[float], Any]] = []  # norms, the last one of a loss times its scale, perhaps

    def on_scope_begin(self, opened: Any) -> None:
        self._owners.meet(opened)
        if opened.kind == "optimizer":
            for norms, results in self._scaled:
                norms[-1] /= self.loss_scale(results, opened)
            self._scaled.clear()
            self._optimizer = opened.owner
        elif opened.kind == "loss" and (self._targets is None or _in_percent(opened.owner)):
            found = self._targets_of(opened.scope.inputs, in_percent=_in_percent(opened.owner))
            if self._targets is None or (found is not None and found.least < self._targets.least):
                self._targets = found

    def _targets_of(self, given: Any, in_percent: bool) -> _Targets | None:
        """Targets of a batch that are compared with the answers number by number."""
        if not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[1], Tensor):
            return None
        targets = host(given[0].data) if isinstance(given[0], Tensor) else numpy.asarray(given[0])
        answers = host(given[1].data)
        if targets.size != answers.size or not targets.size or targets.dtype.kind not in "fiu":
            return None
        if not (numpy.isfinite(targets).all() and numpy.isfinite(answers).all()):
            return None
        sizes = numpy.abs(targets.astype("float64"))
        small = float((sizes < _PERCENT_OF_NOTHING * rms(targets)).mean()) if in_percent else 0.0
        least = float(sizes.min()) if small else math.inf
        ends = float(targets.min()), float(targets.max())
        return _Targets(rms(targets), *ends, rms(answers), self.watch.called_at(), least, small)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        sizes = [
            (source, *_size(host(result.data)))
            for source, result in zip(sources, results)
            if isinstance(source, Variable) and isinstance(result, Tensor)
        ]
        if not sizes:
            return
        group = sizes[0][0].identity
        norms = self._norms.setdefault(group, [])
        norms.append(math.hypot(*[norm for _, norm, _ in sizes]))
        self._scaled.append((norms, results))
        largest = max(sizes, key=lambda entry: entry[1])
        self._largest[group] = largest[0].path
        kernels = [(source, size) for source, _, size in sizes if _mixes(source.data.shape)]
        top = max(size for _, _, size in sizes)
        if len(kernels) >= 3 and 0 < top < math.inf:
            self._ratios.setdefault(group, []).append(kernels[0][1] / top)
            self._first[group] = kernels[0][0]
            self._sizes[group] = {source.path: size for source, size in kernels}

    def on_step_end(self) -> None:
        self._scaled.clear()
        if self.watch.step + 1 in (limits.WINDOW, limits.HEAVY_STEPS) or self.watch.step > limits.HEAVY_STEPS:
            self._judge()

    def finish(self) -> None:
        """Training may be over before a window is."""
        self._judge()

    def _judge(self) -> None:
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
            first = statistics.median(norms[: limits.WINDOW])
            recent = statistics.median(norms[-limits.FIRST :])
            grown = len(norms) > limits.WINDOW and recent > max(_EXPLODING_GROWTH * first, _EXPLODING / 10)
            if max(first, recent) > _EXPLODING or grown:
                self._tell_exploding(group, first, recent, norms)

    def _tell_vanishing(self, group: int, ratio: float, steps: int) -> None:
        first = self._first[group]
        layer = self._owners.of(first)
        name = layer_label(layer) or first.path
        self.watch.report(
            "vanishing_gradient",
            "warning",
            f"the gradient of {name!r}, near the input, is {number(ratio)} of the largest one "
            f"({self.watch.counted(steps)}): the first layers hardly learn",
            layer=layer if layer is not None else first.path,
            op=None,
            key=("vanishing_gradient", group),
            evidence={"ratio": ratio, "variable": first.path, "steps": steps, "sizes": self._sizes[group]},
        )

    def _tell_exploding(self, group: int, first: float, recent: float, seen: list[float]) -> None:
        clips = any(
            getattr(self._optimizer, name, None) is not None for name in ("clipnorm", "global_clipnorm", "clipvalue")
        )
        worst = max(first, recent)
        variable = next((v for v in self._owners.variables() if v.path == self._largest[group]), None)
        layer = self._owners.of(variable) if variable is not None else None
        severity = "info" if clips else "error" if worst > _EXPLODING_ERROR else "warning"
        steps = len(seen)
        norms = f"the norm of all gradients is {_course(seen, first, recent)}"
        usual = f"around 1 is usual{' (the optimizer clips it)' if clips else ''}"
        targets = self._targets
        if targets is not None and targets.small:
            self.watch.report(
                "exploding_gradient.percent",
                severity,
                f"the mean absolute percentage error divides by the targets, and {targets.small:.0%} of a batch are "
                f"{'0' if targets.least == 0 else 'next to 0'}, where the others are of size {number(targets.size)}: "
                f"to these rows all others are nothing; {norms}, and around 1 is usual",
                place=targets.place,
                key=("exploding_gradient", group),
                evidence={"first": first, "recent": recent, "steps": steps, "small_targets": targets.small},
            )
            return
        if targets is not None and targets.size > limits.UNSCALED and targets.size > 2 * targets.answers:
            self.watch.report(
                "unscaled_target.gradients",
                severity,
                f"the targets range from {number(targets.low)} to {number(targets.high)} (root mean square "
                f"{number(targets.size)}), while the network's answers begin at around {number(targets.answers)}: "
                f"{norms}; {usual}",
                place=targets.place,
                key=("exploding_gradient", group),
                evidence={"first": first, "recent": recent, "steps": steps, "targets": targets.size},
            )
            return
        self.watch.report(
            "exploding_gradient",
            severity,
            f"{norms}, most of it in {self._largest[group]!r}; {usual}",
            layer=layer if layer is not None else self._largest[group],
            key=("exploding_gradient", group),
            evidence={"first": first, "recent": recent, "steps": steps, "largest": self._largest[group]},
        )
