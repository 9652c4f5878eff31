"""`shuffled_apart.stateful`: layers that go on with the state of the last batch, whose rows `fit` shuffles."""

from __future__ import annotations

from typing import Any

from eagerflow import layers
from eagerflow.data.feed import ArrayFeed
from viz.doctor.check_base import Check
from viz.doctor.checks.endings import running_fit
from viz.doctor.program import layer_label

__all__ = ["StatefulRows"]


class StatefulRows(Check):
    """Looks at the recurrent layers of a model that `fit` trains with shuffled arrays."""

    always = ("on_logs",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._looked: Any = None

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is None or fit is self._looked:
            return
        self._looked = fit
        feed = fit.feed
        if not isinstance(feed, ArrayFeed) or not feed.shuffle or (feed.rows or 0) < 2 or _has_own_code(fit):
            return
        found = [each for each in fit.model._flatten_layers() if isinstance(each, layers.RNN) and each.stateful]
        if found:
            self._tell(found[0])

    def _tell(self, layer: Any) -> None:
        self.watch.report(
            "shuffled_apart.stateful",
            "warning",
            f"{layer_label(layer)!r} is stateful: it goes on with each row of a batch where the same row of the last "
            "batch ended, but fit shuffles the rows, so that the state belongs to another one",
            layer=layer,
            place=self.watch.called_at(),
            key=("shuffled_apart", "stateful"),
            evidence={"layer": layer_label(layer)},
        )


def _has_own_code(fit: Any) -> bool:
    """Is there a callback of the user's, or a step, which may begin states anew with each batch?"""
    kinds = [type(each) for each in (fit.model, *fit.callbacks.callbacks)]
    return any(not kind.__module__.startswith(("eagerflow.", "viz.")) for kind in kinds)
