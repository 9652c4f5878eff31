"""Between training, which only drops things off, and the thread that takes them away: bounded, and never waited for."""

from __future__ import annotations

import threading
from typing import Any

__all__ = ["Mailbox"]

MOST_POINTS = 1024  # of one curve that wait; with more, every other one is dropped
MOST_CURVES = 300


class Mailbox:
    """What training has to tell. Whatever isn't taken away in time is replaced or thinned out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: dict[str, list[tuple[float, Any]]] = {}
        self._latest: dict[str, Any] = {}

    def point(self, name: str, x: float, y: Any) -> None:
        """A point of a curve; `y` may be an array with one element, which is read later."""
        with self._lock:
            points = self._points.get(name)
            if points is None:
                if len(self._points) >= MOST_CURVES:
                    return
                points = self._points[name] = []
            points.append((x, y))
            if len(points) > MOST_POINTS:
                del points[-2::-2]

    def put(self, kind: str, value: Any) -> None:
        """Something of which only the latest counts."""
        with self._lock:
            self._latest[kind] = value

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take."""
        return not self._points and not self._latest

    def take(self) -> tuple[dict[str, list[tuple[float, Any]]], dict[str, Any]]:
        """Curves with their points, and the latest of each kind: all that came since the last time."""
        with self._lock:
            taken = self._points, self._latest
            self._points, self._latest = {}, {}
        return taken
