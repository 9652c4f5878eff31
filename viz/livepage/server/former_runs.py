"""The curves of the last runs of a script, which its next page can draw beside its own.

Each page's process leaves them when its program ends, in a folder that nobody but their user can read.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import threading
import time
from typing import Any

from viz.livepage.server.folder import folder, remove
from viz.livepage.server.hub import Hub

__all__ = ["FormerRuns"]

_MOST = 3  # runs of a script
_MOST_FILES = 20 * _MOST  # of all scripts
_LARGEST = 4 << 20  # bytes of one
_FEWEST = 3  # points of a curve that is worth a comparison
_REPORTED = ("validation", "epoch", "step", "batch", "own")


class FormerRuns:
    """Those that ended before this one.

    Attributes:
        script: stands for the script; "" for a program that has none, whose curves aren't kept.
        kept: set once the curves of this run are there for later ones.
    """

    def __init__(self) -> None:
        self.script = ""
        self.kept = threading.Event()
        self._own = ""  # the file of this run

    def facts(self) -> list[dict[str, Any]]:
        """What there is to say of each, the latest first."""
        found = [_read(path) for path in self._paths()]
        return [each[0] for each in found if each is not None]

    def curves(self, name: str) -> bytes:
        """The curves of the one with this name among `facts`, as compressed JSON; empty if there is none."""
        for path in self._paths():
            found = _read(path)
            if found is not None and found[0].get("name") == name:
                return gzip.compress(found[1], 1, mtime=0)
        return b""

    def keep(self, hub: Hub) -> None:
        """Leave the curves of this run, which is over, for later ones."""
        try:
            self._keep(hub)
        finally:
            self.kept.set()

    def _keep(self, hub: Hub) -> None:
        where, known = folder(), hub.news(-1, {})
        series = {name: curve["points"] for name, curve in known.get("series", {}).items()}
        longest = max([len(each) for name, each in series.items() if name.partition("|")[0] in _REPORTED], default=0)
        if not where or not self.script or longest < _FEWEST:
            return
        status = known.get("status", {})
        facts = {"name": str(time.time_ns()), "ended": time.time(), "how": known.get("end", {}).get("how", "")}
        facts |= {name: status[name] for name in ("step", "elapsed") if name in status}
        borders = known.get("borders", {}).get("list", [])
        text = f"{json.dumps(facts)}\n{json.dumps({'series': series, 'borders': borders})}"
        content = gzip.compress(text.encode(), 6, mtime=0)
        if len(content) > _LARGEST:
            return
        self._own = os.path.join(where, f"run-{self.script}-{facts['name']}.gz")
        with contextlib.suppress(OSError):
            with open(f"{self._own}.new", "wb") as file:
                file.write(content)
            os.replace(f"{self._own}.new", self._own)
        for path in [*self._paths()[_MOST - 1 :], *_all(where)[_MOST_FILES:]]:
            remove(path)

    def _paths(self) -> list[str]:
        """The files of the other runs, the latest first."""
        where = folder()
        if not where or not self.script:
            return []
        return [path for path in _all(where, f"run-{self.script}-") if path != self._own]


def _all(where: str, begins: str = "run-") -> list[str]:
    try:
        names = [name for name in os.listdir(where) if name.startswith(begins) and name.endswith(".gz")]
    except OSError:
        return []
    return [os.path.join(where, name) for name in sorted(names, key=lambda name: name.rpartition("-")[2], reverse=True)]


def _read(path: str) -> tuple[dict[str, Any], bytes] | None:
    """What is said of a run, and its curves as JSON; None where the file is none of ours, or damaged."""
    try:
        with gzip.open(path) as file:
            first, _, rest = file.read().partition(b"\n")
        facts = json.loads(first)
    except (OSError, EOFError, ValueError):
        return None
    return (facts, rest) if isinstance(facts, dict) else None
