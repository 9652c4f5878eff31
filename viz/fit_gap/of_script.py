"""Runs an unmodified script, and takes the calls of `fit` in it apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from eagerflow.core.observe import observing
from viz.facts.json_data import finite
from viz.facts.lines.room import folded, room
from viz.fit_gap.measure import measure
from viz.fit_gap.report import Gap
from viz.fit_gap.seen_epoch import EpochWatch, SeenEpoch
from viz.frameworks import eagerflow_alone

__all__ = ["Found", "listening"]


class Found(NamedTuple):
    """What came of a script's calls of `fit`."""

    gaps: list[Gap]  # one for each call that was taken apart
    refusals: list[str]  # why others weren't

    def text(self, ended: str = "") -> str:
        """All of it for people."""
        if not self.gaps and not self.refusals:
            return self._no_epoch(ended)
        refused = [f"refused: {each}" for each in self.refusals]
        said = [*refused, *([f"note: {ended}; this is about what fit did until then"] if ended else [])]
        return "\n\n".join([*[str(gap.text) for gap in self.gaps], *[folded(each, room()) for each in said]])

    def to_dict(self, ended: str = "") -> dict[str, Any]:
        """The same as plain data, which JSON can hold."""
        gaps = [gap.to_dict() for gap in self.gaps]
        why = [] if gaps or self.refusals else [self._no_epoch(ended)]
        found: dict[str, Any] = finite({"gaps": gaps, "refused": self.refusals, "notes": why})
        return found

    @staticmethod
    def _no_epoch(ended: str) -> str:
        why = f"{ended} before" if ended else "is the model trained by model.fit in this script?"
        return eagerflow_alone("viz gap") or f"no epoch of fit was finished: {why}"


@contextmanager
def listening(every: bool = False, nonfinite: str = "viz nonfinite SCRIPT") -> Iterator[Found]:
    """Within, calls of `fit` are seen; what `with` gives is filled when each ends, or at the end of the block."""
    found = Found([], [])
    last: list[SeenEpoch] = []

    def ended(seen: SeenEpoch) -> None:
        last[:] = [seen]
        if every:
            _enter(found, last.pop(), nonfinite)

    try:
        with observing(EpochWatch(ended)):
            yield found
    finally:
        if last:
            _enter(found, last.pop(), nonfinite)


def _enter(found: Found, seen: SeenEpoch, nonfinite: str) -> None:
    try:
        found.gaps.append(measure(seen, nonfinite))
    except ValueError as refusal:
        found.refusals.append(str(refusal))
