"""Which lines of the user's code led to what a step does: in a replay they aren't on the stack."""

from __future__ import annotations

import contextlib
import os
from types import CodeType, FrameType

from eagerflow.core import observe

__all__ = ["Place", "Places", "Walker"]

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_MACHINERY = frozenset(
    [observe.__file__, contextlib.__file__]
    + [os.path.join(os.path.dirname(os.path.abspath(__file__)), name) for name in ("recorder.py", "forwarding.py")]
)

Place = tuple[CodeType, int]  # code, and the instruction in it (`frame.f_lasti`)
Places = tuple[Place, ...]  # innermost first


def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith((_OURS, "<eagerflow", "<frozen", "<__array_function__"))


class Walker:
    """Walks the stack from an event to the scope around it; what led to the scope is said by the scope."""

    def __init__(self, root: FrameType) -> None:
        self._until = [root]

    def places(self, frame: FrameType | None) -> Places:
        """The code around `frame`, without ours."""
        until, found = self._until[-1], list[Place]()
        while frame is not None:
            if not _is_ours(frame.f_code):
                found.append((frame.f_code, frame.f_lasti))
            if frame is until:
                break
            frame = frame.f_back
        return tuple(found)

    def begin(self, frame: FrameType | None) -> tuple[Places, bool]:
        """A scope begins: what led to it, and whether the user's code opened it, which then goes on inside."""
        while frame is not None and frame.f_code.co_filename in _MACHINERY:
            frame = frame.f_back
        places = self.places(frame)
        by_user = frame is None or not _is_ours(frame.f_code)
        self._until.append(self._until[-1] if by_user or frame is None else frame)
        return places, by_user

    def end(self) -> None:
        """The innermost scope ends."""
        if len(self._until) > 1:
            self._until.pop()

    def clear(self) -> None:
        """Let go of frames, and of all that they hold."""
        self._until.clear()
