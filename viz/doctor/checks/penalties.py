"""`penalty_dominates`: penalties of weights, or a divergence, so large that the labels hardly count."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import no_grad
from eagerflow.core.observe import unobserved
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first, first_gradient, host, is_tensor, tensors
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.user_code import Place

__all__ = ["Divergences", "Penalties"]

_COLLAPSED_KL = 0.05  # nats, of all latent numbers of a row together: so little tells no two rows apart
_COLLAPSED_SPREAD = 0.03  # variance of the means of a latent number, beside a noise of 1
_SQUARES = ("square", "power", "multiply")


class Penalties(Check):
    """Compares the penalties of weights with the loss of the data, twice in the first steps."""

    rules = {
        "penalty_dominates": Rule.warning(
            "penalties of weights are {penalty!n}, {times!n} times the loss of the data ({data_loss!n}), most of it "
            "for {variable!r} ({largest!n}): training makes weights small, and learns little else",
            "Use a hundredth of that penalty (l2(1e-4), say), or none, and Dropout or more data instead.",
        )
    }

    def begin(self) -> None:
        self._data = 0.0
        self._dominated = 0

    def on_loss_end(self, opened: Any, outputs: Any) -> None:
        self._data += sum(abs(float(host(x.data).sum())) for x in tensors(outputs) if x.key is not None)

    def on_gradients(self, gradients: Gradients) -> None:
        if self.watch.step not in (0, limits.WINDOW - 1) or not self._data:
            return
        with unobserved(), no_grad():
            found = [(v, getattr(v, "regularizer", None)) for v in gradients.variables]
            terms = [(v, abs(float(penalty(v)))) for v, penalty in found if penalty is not None]
        total = sum(value for _, value in terms)
        self._dominated += total > limits.PENALTY * self._data
        if self._dominated == 2:
            variable, largest = max(terms, key=lambda entry: entry[1])
            layer = self.watch.owners.of(variable)
            about = {"penalty": total, "data_loss": self._data, "times": total / self._data, "largest": largest}
            at = layer if layer is not None else variable.path
            self.tell("penalty_dominates", layer=at, key=("penalty_dominates", 0), variable=variable.path, **about)

    def on_step_end(self) -> None:
        self._data = 0.0


class Divergences(Check):
    """Finds log_var and mean of a KL divergence, by the one gradient that both its terms get, and looks at them.

    The divergence of a normal distribution from the standard one is -0.5 * (1 + log_var - mean**2 - exp(log_var)), in
    which both count alike: the gradients that reach them are one and the same number at all places.
    """

    rules = {
        "penalty_dominates.collapsed": Rule.warning(
            "the KL divergence is {data_loss!n} after {steps} steps: the latent numbers are noise of mean 0 and "
            "deviation 1 (their means differ between rows by a variance of {spread!n}), and hold nothing of the input",
            "Weigh the divergence less against the reconstruction: take the sum of the errors, not their mean, where "
            "it is a sum over latent numbers; or multiply it by a weight that grows from 0 to 1 in the first epochs.",
        )
    }

    def begin(self) -> None:
        self._given: dict[int, Any] = {}  # what exponentials and squares were taken of, by the keys of their outputs
        self._exponentials: list[tuple[tuple[int, ...], float, int]] = []
        self._squares: list[tuple[tuple[int, ...], float, int]] = []
        self._seen: list[tuple[int, float, float]] = []  # step, divergence, largest variance of a mean between rows
        self._place: Place | None = None

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        key = getattr(outputs, "key", None)
        if key is not None and (op.means == "exp" or op.means in _SQUARES) and is_tensor(inputs[0]):
            self._given[key] = inputs[0].data

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        key = first(out_keys)
        values = first_gradient(gradients) if key in self._given else numpy.zeros(0)
        low = float(values.min()) if values.size > 1 and values.ndim else 0.0
        if low and float(values.max()) == low:
            (self._exponentials if op.means == "exp" else self._squares).append((values.shape, low, key))

    def on_step_end(self) -> None:
        for shape, slope, key in self._exponentials:
            mean = next((k for s, g, k in self._squares if (s, g) == (shape, slope)), None)
            if mean is None:
                continue
            origin = self.watch.origins.get(key)
            self._place = (origin.place if origin is not None else None) or self._place
            if slope > 0 and len(shape) > 1 and shape[0] >= limits.WINDOW and self._given[mean].shape == shape:
                log_var, means = (host(self._given[k]).astype("float64") for k in (key, mean))
                with numpy.errstate(all="ignore"):
                    rows = -0.5 * (1 + log_var - numpy.square(means) - numpy.exp(log_var)).reshape(len(means), -1)
                self._seen.append((self.watch.step, float(rows.sum(axis=1).mean()), float(means.var(axis=0).max())))
            break
        for each in (self._given, self._exponentials, self._squares):
            each.clear()

    def finish(self) -> None:
        """Judge how it ended: at first, latent numbers hardly tell rows apart, either."""
        last = self._seen[-limits.HEAVY_BLOCK :]
        if self.watch.interrupted or len(last) < limits.HEAVY_BLOCK or last[0][0] < limits.MANY:
            return
        divergence, spread = (max(each[i] for each in last) for i in (1, 2))
        if divergence <= _COLLAPSED_KL and spread <= _COLLAPSED_SPREAD:
            numbers = {"penalty": self._seen[0][1], "data_loss": divergence, "spread": spread, "steps": last[-1][0]}
            key = "penalty_dominates", "collapsed"
            self.tell("penalty_dominates.collapsed", place=self._place, key=key, **numbers)
