"""`shuffled_apart`: a hint where nothing is learnt, and inputs or labels alone are shuffled."""

from __future__ import annotations

from viz.doctor.check_base import Check
from viz.doctor.source_calls import lone_shuffles
from viz.doctor.user_code import Place

__all__ = ["Shuffles"]


class Shuffles(Check):
    """Reads the script where the network learnt nothing. Asked after `Answers`."""

    def finish(self) -> None:
        """Look for a shuffle of one array."""
        for found in self.watch.raw("not_learning"):
            shuffles = lone_shuffles(found.file) if found.file else []
            if shuffles:
                name, line = shuffles[0]
                self.watch.report(
                    "shuffled_apart",
                    "info",
                    f"{name!r} is shuffled in place and nothing else is: if it holds inputs or labels, each row now "
                    "has "
                    "another row's label, which would explain that nothing is learnt",
                    place=Place(str(found.file), line),
                    evidence={"name": name, "line": line},
                )
