"""`constant_output`: the model answers the same, whatever it is asked."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number, tensors
from viz.doctor.program import layer_label

__all__ = ["ConstantOutput"]


class ConstantOutput(Check):
    """Outputs that are equal for all rows of a batch, step after step."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._in_a_row: dict[int, int] = {}
        self._about: dict[int, dict[str, Any]] = {}
        self._varied: set[int] = set()  # models whose outputs differed in some step

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.kind not in ("model", "layer") or not self.watch.outermost() or error is not None:
            return
        given = [x for x in tensors(opened.scope.inputs) if x.data.ndim]
        made = [x for x in tensors(outputs) if x.key is not None]
        if not made or not given or any(not x.data.ndim or x.data.shape[0] < 2 for x in made):
            return
        key = id(opened.owner)
        if all(_constant(x) for x in made):
            self._in_a_row[key] = self._in_a_row.get(key, 0) + 1
            self._about[key] = {
                "owner": opened.owner,
                "place": self.watch.called_at(),
                "layer": self._last_layer(made[0]),
                "value": float(host(made[0].data).reshape(-1)[0]),
                "rows": made[0].data.shape[0],
                "same_inputs": _constant(given[0], 0.0),
            }
        else:
            self._in_a_row[key] = 0
            self._varied.add(key)

    def _last_layer(self, x: Tensor) -> Any:
        origin = self.watch.origin(x)
        return None if origin is None else origin.layer

    def on_step_end(self) -> None:
        for key, count in self._in_a_row.items():
            if count >= limits.CONSTANT_STEPS:
                self._tell(key)

    def finish(self) -> None:
        """Training may be over before that."""
        for key, count in self._in_a_row.items():
            if count >= min(limits.CONSTANT_STEPS_SHORT, max(1, self.watch.step)):
                self._tell(key)

    def _tell(self, key: int) -> None:
        about = self._about[key]
        count = self._in_a_row[key]
        if about["same_inputs"]:
            why = "all rows of its input are equal, too"
            kind, place, layer = "constant_output.data", about["place"], None
        else:
            why = "though their inputs differ"
            kind, place = "constant_output", None
            layer = about["layer"] if about["layer"] is not None else about["owner"]
        name = layer_label(about["owner"])
        self.watch.report(
            kind,
            "error",
            f"the outputs of {name!r} are the same ({number(about['value'])}) for all {about['rows']} rows of a batch, "
            f"{why}{f'; {count} steps in a row' if count > 1 else ''}",
            layer=layer,
            place=place,
            key=("constant_output", key),
            evidence={name: about[name] for name in ("value", "rows", "same_inputs")}
            | {"steps": count, "from_start": key not in self._varied},
        )


def _constant(x: Tensor, resolution: float = limits.CONSTANT) -> bool:
    """Are all rows equal, as far as the type resolves?"""
    values = host(x.data)
    if values.shape[0] < 2 or not values.size or values.dtype.kind not in "fiub":
        return False
    if values.dtype.kind == "b":
        return bool((values == values[:1]).all())
    spread = float((values.max(axis=0) - values.min(axis=0)).max())
    return bool(numpy.isfinite(spread)) and spread <= resolution * float(numpy.abs(values).max())
