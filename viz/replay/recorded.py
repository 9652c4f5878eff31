"""A kept step as a film, and as a recording that pages and pictures show."""

from __future__ import annotations

from typing import Any

from eagerflow.core.observe import observing
from viz.recorder.listening import Listening
from viz.recording import Recording
from viz.replay.film import Film, Frame
from viz.replay.first_bad import layer_of
from viz.replay.kept import Kept, KeptStep
from viz.replay.player import Player
from viz.tracer import trace

__all__ = ["filmed", "traced"]

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
    name = f"{kept.meta.get('script') or 'step'} step {kept.steps[number].number}"
    nbytes = sum(array.nbytes for array in kept.arrays)
    values = "" if nbytes <= _MOST else None
    with trace(str(name)[:200], stats="basic", values=values, source=False) as recording, observing(Listening.to(film)):
        player.run(number)
    _put_lines(kept, kept.steps[number], recording)
    recording.values = {i: a for i, a in recording.values.items() if a.size <= _SMALL}
    names = [op.name for op in recording.ops]
    if names == [frame.op for frame in film.frames]:
        recording.meta["film"] = [_plain(op.id, frame) for op, frame in zip(recording.ops, film.frames)]
    return recording


def _put_lines(kept: Kept, step: KeptStep, recording: Recording) -> None:
    """Let ops know the lines that ran them in the training: their own, or that where their layer was made."""
    events = [(i, event) for i, event in enumerate(step.events) if "op" in event]
    updates = ("assign", "assign_add", "assign_sub")  # of states, which are shown where they happen
    forward = [op for op in recording.ops if op.phase not in ("backward", "update") and op.name not in updates]
    if [op.name for op in forward] != [event["op"] for _, event in events]:
        return
    for op, (i, event) in zip(forward, events):
        line = kept.place(event["at"]) or layer_of(kept, step, i)[1]
        op.stack = () if line is None else (line,)
    for op in recording.ops:
        if op.forward is not None:
            op.stack = recording.ops[op.forward].stack


def _plain(op: int, frame: Frame) -> dict[str, Any]:
    return {"op": op, "title": frame.title[:500], "lines": [line[:300] for line in frame.lines[:200]]}
