"""What the page's process knows, and what is news for a browser that knew an older version."""

from __future__ import annotations

import gzip
import json
import threading
from typing import Any

from viz.livepage.server.series import Series

__all__ = ["Hub"]

MOST_SERIES = 300
MOST_TENSORS = 1200  # whose histograms are kept
MOST_MOMENTS = 48  # histograms of one tensor


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
