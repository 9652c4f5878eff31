"""`unscaled_input.tiny`, where nothing was learnt: inputs that are small, as pixels that were divided by 255 twice."""

from __future__ import annotations

from viz.doctor.check_base import Check
from viz.doctor.checks.inputs import Inputs

__all__ = ["SmallInputs"]


class SmallInputs(Check):
    """Asks what `Inputs` saw, where nothing was learnt; from small inputs much can be learnt. Asked after `Answers`."""

    def finish(self) -> None:
        """Name inputs that are too small for updates of a usual rate to show in what is made of them."""
        idle = [
            found for found in self.watch.raw("not_learning") if found.rule in ("not_learning", "not_learning.rate")
        ]
        seen = next((each for each in self.watch.training.checks if isinstance(each, Inputs)), None)
        if idle and seen is not None:
            seen.tell_small(idle[0].severity)
