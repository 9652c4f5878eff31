"""`penalty_dominates.collapsed`: a VAE whose latent numbers are noise alone, as its KL divergence went to 0."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first, first_gradient, host, number
from viz.doctor.user_code import Place

__all__ = ["PosteriorCollapse"]

_COLLAPSED_STEPS = 100  # a VAE's latent numbers begin as noise, too
_COLLAPSED_KL = 0.05  # nats, of all latent numbers of a row together: so little tells no two rows apart
_COLLAPSED_SPREAD = 0.01  # variance of the means of a latent number, beside a noise of 1
_COLLAPSED_SPREAD_IDLE = 0.03  # the same, where nothing was learnt from the input

_SQUARES = ("square", "power", "multiply")

_FIXES = {
    "penalty_dominates.collapsed": (
        "Weigh the divergence less against the reconstruction: take the sum over pixels (columns) of the errors, "
        "not their mean, where the divergence is a sum over latent numbers; or multiply it by a weight that grows from "
        "0 to 1 in the first epochs. A decoder that sees the earlier steps of its answer needs that, too."
    )
}


class PosteriorCollapse(Check):
    """Finds log_var and mean of a divergence, by the one gradient that both its terms get, and looks at them."""

    fixes = _FIXES

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._given: dict[int, Any] = {}  # what exponentials and squares were taken of, by the keys of their outputs
        self._exponentials: list[tuple[tuple[int, ...], float, int]] = []
        self._squares: list[tuple[tuple[int, ...], float, int]] = []
        self._seen: list[tuple[int, float, float]] = []  # step, divergence, largest variance of a mean between rows
        self._place: Place | None = None

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        key = getattr(outputs, "key", None)
        if key is not None and (op.name == "exp" or op.name in _SQUARES) and isinstance(inputs[0], Tensor):
            self._given[key] = inputs[0].data

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        key = first(out_keys)
        if key not in self._given:
            return
        values = first_gradient(gradients)
        low = float(values.min()) if values.size > 1 and values.ndim > 1 else 0.0
        if low > 0 and float(values.max()) == low:
            (self._exponentials if op.name == "exp" else self._squares).append((values.shape, low, key))

    def on_step_end(self) -> None:
        for shape, slope, key in self._exponentials:
            mean = next((k for s, g, k in self._squares if (s, g) == (shape, slope)), None)
            if mean is None or len(self._given[key]) < limits.WINDOW or self._given[mean].shape != shape:
                continue
            log_var, means = (host(self._given[k]).astype("float64") for k in (key, mean))
            with numpy.errstate(all="ignore"):
                rows = -0.5 * (1 + log_var - numpy.square(means) - numpy.exp(log_var)).reshape(len(means), -1)
            self._seen.append((self.watch.step, float(rows.sum(axis=1).mean()), float(means.var(axis=0).max())))
            origin = self.watch.origins.get(key)
            self._place = (origin.place if origin is not None else None) or self._place
            break
        self._given.clear()
        self._exponentials.clear()
        self._squares.clear()

    def finish(self) -> None:
        """Judge how it ended: at first, latent numbers hardly tell rows apart, either."""
        last = self._seen[-limits.HEAVY_BLOCK :]
        if self.watch.interrupted or len(last) < limits.HEAVY_BLOCK or last[0][0] < _COLLAPSED_STEPS:
            return
        divergence, spread = (max(each[i] for each in last) for i in (1, 2))
        idle = any(finding.rule == "not_learning" for finding in self.watch.raw("not_learning"))
        widest = _COLLAPSED_SPREAD_IDLE if idle else _COLLAPSED_SPREAD
        if divergence > _COLLAPSED_KL or spread > widest:
            return
        self.watch.report(
            "penalty_dominates.collapsed",
            "warning",
            f"the KL divergence is {number(divergence)} after {last[-1][0]} steps: for each row the latent numbers are "
            f"noise of mean 0 and deviation 1 (their means differ between rows by a variance of {number(spread)}), so "
            "they hold nothing of the input, and what is made of them can only be the same for all rows",
            place=self._place,
            key=("penalty_dominates", "collapsed"),
            evidence={"penalty": self._seen[0][1], "data_loss": divergence, "spread": spread},
        )
