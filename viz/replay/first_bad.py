"""Where NaN begins in a step that runs again: the first op, forward or backward, that makes it of finite numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import Tensor
from eagerflow.core.observe import observing
from viz.facts.formatting import place, shape
from viz.recorder.descriptions import flat
from viz.recorder.finite_check import is_finite
from viz.recorder.listening import Listening
from viz.replay.kept import Kept, KeptStep
from viz.replay.player import Changes, Played, Player

__all__ = ["Culprit", "find_culprit", "layer_of"]


@dataclasses.dataclass
class Culprit:
    """The op where NaN or infinity begins.

    Attributes:
        step: the number of the step.
        op: its name.
        phase: `"forward"`, `"backward"` or `"update"`.
        layer: the path of the layer it ran in, "" for none.
        line: the line of code, "" where it isn't known.
        shape: of what it made.
        count: how many elements aren't finite.
        rows: in which rows, at most ten.
        of_data: whether these are numbers of rows of the data, not of the batch.
        from_data: whether it was given such numbers by data or weights.
    """

    step: int
    op: str
    phase: str
    layer: str
    line: str
    shape: tuple[int, ...]
    count: int
    rows: list[int]
    of_data: bool = False
    from_data: bool = False

    def __str__(self) -> str:
        where = f" of layer {self.layer!r}" if self.layer else ""
        line = f" at {self.line}" if self.line else ""
        if self.from_data:
            return f"step {self.step}: NaN or infinity comes in by data or weights: {self.op}{where}{line} is given it"
        several = "rows" if len(self.rows) > 1 else "row"
        rows = f", {several} {', '.join(map(str, self.rows))}{' of the data' * self.of_data}" if self.rows else ""
        return (
            f"step {self.step}: NaN or infinity begins {self.phase}, in {self.op}{where}{line}: {self.count} of "
            f"{shape(self.shape) or 'one number'}{rows}"
        )


def _array(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


def _all_finite(values: Sequence[Any]) -> bool:
    return all(is_finite(numpy.asarray(_array(x))) for x in flat(values) if hasattr(_array(x), "dtype"))


class _Finder:
    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.found: Culprit | None = None
        self._bad: tuple[Any, Any, Any] | None = None

    def hear_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any, *_: Any) -> None:
        """The first backward rule whose result isn't finite though its gradients are."""
        if self._bad is None and not _all_finite(results):
            self._bad = op, out_keys, next(_array(r) for r in results if r is not None and not is_finite(_array(r)))

    def heard(self, i: int, played: Played) -> None:
        """An event of a step has run."""
        if self.found is not None:
            return
        event = played.step.events[i]
        if "op" in event:
            made = [played.tensors[n] for n in event["out"]]
            if not _all_finite(made):
                self._note(played, i, "forward", made, not _all_finite(played.inputs[i]))
        elif self._bad is not None:
            op, keys, bad = self._bad
            at = _made_by(played, keys)
            if at is not None:
                self._note(played, at, "backward", [bad], False)
            else:
                self.found = self._culprit(played.step, op.name, "backward", "", "", bad, False)

    def _note(self, played: Played, i: int, phase: str, made: Sequence[Any], given: bool) -> None:
        event = played.step.events[i]
        bad = next(_array(x) for x in made if not _all_finite([x]))
        layer, made_at = layer_of(self.kept, played.step, i)
        line = place(self.kept.place(event["at"]) or made_at)
        self.found = self._culprit(played.step, event["op"], phase, layer, line, bad, given)

    def _culprit(self, step: KeptStep, op: str, phase: str, layer: str, line: str, bad: Any, given: bool) -> Culprit:
        where, known = ~numpy.isfinite(bad), False
        rows = sorted(set(numpy.nonzero(where)[0].tolist()))[:10] if where.ndim > 1 else []
        if step.rows is not None and where.ndim > 1 and where.shape[0] == len(step.rows):
            rows, known = [step.rows[r] for r in rows], True
        return Culprit(step.number, op, phase, layer, line, tuple(where.shape), int(where.sum()), rows, known, given)


def _made_by(played: Played, keys: Any) -> int | None:
    """The event that made a tensor with one of these keys."""
    wanted = set(keys)
    for i, event in enumerate(played.step.events):
        if "op" in event and any(getattr(played.tensors.get(n), "key", None) in wanted for n in event["out"]):
            return i
    return None


def layer_of(kept: Kept, step: KeptStep, i: int) -> tuple[str, Any]:
    """The path of the layer that an event ran in, and the line where that was made."""
    path: list[tuple[str, Any]] = []
    for event in step.events[:i]:
        if "begin" in event:
            path.append((event["name"], event["at"]))
        elif "end" in event:
            path.pop()
    named = next((kept.place(at) for _, at in reversed(path) if at is not None), None)
    return "/".join(name for name, _ in path), named


def find_culprit(kept: Kept, changes: Changes | None = None) -> tuple[Culprit | None, Player, list[Played]]:
    """Run all steps of a file, and say where in them NaN or infinity begins."""
    finder = _Finder(kept)
    player = Player(kept, changes, heard=finder.heard)
    with observing(Listening(on_rule=finder.hear_rule)):
        played = player.run_to(len(kept.steps) - 1)
    return finder.found, player, played
