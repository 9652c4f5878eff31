"""Where NaN begins in a step that runs again: the first op, forward or backward, that makes it of finite numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy

from eagerflow import Tensor
from eagerflow.core.observe import observing
from viz.facts.formatting import place, shape
from viz.recorder.descriptions import flat
from viz.recorder.finite_check import is_finite
from viz.recorder.listening import Listening
from viz.replay.kept import Kept, KeptStep
from viz.replay.player import Player

__all__ = ["Culprit", "find_culprit", "layer_of"]


@dataclasses.dataclass
class Culprit:
    """The op where NaN or infinity begins."""

    step: int
    op: str
    phase: str  # `"forward"`, `"backward"` or `"update"`
    layer: str  # the path of the layer it ran in, "" for none
    line: str  # the line of code, "" where it isn't known
    shape: tuple[int, ...]  # of what it made
    count: int  # how many elements aren't finite
    rows: list[int]  # in which rows, at most ten
    of_data: bool = False  # whether these are numbers of rows of the data, not of the batch
    from_data: bool = False  # whether it was given such numbers by data or weights

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


def _all_finite(values: Any) -> bool:
    return all(is_finite(numpy.asarray(_array(x))) for x in flat(values) if hasattr(_array(x), "dtype"))


class _Finder:
    """Hears of steps that run again, and finds the first op or backward rule that makes NaN or infinity."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.found: Culprit | None = None
        self._made: dict[int, int] = {}  # the event that made a tensor, by its key

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, *_: Any) -> None:
        step, i = self.player.running
        if self.found is not None or "op" not in step.events[i]:
            return
        self._made |= {x.key: i for x in flat(outputs) if x is not None and x.key is not None}
        if not _all_finite(outputs):
            self.found = self._culprit(op, i, "forward", outputs, not _all_finite(inputs))

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any, *_: Any) -> None:
        if self.found is None and not _all_finite(results):
            i = next((self._made[key] for key in out_keys if key in self._made), None)
            self.found = self._culprit(op, i, "backward", results, False)

    def _culprit(self, op: Any, i: int | None, phase: str, made: Any, given: bool) -> Culprit:
        kept, (step, _) = self.player.kept, self.player.running
        layer, line = "", ""
        if i is not None:
            layer, made_at = layer_of(kept, step, i)
            line = place(kept.place(step.events[i]["at"]) or made_at)
        where, known = ~numpy.isfinite(next(_array(x) for x in flat(made) if not _all_finite(x))), False
        rows = sorted(set(numpy.nonzero(where)[0].tolist()))[:10] if where.ndim > 1 else []
        if step.rows is not None and where.ndim > 1 and where.shape[0] == len(step.rows):
            rows, known = [step.rows[r] for r in rows], True
        shape = tuple(where.shape)
        return Culprit(step.number, op.name, phase, layer, line, shape, int(where.sum()), rows, known, given)


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


def find_culprit(kept: Kept) -> Culprit | None:
    """Run all steps of a file, and say where in them NaN or infinity begins."""
    player = Player(kept)
    finder = _Finder(player)
    with observing(Listening.to(finder)):
        player.run_to(len(kept.steps) - 1)
    return finder.found
