"""`Script`: the program as those checks see it that judge a whole script, and not each of its trainings."""

from __future__ import annotations

from typing import Any

from viz.doctor.facts.variable_owners import Owners
from viz.doctor.finding import Finding

__all__ = ["Script"]


class Script:
    """A program whose findings belong to no training, and whose steps are counted through all of them.

    Args:
        program: the program, to which all else is left.

    Attributes:
        owners: the layers and models that were called.
        found: the findings, by the keys that they were reported with.
    """

    def __init__(self, program: Any) -> None:
        self._program = program
        self.found: dict[Any, Finding] = {}
        self.owners = Owners()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._program, name)

    @property
    def number(self) -> int:
        """The step that runs, counted from 1 through all trainings."""
        program = self._program
        return 1 + int(program.total if program.counter is None else program.counter())

    def report(self, kind: str, severity: str, message: str, **about: Any) -> None:
        """See `Program.report`."""
        self._program.enter(self.found, kind, severity, message, **about)

    def retract(self, key: Any) -> None:
        """See `Program.retract`."""
        self.found.pop(key, None)
