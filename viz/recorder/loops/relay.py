"""What passes on to a capture what is announced, while that is wanted."""

from __future__ import annotations

from eagerflow.core import observe
from viz.recorder.capture import Capture

__all__ = ["Relay"]

# What training reports of a step comes when the step is over, and so may this be by then: `StepGate` hears it itself.
_EVENTS = [name for name in vars(observe.Observer) if name.startswith("on_") and name != "on_logs"]


class Relay(observe.Observer):
    """Stands among the observers all the time, and costs nothing while it is off. Reports of training it leaves out.

    A capture that came and went by itself would be lost where this is decided inside of a captured step: the observers
    of such a step are those that were there when it began.
    """

    hears_steps = True  # those that `viz.step` marks
    hears_replays = True
    wants_scopes = False  # whoever turns it on says whether they are announced
    wants_ops = False

    @property
    def is_on(self) -> bool:
        """Does it pass on what it hears?"""
        return self.wants_ops

    def turn_on(self, capture: Capture) -> None:
        """Let a capture hear everything from here on."""
        for name in _EVENTS:  # its own functions, with nothing around them
            setattr(self, name, getattr(capture, name))
        observe.want_ops(self, True)

    def turn_off(self) -> None:
        """Let nobody hear anything."""
        if self.is_on:
            for name in _EVENTS:
                delattr(self, name)
            observe.want_ops(self, False)
