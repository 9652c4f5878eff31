"""The points of one curve, never more than fit: when there are too many, neighbours are joined."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Any

__all__ = ["CAPACITY", "Series"]

CAPACITY = 2000  # points of one curve; a screen is hardly wider


class Series:
    """A curve. A point is `[x, y]`, or `[x, mean, low, high]` of the values that were joined in it.

    Attributes:
        points: the points, by x.
        generation: counts how often neighbours were joined: then all points are news.
        version: the hub's version of the last change.
    """

    def __init__(self, generation: int = 0) -> None:
        self.points: list[list[Any]] = []
        self.generation = generation
        self.version = 0
        self._versions: list[int] = []
        self._stride = 1
        self._open: list[tuple[float, Any]] = []

    def add(self, x: float, y: Any, version: int) -> None:
        """Add a value: a number, or "nan", "inf" or "-inf"."""
        self._open.append((x, y))
        if len(self._open) < self._stride:
            return
        self._append(_joined([[x, y] for x, y in self._open]), version)
        self._open = []
        if len(self.points) >= CAPACITY:
            self._halve(version)

    def flush(self, version: int) -> None:
        """Nothing may follow for a while: what waits for more to be joined with is a point now."""
        if self._open:
            self._append(_joined([[x, y] for x, y in self._open]), version)
            self._open = []

    def _append(self, point: list[Any], version: int) -> None:
        self.points.append(point)
        self._versions.append(version)
        self.version = version

    def _halve(self, version: int) -> None:
        pairs = [self.points[i : i + 2] for i in range(0, len(self.points), 2)]
        self.points = [_joined(pair) for pair in pairs]
        self._versions = [version] * len(self.points)
        self._stride *= 2
        self.generation += 1

    def after(self, version: int) -> list[list[Any]]:
        """The points that came after that version."""
        return self.points[bisect_right(self._versions, version) :]


def _joined(points: list[list[Any]]) -> list[Any]:
    """One point for several: the last x, the mean of what is finite (or what isn't), the extremes."""
    finite = [p for p in points if not isinstance(p[1], str)]
    if len(points) == 1 or not finite:
        return points[-1]
    mean = math.fsum([p[1] for p in finite]) / len(finite)
    flaw = next((p[1] for p in points if isinstance(p[1], str)), None)
    low, high = min(p[2 if len(p) > 2 else 1] for p in finite), max(p[-1] for p in finite)
    return [points[-1][0], mean if flaw is None else flaw, low, high]
