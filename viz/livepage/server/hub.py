"""What the page's process knows, and what is news for a browser that knew an older version."""

from __future__ import annotations

import gzip
import json
import math
import threading
from bisect import bisect_right
from typing import Any

__all__ = ["Hub"]

MOST_SERIES = 300
MOST_TENSORS = 1200  # whose histograms are kept
MOST_MOMENTS = 48  # histograms of one tensor


CAPACITY = 2000  # points of one curve; a screen is hardly wider


class Hub:
    """The state of the page. Everything has a limit, and nobody who reads slowly makes it grow.

    There are no queues: each browser says which version it has seen and gets what changed since, so a slow one
    skips what lies between.

    Attributes:
        version: counts changes.
        ended: whether the program has ended.
        closing: whether this process is about to end.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.version = 0
        self.ended = self.closing = False
        self._parts: dict[str, tuple[int, Any]] = {}
        self._series: dict[str, Series] = {}
        self._generations: dict[str, int] = {}  # that curves begin with whose names others had before
        self._tensors: dict[tuple[str, str], list[str]] = {}
        self._graph = b""

    # ------------------------------------------------------------------ what the program tells

    def take(self, message: dict[str, Any], payload: bytes = b"") -> None:
        """One message of the program; kinds that a newer program may send are ignored."""
        kind = message.pop("is", "")
        with self.changed:
            self.version += 1
            if kind == "points":
                self._take_points(message["series"])
            elif kind == "renamed":
                for each in message["list"]:
                    self._rename(*each)
            elif kind == "histograms":
                self._take_histograms(message)
            elif kind == "graph":
                self._graph = payload
                self._set("graph", message)
            elif kind in ("about", "advice", "borders", "status", "findings", "failure", "end"):
                self.ended = self.ended or kind == "end"
                if kind == "end" or "took" in message:  # a training is over
                    for series in self._series.values():
                        series.flush(self.version)
                self._set(kind, message)
            self.changed.notify_all()

    def end(self, words: str) -> None:
        """The program has ended, by itself or not."""
        if not self.ended:
            self.take({"is": "end", "how": "gone", "words": words})

    def close(self) -> None:
        """Tell the browsers that this process ends."""
        with self.changed:
            self.closing = True
            self.changed.notify_all()

    def _set(self, kind: str, value: Any) -> None:
        self._parts[kind] = self.version, value

    def _take_points(self, series: dict[str, list[tuple[float, Any]]]) -> None:
        for name, points in series.items():
            if name not in self._series and len(self._series) >= MOST_SERIES:
                continue
            known = self._series.setdefault(name, Series(self._generations.get(name, 0)))
            for x, y in points:
                known.add(x, y, self.version)

    def _rename(self, old: str, new: str) -> None:
        """A curve has another name."""
        if old in self._series and new not in self._series:
            known = self._series[new] = self._series.pop(old)
            self._generations[old] = known.generation + 1
            known.version = self.version

    def _take_histograms(self, message: dict[str, Any]) -> None:
        for kind, name, *moment in message["tensors"]:
            if (kind, name) not in self._tensors and len(self._tensors) >= MOST_TENSORS:
                continue
            moments = self._tensors.setdefault((kind, name), [])
            moments.append(json.dumps([message["step"], *moment], separators=(",", ":")))
            if len(moments) > MOST_MOMENTS:
                del moments[-2::-2]  # every other one, never the last
        facts = {"step": message["step"], "left_out": message.get("left_out", 0), "count": len(self._tensors)}
        self._set("histograms", facts)

    # ------------------------------------------------------------------ what browsers ask

    def news(self, seen: int, generations: dict[str, int]) -> dict[str, Any]:
        """What changed after version `seen`; `generations` are those of its curves, and brought up to date."""
        with self.changed:
            found: dict[str, Any] = {kind: value for kind, (version, value) in self._parts.items() if version > seen}
            curves = {
                name: self._curve(name, series, seen, generations)
                for name, series in self._series.items()
                if series.version > seen or name not in generations
            }
            gone = [name for name in generations if name not in self._series]
            for name in gone:
                del generations[name]
            found = {"version": self.version, **({"gone": gone} if gone else {}), **found}
            return {**found, "series": curves} if curves else found

    def _curve(self, name: str, series: Series, seen: int, generations: dict[str, int]) -> dict[str, Any]:
        known = generations.get(name) == series.generation
        generations[name] = series.generation
        return {"points": series.after(seen)} if known else {"all": True, "points": list(series.points)}

    def graph(self) -> bytes:
        """The graph's data as compressed JSON; empty before there is one."""
        with self.changed:
            return self._graph

    def histograms(self) -> bytes:
        """All histograms as compressed JSON: `[[kind, name, [[step, low, high, ...], ...]], ...]`."""
        with self.changed:
            tensors = {key: ",".join(moments) for key, moments in self._tensors.items()}
        rows = [f"[{json.dumps(kind)},{json.dumps(name)},[{moments}]]" for (kind, name), moments in tensors.items()]
        return gzip.compress(f"[{','.join(rows)}]".encode(), 1, mtime=0)


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
        self._open: list[list[Any]] = []

    def add(self, x: float, y: Any, version: int) -> None:
        """Add a value: a number, or "nan", "inf" or "-inf"."""
        self._open.append([x, y])
        if len(self._open) < self._stride:
            return
        self.flush(version)
        if len(self.points) >= CAPACITY:
            self._halve(version)

    def flush(self, version: int) -> None:
        """Nothing may follow for a while: what waits for more to be joined with is a point now."""
        if self._open:
            self.points.append(_joined(self._open))
            self._versions.append(version)
            self.version = version
            self._open = []

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
