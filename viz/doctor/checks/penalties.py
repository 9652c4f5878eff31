"""`penalty_dominates`: penalties so large that the labels hardly count: of weights, or terms that layers add."""

from __future__ import annotations

import math
from typing import Any

from eagerflow import Tensor, Variable, no_grad
from eagerflow.core.observe import unobserved
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number, tensors
from viz.doctor.checks.learning_rate import rate_of
from viz.doctor.program import layer_label
from viz.doctor.user_code import made_at
from viz.doctor.variable_owners import Owners, layers_in

__all__ = ["AddedTerms", "Decay", "Penalties"]


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


class Decay(Check):
    """Looks at what an optimizer takes away of the weights in each step, whatever the gradients are.

    `weight_decay` is multiplied by the rate, so a value copied from AdamW's 0.001 is far too large for SGD at 1.
    """

    begins = ("optimizer",)

    def on_scope_begin(self, opened: Any) -> None:
        decay, rate = getattr(opened.owner, "weight_decay", None), rate_of(opened.owner)
        taken = (decay or 0.0) * (rate or 0.0) if isinstance(decay, (int, float)) else 0.0
        if taken < limits.DECAYS:
            return
        self.watch.report(
            "penalty_dominates.decay",
            "warning" if taken >= limits.DECAYS_MUCH else "info",
            f"weight_decay={decay:g} at learning rate {number(rate or 0.0)} takes {taken:.0%} of all weights away in "
            f"each step, so what was learnt is half forgotten after {number(max(1.0, math.log(2) / taken))} steps",
            op=getattr(opened.owner, "name", None),
            place=made_at(opened.owner) or self.watch.called_at(),
            key=("penalty_dominates", "decay"),
            evidence={"penalty": taken, "data_loss": 0.0, "weight_decay": decay, "learning_rate": rate},
        )


class AddedTerms(Check):
    """Where nothing was learnt: was it a term of `add_loss` that outweighed the loss of the data at first?

    Most VAEs begin so: their divergence is summed over latent numbers, while the error of the pixels is a mean.
    Such a term may be meant to be large, as where it is the loss itself: alone it is no mistake.
    """

    ends = ("loss",)
    begins = ("layer", "model")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._owners = Owners()
        self._data = 0.0
        self._first: tuple[Any, float, float] | None = None  # the layer, its term, and the loss of the data
        self._later = 0.0

    def on_scope_begin(self, opened: Any) -> None:
        if self.watch.step < 2:
            self._owners.meet(opened)

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        self._data += sum(abs(float(host(x.data).sum())) for x in tensors(outputs) if x.key is not None)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        data, self._data = self._data, 0.0
        step = self.watch.step
        if not data or (step & (step - 1) and step != limits.WINDOW - 1):  # a power of two
            return
        terms = [(layer, abs(value)) for layer, value in self._terms()]
        if step == 0 and terms:
            layer, value = max(terms, key=lambda entry: entry[1])
            self._first = layer, value, data
        elif self._first is not None and step == limits.WINDOW - 1:
            self._later = sum(value for layer, value in terms if layer is self._first[0])

    def _terms(self) -> list[tuple[Any, float]]:
        """What each layer added to the loss in its last call."""
        seen: set[int] = set()
        found = []
        for root in self._owners.roots():
            for layer in reversed(layers_in(root)):  # inner ones first: outer ones have their terms, too
                with unobserved(), no_grad():
                    own = [t for t in getattr(layer, "losses", ()) if isinstance(t, Tensor) and t.key is not None]
                new = [t for t in own if id(t) not in seen]
                seen.update(map(id, new))
                if new:
                    found.append((layer, sum(float(host(t.data).sum()) for t in new)))
        return found

    def finish(self) -> None:
        """Nothing was learnt, and one term was far larger than the loss of the data."""
        idle = [finding for finding in self.watch.raw("not_learning") if finding.rule == "not_learning"]
        if self._first is None or not idle:
            return
        layer, value, data = self._first
        if value <= limits.PENALTY * data:
            return
        self.watch.report(
            "penalty_dominates.added",
            idle[0].severity,
            f"what layer {layer_label(layer)!r} adds to the loss (add_loss) is {number(value)} in the first step, "
            f"{number(value / data)} times the loss of the data ({number(data)}), and {number(self._later)} after "
            f"{limits.WINDOW} steps: training makes that term small, and nothing is learnt from the input",
            layer=layer,
            evidence={"penalty": value, "data_loss": data, "later": self._later},
        )
