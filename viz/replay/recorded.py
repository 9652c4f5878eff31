"""A kept step as a film, and as a recording that pages and pictures show, and in which NaN is looked for."""

from __future__ import annotations

import dataclasses
from typing import Any

from eagerflow.core.observe import observing
from viz.nonfinite.find_nonfinite import find_nonfinite
from viz.nonfinite.finding import Nonfinite
from viz.recorder.listening import Listening
from viz.recording import Recording
from viz.replay.film import Film, Frame
from viz.replay.kept import Kept, KeptStep
from viz.replay.player import Player
from viz.tracer import trace

__all__ = ["filmed", "first_nonfinite", "traced"]

_SMALL = 4096  # elements of a tensor whose values are kept
_MOST = 256 << 20  # bytes of all tensors of a step, above which none are


def filmed(kept: Kept, number: int) -> list[Frame]:
    """The frames of a step of the file."""
    film, player = Film(kept), _before(kept, number)
    with observing(Listening.to(film)):
        player.run(number)
    return film.frames


def _before(kept: Kept, number: int) -> Player:
    """A player that has run all steps before one."""
    player = Player(kept)
    for i in range(number):
        player.run(i)
    return player


def traced(kept: Kept, number: int) -> Recording:
    """A step of the file, recorded while it runs again; with its film, which the page plays."""
    film, player = Film(kept), _before(kept, number)
    with observing(Listening.to(film)):
        recording = _recorded(player, number)
    names = [op.name for op in recording.ops]
    if names == [frame.op for frame in film.frames]:
        recording.meta["film"] = [_plain(op.id, frame) for op, frame in zip(recording.ops, film.frames)]
    return recording


def first_nonfinite(kept: Kept) -> Nonfinite | None:
    """Where NaN or infinity begins in the steps of a file; None where all is finite."""
    player = Player(kept)
    for number, step in enumerate(kept.steps):
        found = find_nonfinite(_recorded(player, number))
        if found is not None:
            return dataclasses.replace(found, step=step.number)
    return None


def _recorded(player: Player, number: int) -> Recording:
    """Run a step of the file and record it, with the lines that ran its ops in the training."""
    kept, step = player.kept, player.kept.steps[number]
    name = f"{kept.meta.get('script') or 'step'} step {step.number}"
    values = "" if sum(array.nbytes for array in kept.arrays) <= _MOST else None
    with trace(str(name)[:200], stats="basic", values=values, source=False) as recording:
        player.run(number)
    _put_lines(kept, step, recording)
    recording.values = {i: a for i, a in recording.values.items() if a.size <= _SMALL}
    return recording


def _put_lines(kept: Kept, step: KeptStep, recording: Recording) -> None:
    """Let ops know the lines that ran them in the training: their own, or that where their layer was made."""
    events = [(i, event) for i, event in enumerate(step.events) if "op" in event]
    updates = ("assign", "assign_add", "assign_sub")  # of states, which are shown where they happen
    forward = [op for op in recording.ops if op.phase not in ("backward", "update") and op.name not in updates]
    if [op.name for op in forward] != [event["op"] for _, event in events]:
        return
    for op, (i, event) in zip(forward, events):
        line = kept.place(event["at"]) or _made_at(kept, step, i)
        op.stack = () if line is None else (line,)
    for op in recording.ops:
        if op.forward is not None:
            op.stack = recording.ops[op.forward].stack


def _plain(op: int, frame: Frame) -> dict[str, Any]:
    return {"op": op, "title": frame.title[:500], "lines": [line[:300] for line in frame.lines[:200]]}


def _made_at(kept: Kept, step: KeptStep, i: int) -> Any:
    """The line where the layer was made that an event ran in."""
    lines: list[int | None] = []
    for event in step.events[:i]:
        if "begin" in event:
            lines.append(event["at"])
        elif "end" in event:
            lines.pop()
    return next((kept.place(at) for at in reversed(lines) if at is not None), None)
