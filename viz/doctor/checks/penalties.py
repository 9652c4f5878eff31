"""`penalty_dominates`: weight penalties so large that the labels hardly count."""

from __future__ import annotations

from typing import Any

from eagerflow import Variable, no_grad
from eagerflow.core.observe import unobserved
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number, tensors
from viz.doctor.program import layer_label
from viz.doctor.variable_owners import Owners

__all__ = ["Penalties"]


class Penalties(Check):
    """Compares the penalties of weights with the loss of the data, twice in the first steps."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._owners = Owners()
        self._data = 0.0
        self._dominated = 0
        self._last: tuple[dict[int, tuple[Variable, float]], float] | None = None

    def on_scope_begin(self, opened: Any) -> None:
        if self.watch.step < 2:
            self._owners.meet(opened)

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.kind == "loss":
            self._data += sum(abs(float(host(x.data).sum())) for x in tensors(outputs) if x.key is not None)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        if self.watch.step not in (0, limits.WINDOW - 1) or not self._data:
            return
        regular = [v for v in sources if isinstance(v, Variable) and getattr(v, "regularizer", None) is not None]
        with unobserved(), no_grad():
            terms = {v.identity: (v, abs(float(v.regularizer(v)))) for v in regular}
        total = sum(value for _, value in terms.values())
        if total > limits.PENALTY * self._data:
            self._dominated += 1
            self._last = terms, self._data

    def on_step_end(self) -> None:
        self._data = 0.0
        if self.watch.step + 1 == limits.WINDOW and self._dominated == 2:
            self._tell()

    def _tell(self) -> None:
        assert self._last is not None
        terms, data = self._last
        variable, largest = max(terms.values(), key=lambda entry: entry[1])
        total = sum(value for _, value in terms.values())
        layer = self._owners.of(variable)
        self.watch.report(
            "penalty_dominates",
            "warning",
            f"penalties of weights are {number(total)}, {number(total / data)} times the loss of the data "
            f"({number(data)}), "
            f"most of it for {variable.path!r} ({number(largest)}): training makes weights small, and learns little "
            "else",
            layer=layer if layer is not None else variable.path,
            evidence={"penalty": total, "data_loss": data, "largest": largest, "layer": layer_label(layer)},
        )
