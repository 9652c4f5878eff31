"""`loss_sign.turned`: a loop of the user's own that makes a loss of the library larger, as it takes its negative."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first, first_gradient, host, means_of_the_ends, number, total
from viz.doctor.checks.losses import function_name, is_ours
from viz.doctor.loss_questions import CROSSENTROPIES
from viz.doctor.user_code import Place

__all__ = ["Turned"]

# Those that are 0 at least, and the larger the worse the answers are. Others may be below 0 as they should: cosines,
# likelihoods of counts, divergences of what sums to no 1.
_ERRORS = (
    "crossentropy",
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
    "hinge",
    "dice",
    "tversky",
    "ctc",
)


class _Loss(NamedTuple):
    """A loss that was computed in this step."""

    name: str
    value: float  # the mean over all rows


class _Share(NamedTuple):
    """How the loop's loss depends on a loss in it."""

    whole: float  # by what it grows with all rows of the loss together
    single: float  # and with one of them


class Turned(Check):
    """Asks the backward pass how the loop's own loss depends on each loss of the library in it.

    A loss with a minus sign is meant where somebody else is to be misled, where it is one term of several, where it is
    weighed by what a policy's actions brought, or where something is to be unlearnt. So this speaks only where the
    factor is the same negative number in all steps, where all weights that the answers come from are trained so from
    their beginning, where labels are data, and nothing of it outweighs the loss; and where the loss does become larger.
    """

    always = ("on_scope_end", "on_gradient")
    begins = ()
    ends = ("loss",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._losses: dict[int, _Loss] = {}  # of this step, by their keys
        self._values: list[float] = []  # the largest one of each step
        self._shares: list[_Share] = []
        self._used: set[int] = set()  # the weights that the answers of this step come from
        self._turned: dict[Any, Place | None] = {}  # where the sign was turned, by the keys of what it was turned of
        self._name = ""
        self._place: Place | None = None
        self._called: Place | None = None
        self._counted = 0.0  # what the losses of this step count for in the loop's own
        self._always = True
        self._begun = False

    # ------------------------------------------------------------------ what is computed

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if error is None and self._always and is_ours(opened.owner):
            name = function_name(opened.owner) or getattr(opened.owner, "name", "") or ""
            labels = opened.scope.inputs[0] if isinstance(opened.scope.inputs, tuple) else None
            self._note(name, labels, outputs)

    def _note(self, name: str, labels: Any, outputs: Any) -> None:
        """A loss that is tracked, and whose labels are data, not what the network said of itself."""
        key = outputs.key if isinstance(outputs, Tensor) else None
        if key is None or self.watch.inside("metric") or not any(known in name for known in _ERRORS):
            return
        if getattr(labels, "key", None) is None and outputs.data.size:
            self._losses[key] = _Loss(name, float(host(outputs.data).mean()))

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if not self._always or error is not None or getattr(outputs, "key", None) is None:
            return
        self._used.update(x.identity for x in inputs if isinstance(x, Variable) and x.trainable)
        if op.name in CROSSENTROPIES and not self.watch.inside("loss", "layer", "model"):
            self._note(op.name, inputs[0], outputs)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        """Weights that are loaded may have learnt what is unlearnt now."""
        if name == "assign" and variable.trainable and not self._begun:
            self._always = False

    # ------------------------------------------------------------------ what is differentiated

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        if not self._losses:
            return
        key = first(out_keys)
        found = self._losses.get(key)
        if found is None:
            self._follow_sign(key, in_keys, gradients, results)
            return
        values = first_gradient(gradients)
        if not values.size or values.max() >= 0 or values.max() - values.min() > 1e-3 * abs(float(values.min())):
            self._always = False
            return
        share = _Share(float(values.sum(dtype="float64")), float(values.max()))
        self._shares.append(share)
        self._counted += share.whole * found.value
        self._name = self._name or found.name
        self._place = self._place or self._turned.get(key)

    def _follow_sign(self, key: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        """Note where a number turns its sign on the way from the loop's loss to the one in it."""
        place = self._turned.get(key)
        given = first(gradients)
        if place is None and numpy.size(given) == 1 and float(first_gradient(gradients).reshape(-1)[0]) > 0:
            for made, result in zip(in_keys, results or ()):
                data = result.data if isinstance(result, Tensor) else result
                if made is not None and data is not None and numpy.size(data) and float(host(data).max()) < 0:
                    origin = self.watch.origins.get(key)
                    self._turned[made] = origin.place if origin is not None else None
        elif place is not None:
            self._turned.update(dict.fromkeys([made for made in in_keys if made is not None], place))

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        asked = {source.identity for source in sources if isinstance(source, Variable)}
        self._called = self._called or self.watch.called_at()
        self._begun = True
        if self._losses:
            self._values.append(max(each.value for each in self._losses.values()))
            self._always = self._always and self._used <= asked  # else weights that stay as they are may be misled
        if self._counted and not abs(total(targets) - self._counted) <= 0.5 * abs(self._counted):
            # A term that counts more may be what it is about. (What isn't finite any more is no matter of signs.)
            self._always = self._always and not numpy.isfinite(total(targets))
        for each in (self._losses, self._used, self._turned):
            each.clear()  # and not as a step ends, which may be as late as the next one's gradients
        self._counted = 0.0

    # ------------------------------------------------------------------ judging

    def finish(self) -> None:
        """Judge by how the loss went."""
        values = numpy.array(self._values, "float64")
        broken = numpy.flatnonzero(~numpy.isfinite(values))
        values = values[: broken[0]] if broken.size else values
        enough = len(values) >= limits.WINDOW and len(self._shares) >= limits.WINDOW
        if not self._always or not enough or values.min() < 0 or self.watch.training.known or not self._is_one_factor():
            return
        first, last = means_of_the_ends(values)
        if last < first:
            self._climbs_rightly()
            return
        if last < limits.APART_GROWS * first or self.watch.has("loss_sign"):
            return
        self.watch.report(
            "loss_sign.turned",
            "error",
            f"the loop's loss falls as {self._name!r} in it grows: training made that larger, from {number(first)} to "
            f"{number(last)}, and the answers worse",
            place=self._place or self._called,
            key=("loss_sign", "turned"),
            evidence={"perfect": first, "now": last},
        )

    def _climbs_rightly(self) -> None:
        """Updates along the gradients of minus a loss make it smaller: that is one sign turned twice."""
        if all(finding.rule == "loss_sign.update" for finding in self.watch.raw("loss_sign")):
            for key in self.watch.keys("loss_sign"):
                self.watch.retract(("loss_sign", key))

    def _is_one_factor(self) -> bool:
        """Is the factor the same in all steps: of all rows together, or of each, where the last batch has fewer?"""
        return any(max(each) - min(each) <= 1e-3 * abs(min(each)) for each in zip(*self._shares))
