"""A kept step as a film, and as a recording that pages and pictures show."""

from __future__ import annotations

from typing import Any

from eagerflow.core.observe import observing
from viz.recording import Recording
from viz.replay.film import Film, Frame
from viz.replay.kept import Kept
from viz.replay.player import Played, Player
from viz.tracer import trace

__all__ = ["filmed", "traced"]

_SMALL = 4096  # elements of a tensor whose values are kept
_MOST = 256 << 20  # bytes of all tensors of a step, above which none are


def filmed(kept: Kept, number: int) -> list[Frame]:
    """The frames of a step of the file."""
    film = Film(kept)
    _before(kept, number, film)
    return film.frames


def _before(kept: Kept, number: int, film: Film) -> Played:
    player = Player(kept)
    for i in range(number):
        player.run(i)
    with observing(film):
        return player.run(number)


def traced(kept: Kept, number: int) -> Recording:
    """A step of the file, recorded while it runs again; with its film, which the page plays.

    Args:
        kept: the file.
        number: which of its steps.
    """
    film, player = Film(kept), Player(kept)
    for i in range(number):
        player.run(i)
    name = f"{kept.meta.get('script') or 'step'} step {kept.steps[number].number}"
    nbytes = sum(array.nbytes for array in kept.arrays)
    with trace(str(name)[:200], stats="basic", values="" if nbytes <= _MOST else None) as recording, observing(film):
        player.run(number)
    recording.values = {i: a for i, a in recording.values.items() if a.size <= _SMALL}
    names = [op.name for op in recording.ops]
    if names == [frame.op for frame in film.frames]:
        recording.meta["film"] = [_plain(op.id, frame) for op, frame in zip(recording.ops, film.frames)]
    return recording


def _plain(op: int, frame: Frame) -> dict[str, Any]:
    return {"op": op, "title": frame.title[:500], "lines": [line[:300] for line in frame.lines[:200]]}
