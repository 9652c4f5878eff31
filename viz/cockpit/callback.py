"""The callback of `fit` with instruments: gradient noise scale, step length, curvature."""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections import deque
from typing import Any

from eagerflow.base.output import write
from eagerflow.callbacks import Callback
from eagerflow.core import observe
from eagerflow.distribution.runtime.current import data_parallel_group
from viz.cockpit.probe import NoiseMean, Probe
from viz.frameworks.owners import has_own
from viz.recorder.listening import Listening

__all__ = ["Cockpit"]

_RECENT = 10  # measured steps whose median counts
_PRODUCTS = 8  # what the curvature costs, in measured steps, before it is known
_FEW, _MANY = 0.5, 4.0  # the noise scale against the batch size
_NEAR = 0.5  # the median of alpha, without its sign


class Cockpit(Callback):
    """Measures gradient noise, step lengths and curvature during `fit`, and advises on batch size and learning rate.

    Some steps are measured on the side; the training gives exactly the same results as without. `TensorBoard` and
    `Live` among the callbacks (or an open `viz.live` page) show the values as `cockpit/noise_scale`, `cockpit/alpha`,
    `cockpit/curvature` and `cockpit/gradient_norm`. At the end, one sentence of advice sums them up.

    Args:
        every: measure every this many steps; None: as often as `overhead` allows.
        overhead: the largest share of the time that measuring may take; the second step is measured in any case.
        parts: the number of parts that a batch is split into to estimate the noise of its gradient, at least 2.
        curvature: measure the largest curvature at every this many measured steps; 0: never.
        verbose: 1: print the advice at the end; 0: print nothing.

    Attributes:
        history: a dict of lists: `step`, `noise_scale` (of the smoothed estimates), `alpha` (the length of the step
            along its direction: -1: it didn't move, 0: it ended in the minimum, 1: it went twice as far),
            `gradient_norm`, and `curvature` (the largest eigenvalue of the Hessian of the batch's loss; NaN where it
            wasn't measured).
        advice: one sentence on batch size and learning rate.
        refusal: why the curvature can't be measured; None where it can.

    Batch normalization sees each part as a batch of its own, so the noise that this causes is included.

    Raises:
        ValueError: for an argument out of range; in `fit`, for a model with a custom `train_step`, and in data-parallel
            training.

    Source: McCandlish, Kaplan and Amodei 2018, https://arxiv.org/abs/1812.06162; Schneider, Dangel and Hennig 2021,
    https://arxiv.org/abs/2102.06604.

    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> cockpit = ef.callbacks.Cockpit(every=4, verbose=0)
    >>> x = ef.random.normal((64, 3), seed=1)
    >>> history = model.fit(x, x[:, :1], batch_size=8, verbose=0, callbacks=[cockpit])
    >>> cockpit.history["step"]
    [2, 6]
    """

    _writes = True  # where ranks train together, one of them does

    def __init__(
        self, every: int | None = None, overhead: float = 0.08, parts: int = 4, curvature: int = 4, verbose: int = 1
    ) -> None:
        super().__init__()
        for name, value, least in (("every", 1 if every is None else every, 1), ("parts", parts, 2)):
            if not isinstance(value, int) or value < least:
                raise ValueError(f"Cockpit({name}={value!r}): expected a whole number, {least} or more")
        if not isinstance(curvature, int) or curvature < 0:
            raise ValueError(f"Cockpit(curvature={curvature!r}): expected a whole number; 0 for never")
        if not 0 < overhead <= 1:
            raise ValueError(f"Cockpit(overhead={overhead!r}): expected a share of the time, above 0 and at most 1")
        self.every, self.overhead, self.parts, self.curvature, self.verbose = every, overhead, parts, curvature, verbose
        self.history: dict[str, list[float]] = {}
        self.advice = ""
        self.refusal: str | None = None
        self._training: Any = None  # `fit` puts itself here
        self._observing: Any = None
        self._clear()

    def _clear(self) -> None:
        self.history = {name: [] for name in ("step", "noise_scale", "alpha", "gradient_norm", "curvature")}
        self._noise, self._alphas = NoiseMean(), deque[float](maxlen=_RECENT)
        self._step = self._measured = self._since_curvature = 0
        self._vector: Any = None
        self._spent = self._dearest = self._began = self._next = 0.0

    # ------------------------------------------------------------------ when

    def on_train_begin(self, logs: Any = None) -> None:
        if has_own(self.model, "train_step"):
            raise ValueError(
                f"Cockpit: {type(self.model).__name__} has a train_step of its own, and nobody else knows what that "
                "minimizes. Override compute_loss instead."
            )
        if data_parallel_group() is not None:
            raise ValueError("Cockpit: several ranks share each batch; measure in one process.")
        self._clear()
        self.refusal, self.advice = None, ""
        self._began = time.perf_counter()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._step += 1
        if self._is_due():
            self._observing = observe.observing(_one_step(self))
            self._observing.__enter__()

    def _is_due(self) -> bool:
        """The second step is (the first one makes weights), and others as often as was asked for."""
        if self.every is not None:
            return (self._step - 2) % self.every == 0 and self._step > 1
        return self._step == 2 or (self._step > 2 and time.perf_counter() >= self._next)

    def _wants_curvature(self) -> bool:
        if not self.curvature or self.refusal is not None:
            return False
        if self.every is not None:
            return self._measured % self.curvature == 0
        if not self._measured or (self._dearest and self._since_curvature < self.curvature):
            return False
        known = self._dearest or _PRODUCTS * self._spent / self._measured
        elapsed = time.perf_counter() - self._began
        return 2 * known <= self.overhead * elapsed  # at most half of what measuring may have taken so far

    def on_train_end(self, logs: Any = None) -> None:
        self._leave()
        if self.verbose and self.advice:
            told = f"cockpit: {self.advice}"
            write(f"{told}\n" if self.refusal is None else f"{told} {self.refusal}\n", sys.stderr)

    def _leave(self) -> None:
        if self._observing is not None:
            self._observing.__exit__(None, None, None)
            self._observing = None

    # ------------------------------------------------------------------ what

    def _measure_before(self, data: Any) -> tuple[Probe, float, float]:
        """Before the step: the probe, the curvature, and the seconds that it took."""
        began = time.perf_counter()
        probe = Probe(self.model, data, self.parts)
        curvature = math.nan
        if self._wants_curvature():
            before, self._since_curvature = time.perf_counter(), 0
            try:
                curvature, self._vector = probe.curvature(self._vector)
            except Exception as error:  # noqa: BLE001  (an op without second derivatives must not stop the training)
                self.refusal = f"The curvature can't be measured: {type(error).__name__}: {error}"[:400]
            self._dearest = max(self._dearest, time.perf_counter() - before)
        return probe, curvature, time.perf_counter() - began

    def _measure_after(self, probe: Probe, curvature: float, took: float) -> None:
        began = time.perf_counter()
        if probe.noise is not None:
            self._noise.add(probe.noise)
        found = probe.step_length()
        if math.isfinite(found):
            self._alphas.append(found)
        values = {"noise_scale": self._noise.scale, "alpha": found, "gradient_norm": probe.norm, "curvature": curvature}
        for name, value in ({"step": self._step} | values).items():
            self.history[name].append(value)
        self._measured += 1
        self._since_curvature += 1
        self._say(probe.rows)
        self._show({name: value for name, value in values.items() if math.isfinite(value)})
        now = time.perf_counter()
        self._spent += took + now - began
        self._next = self._began + self._spent / self.overhead

    def _say(self, rows: int) -> None:
        known = [value for value in self.history["curvature"] if math.isfinite(value)]
        typical = statistics.median(self._alphas) if self._alphas else math.nan
        self.advice = advice(rows, self._noise.scale, typical, known[-1] if known else math.nan, self._plain_rate())

    def _plain_rate(self) -> float:
        """The learning rate of plain gradient descent, whose stability the curvature decides."""
        optimizer = self.model.optimizer
        plain = type(optimizer).__name__ == "SGD" and not optimizer.momentum
        return float(optimizer.learning_rate) if plain else math.nan

    def _show(self, values: dict[str, float]) -> None:
        named = {f"cockpit/{name}": value for name, value in values.items()}
        others = [] if self._training is None else self._training.callbacks.callbacks
        for each in (*others, *observe.current()):
            if each is not self and hasattr(each, "show_measured"):
                each.show_measured(named, self.advice)


def _one_step(cockpit: Cockpit) -> Listening:
    """Listens to one step, whose batch it learns so."""
    scopes: list[observe.Scope] = []
    before: list[tuple[Probe, float, float] | None] = []

    def begins(scope: observe.Scope) -> None:
        if not scopes and scope.kind == "step" and scope.owner is cockpit.model:
            scopes.append(scope)
            before.append(cockpit._measure_before(scope.inputs))

    def ended(scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        if scopes and scope is scopes[0]:
            cockpit._leave()
            if error is None and before and before[0] is not None:
                cockpit._measure_after(*before[0])

    return Listening(on_scope_begin=begins, on_scope_end=ended)


def advice(batch: int, noise: float, alpha: float, curvature: float = math.nan, rate: float = math.nan) -> str:
    """One sentence on the batch size and the learning rate.

    >>> advice(32, 400.0, -0.6)
    'Gradients of 32 rows are mostly noise (noise scale 400): larger batches would make each step better, up to some \
400 rows; steps end 0.4 of the way to the minimum ahead of them on their batch: there is room for a larger rate.'
    """
    return f"{_of_batch(batch, noise)}; {_of_rate(alpha, curvature, rate)}."


def _of_batch(batch: int, noise: float) -> str:
    if math.isnan(noise):
        return f"Nothing is known yet of the noise in gradients of {batch} rows"
    if noise > _MANY * batch:
        much = "beyond measure" if math.isinf(noise) else f"noise scale {noise:.3g}"
        limit = "" if math.isinf(noise) else f", up to some {noise:.3g} rows"
        return f"Gradients of {batch} rows are mostly noise ({much}): larger batches would make each step better{limit}"
    if noise < _FEW * batch:
        enough = max(1, round(noise))
        return (
            f"Batches of {batch} rows are larger than they need be (noise scale {noise:.3g}): some {enough} rows would "
            "give nearly the same steps"
        )
    return f"The batch size of {batch} fits (noise scale {noise:.3g})"


def _of_rate(alpha: float, curvature: float, rate: float) -> str:
    if math.isfinite(rate * curvature) and rate * curvature > 2:
        return (
            f"the rate of {rate:.3g} is too large for the curvature of {curvature:.3g}: plain gradient descent is "
            f"stable below {2 / curvature:.2g}"
        )
    if math.isnan(alpha):
        return "nothing is known yet of the length of steps"
    if alpha < -_NEAR:
        return (
            f"steps end {1 + alpha:.2g} of the way to the minimum ahead of them on their batch: there is room for a "
            "larger rate"
        )
    if alpha > _NEAR:
        return f"steps go {1 + alpha:.2g} times as far as the minimum ahead of them on their batch: lower the rate"
    return "steps end near the minimum ahead of them on their batch, so the rate fits"
