"""`frozen.made`: layers that a network makes anew whenever it is called."""

from __future__ import annotations

from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first_tensor, tracked
from viz.doctor.user_code import Place, made_at

__all__ = ["MadeInCalls"]


class MadeInCalls(Check):
    """Counts the layers with weights that one line makes, each of which is called within another one, in one step."""

    rules = {
        "frozen.made": Rule(
            "error",
            "a new layer is made on this line whenever {outer!l} is called, {count} so far: its weights are thrown "
            "away after each step, so they stay as first drawn",
            "Make the layer once, in __init__, and call it where it is needed.",
        )
    }

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._steps: dict[Place, dict[int, int]] = {}  # by the line: the layers, and the last step of each
        self._met: list[Any] = []  # so that no id comes again

    def on_call_end(self, opened: Any, outputs: Any) -> None:
        place = made_at(opened.owner) if not self.watch.outermost() and tracked(first_tensor(outputs)) else None
        if place is None or not getattr(opened.owner, "trainable_variables", ()):
            return
        known = self._steps.setdefault(place, {})
        if id(opened.owner) not in known:
            self._met.append(opened.owner)
        known[id(opened.owner)] = self.watch.step
        last = list(known.values())[-limits.WINDOW :]
        if len(known) == limits.WINDOW and last == sorted(set(last)):
            about = {"outer": self.watch.scopes[0].owner, "count": len(known), "steps": len(known), "unchanged": 0}
            self.tell("frozen.made", layer=opened.owner, place=place, key=("frozen", place), **about)
