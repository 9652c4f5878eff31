"""Between training, which only drops things off, and the thread that takes them away: bounded, and never waited for."""

from __future__ import annotations

import threading
from typing import Any

from viz.livepage.server.hub import MOST_SERIES

__all__ = ["Mailbox"]

MOST_POINTS = 16_384  # of one curve that wait; with more, every other one is left out, and of those that follow
MOST_WAITING = 16 * MOST_POINTS  # of all curves together; with more, each may have
FEWER_POINTS = MOST_POINTS // 16
MOST_CURVES = MOST_SERIES


class _Waiting:
    """The points of one curve: every one, or the last of each `stride`, and the newest."""

    __slots__ = ("left_out", "points", "stride")

    def __init__(self) -> None:
        self.points: list[tuple[float, Any]] = []
        self.stride = 1
        self.left_out = 0  # how many came since the last of a stride

    def add(self, x: float, y: Any, most: int) -> None:
        if self.left_out:
            self.points[-1] = (x, y)
        else:
            self.points.append((x, y))
        self.left_out = (self.left_out + 1) % self.stride
        if len(self.points) > most:
            del self.points[-2::-2]
            self.stride *= 2


class Mailbox:
    """What training has to tell. Whatever isn't taken away in time is replaced or thinned out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._curves: dict[str, _Waiting] = {}
        self._came = 0  # points, since the last time
        self._latest: dict[str, Any] = {}
        self._renamed: list[tuple[str, str]] = []  # curves, and their new names

    def point(self, name: str, x: float, y: Any) -> None:
        """A point of a curve; `y` may be an array with one element, which is read later."""
        with self._lock:
            curve = self._curves.get(name)
            if curve is None:
                if len(self._curves) >= MOST_CURVES:
                    return
                curve = self._curves[name] = _Waiting()
            self._came += 1
            curve.add(x, y, MOST_POINTS if self._came < MOST_WAITING else FEWER_POINTS)

    def rename(self, old: str, new: str) -> None:
        """A curve has another name from now on, which no other curve has; also what was drawn of it before."""
        with self._lock:
            self._renamed.append((old, new))
            if old in self._curves:
                self._curves[new] = self._curves.pop(old)

    def put(self, kind: str, value: Any) -> None:
        """Something of which only the latest counts."""
        with self._lock:
            self._latest[kind] = value

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take."""
        return not (self._curves or self._latest or self._renamed)

    def take(self) -> tuple[dict[str, list[tuple[float, Any]]], dict[str, Any]]:
        """Curves with their points, and the latest of each kind: all that came since the last time.

        What was renamed concerns the curves that were taken before; the points have the new names already.
        """
        with self._lock:
            curves, latest = self._curves, self._latest
            if self._renamed:
                latest["renamed"] = self._renamed
            self._curves, self._latest, self._renamed, self._came = {}, {}, [], 0
        return {name: curve.points for name, curve in curves.items()}, latest
