"""Where in the user's code something was written: the line of an op, of a layer, of a call of `fit`."""

from __future__ import annotations

import contextlib
import os
import re
import runpy
import sys
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy

from eagerflow.core import observe
from viz.recorder.source_lines import is_internal

__all__ = ["Place", "call_place", "loop_counters", "loss_weights", "made_at", "op_place", "reader_line", "scope_frame"]
__all__ += ["user_frames", "user_line"]

_MACHINERY = frozenset([observe.__file__, contextlib.__file__])
_NUMPY = (os.path.dirname(numpy.__file__) + os.sep, "<__array_function__")
_GRAPH = os.path.join("layer", "symbolic", "graph.py")
_REPLAY = os.path.join("replay", "player.py")
_RUNPY = (runpy.__file__, "<frozen runpy>")  # what runs the script; callers of that aren't the user's
_COUNTER = re.compile(r"_?(\w*epochs?|ep|e|step|iteration|it|batch)(_?(i|idx|index|nr|no|num|number))?", re.IGNORECASE)
_kinds: dict[CodeType, str] = {}


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int


def _kind(code: CodeType) -> str:
    """What code is: `"user"`, `"end"` (of the user's stack) or `"ours"`; and what runs again what the user wrote.

    That is `"graph"` (the calls of a functional model) or `"replay"` (the ops of a kept step).
    """
    known = _kinds.get(code)
    if known is None:
        if code.co_filename in _RUNPY:
            known = "end"
        elif not is_internal(code.co_filename):
            known = "user"
        else:
            again = {"run": ("graph", _GRAPH), "_op": ("replay", _REPLAY)}.get(code.co_name)
            known = again[0] if again is not None and code.co_filename.endswith(again[1]) else "ours"
        _kinds[code] = known
    return known


def _written_at(frame: FrameType) -> Place | None:
    """Where the user wrote what a frame runs again; None where it runs nothing again, or the line isn't known."""
    kind = _kind(frame.f_code)
    if kind == "graph":
        created = getattr(frame.f_locals.get("step"), "created_at", None)
        return None if created is None or is_internal(created[0]) else Place(*created)
    kept = frame.f_locals.get("ran_at") if kind == "replay" else None
    return None if kept is None else Place(kept.file, kept.line)


def made_at(owner: Any) -> Place | None:
    """Where a layer, loss or optimizer was made, if it knows and the user wrote that."""
    created = getattr(owner, "created_at", None)
    if isinstance(created, tuple) and len(created) == 2 and not is_internal(created[0]):
        return Place(*created)
    return None


def scope_frame(frame: FrameType | None) -> FrameType | None:
    """The frame that opened a scope: the first outside of the observing machinery."""
    while frame is not None and (frame.f_code.co_filename in _MACHINERY or frame.f_code.co_filename == __file__):
        frame = frame.f_back
    return frame


def loss_weights(frame: FrameType | None) -> Any:
    """The sample weights that the loss of this frame was called with: its scope is announced without them."""
    return frame.f_locals.get("sample_weight") if frame is not None else None


def op_place(frame: FrameType | None, scopes: Sequence[Any]) -> Place | None:
    """The line that led to an op: the user's innermost one, or that which made the layer or loss it is part of.

    Args:
        frame: where to begin, outwards.
        scopes: the open scopes, each with `frame` and `owner`, outermost first.
    """
    at = len(scopes) - 1
    while frame is not None:
        kind = _kind(frame.f_code)
        if kind == "end":
            break
        if kind == "user":
            return Place(frame.f_code.co_filename, frame.f_lineno)
        written = _written_at(frame)
        if written is not None:
            return written
        while at >= 0 and frame is scopes[at].frame:
            found = made_at(scopes[at].owner) if scopes[at].kind in ("layer", "loss", "model") else None
            if found is not None:
                return found
            at -= 1
        frame = frame.f_back
    return None


def user_line(frame: FrameType | None, until: FrameType | None, written: bool = False) -> Place | None:
    """The first line of the user's from `frame` outwards, before `until`; or that of what is run again there."""
    while frame is not None and frame is not until and _kind(frame.f_code) != "end":
        if _kind(frame.f_code) == "user":
            return Place(frame.f_code.co_filename, frame.f_lineno)
        place = _written_at(frame) if written else None
        if place is not None:
            return place
        frame = frame.f_back
    return None


def reader_line(frame: FrameType | None) -> Place | None:
    """The user's line that reads a tensor's values, or has NumPy read them; None where eagerflow does so for itself."""
    while frame is not None and frame.f_code.co_filename.startswith(_NUMPY):
        frame = frame.f_back
    if frame is None or _kind(frame.f_code) != "user":
        return None
    return Place(frame.f_code.co_filename, frame.f_lineno)


def call_place(frame: FrameType | None, scopes: Sequence[Any]) -> Place | None:
    """The user's line outside of all layers and losses: the call of `fit`, or of the model in a loop."""
    opened = [scope.frame for scope in scopes if scope.kind in ("layer", "model", "loss", "step", "optimizer")]
    frame = opened[0] if opened and opened[0] is not None else frame
    return user_line(frame, None)


def loop_counters() -> dict[str, int]:
    """The whole numbers of the user's innermost variables that are named as epochs and steps are."""
    found: dict[str, int] = {}
    for frame in user_frames():
        for name, value in frame.f_locals.items():
            if type(value) is int and _COUNTER.fullmatch(name):
                found.setdefault(name, value)
    return found


def user_frames() -> list[FrameType]:
    """The frames of the user's code on the stack, innermost first."""
    found = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _kind(frame.f_code) != "end":
        if _kind(frame.f_code) == "user":
            found.append(frame)
        frame = frame.f_back
    return found
