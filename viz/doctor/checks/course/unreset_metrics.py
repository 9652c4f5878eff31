"""`unreset_metric`: a metric in a loop of the user's own that goes on counting from epoch to epoch."""

from __future__ import annotations

from typing import Any

from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host
from viz.doctor.user_code import Place, loop_counters

__all__ = ["UnresetMetrics"]

_METRICS_FOLLOWED = 16  # in custom loops
_METRIC_EPOCHS = 2  # through which one goes on counting
_EPOCHS = ("e", "_e")  # what their variables begin with


class _Followed:
    """A metric whose updates are followed."""

    def __init__(self, metric: Any, place: Place | None) -> None:
        self.metric, self.place = metric, place
        self.updates = self.begun = 0  # and how often it was updated when nothing had been counted yet
        self.values: dict[str, set[int]] = {}  # of what may be a loop's variable, by its name

    @property
    def epochs(self) -> int:
        """How many epochs it went through."""
        return max(map(len, self.values.values()), default=0)


class UnresetMetrics(Check):
    """Looks whether a metric was ever back at 0 when an update began, in several epochs of several updates each."""

    rules = {
        "unreset_metric": Rule(
            "warning",
            "the metric {metric!r} is updated in each {epoch}, but never set back: it counts all rows since training "
            "began ({updates} updates in {epochs} epochs looked at), so it tells of the network as it was on the way, "
            "not as it is now",
            "Set it back where each epoch begins, metric.reset_state(), or right after its result was read.",
        )
    }

    always = ("on_scope_begin",)
    begins = ("metric",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._followed: dict[int, _Followed] = {}

    def on_scope_begin(self, opened: Any) -> None:
        if self.watch.inside("step", "loss", "layer", "model"):
            return
        found = self._followed.get(id(opened.owner))
        if found is None and len(self._followed) < _METRICS_FOLLOWED:
            found = self._followed[id(opened.owner)] = _Followed(opened.owner, self.watch.called_at())
        if found is None or found.epochs > _METRIC_EPOCHS:
            return
        found.updates += 1
        found.begun += not any(host(v.data).any() for v in opened.owner.variables)
        for name, value in loop_counters().items():
            if name.lower().startswith(_EPOCHS):
                found.values.setdefault(name, set()).add(value)

    def finish(self) -> None:
        """Judge those that went through several epochs."""
        for found in self._followed.values():
            if found.epochs >= _METRIC_EPOCHS and found.begun == 1 and found.updates >= 2 * found.epochs:
                numbers = {"updates": found.updates, "epochs": found.epochs, "resets": found.begun}
                loop = max(found.values, key=lambda name: len(found.values[name]))
                about = {"place": found.place, "metric": found.metric.name, "epoch": loop}
                self.tell("unreset_metric", key=("unreset_metric", id(found.metric)), **about, **numbers)
