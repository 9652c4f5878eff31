"""The thread that takes away what training drops off, makes it ready for the page, and sends it."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

from viz import page
from viz.facts.digest.usual_times import RecentTimes
from viz.facts.json_data import finite
from viz.livepage import snapshot
from viz.livepage.child import Child
from viz.livepage.mailbox import Mailbox
from viz.livepage.pace import Pace
from viz.livepage.server.messages import PACE
from viz.recording import Recording

__all__ = ["Sender"]

_INTERVAL = PACE  # seconds between two looks into the mailbox
_MEMORY_EVERY = 5 * PACE
_MEMORY_LATEST = 10 * _MEMORY_EVERY  # so long it is put off while steps are recorded, which takes memory of its own
MOST_OPS = 30_000  # that the live graph shows
_STATM = "/proc/self/statm"
_HELD = 30.0  # seconds that a finding stays which is no longer made


class Sender(threading.Thread):
    """Sends until it is stopped, or the page's process has gone.

    Attributes:
        recording: the last recorded step.
    """

    def __init__(
        self,
        box: Mailbox,
        child: Child,
        pace: Pace,
        findings: Callable[[], list[dict[str, Any]]],
        paths: Callable[[], frozenset[str] | None],
        delivered: Callable[[], None],
    ) -> None:
        super().__init__(name="viz.live", daemon=True)
        self.recording: Recording | None = None
        self._box, self._child, self._pace, self._findings, self._paths = box, child, pace, findings, paths
        self._delivered = delivered
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._begun = self._ended = 0  # deliveries
        self._round = threading.Condition()
        self._began = time.perf_counter()
        self._remembered = -_MEMORY_LATEST
        self._held: int | None = None  # bytes in use
        self._put_off = False  # bytes in use were to be read while a step was recorded
        self._found: list[dict[str, Any]] = []
        self._held_findings: dict[Hashable, tuple[float, dict[str, Any]]] = {}  # by kind and place
        self._status: dict[str, Any] = {}
        self._times = RecentTimes()

    def run(self) -> None:
        """Look into the mailbox until told to stop."""
        while not self._stopping.is_set() and self._child.alive:
            self._wanted.wait(_INTERVAL)
            self._wanted.clear()
            self._deliver_round()
        self._deliver_round()

    def flush(self, seconds: float) -> None:
        """Wait until what is in the mailbox now has been sent; at most so long."""
        with self._round:
            next_one = self._begun + 1  # the one that runs may have emptied the mailbox before
            self._wanted.set()
            self._round.wait_for(lambda: self._ended >= next_one or not self.is_alive(), seconds)

    def stop(self, seconds: float) -> None:
        """Send what is there and stop; wait at most so long for that."""
        self._stopping.set()
        self._wanted.set()
        self.join(seconds)

    def _deliver_round(self) -> None:
        with self._round:
            self._begun += 1
        self._deliver()
        with self._round:
            self._ended = self._begun
            self._round.notify_all()
        self._delivered()

    def _deliver(self) -> None:
        points, latest = self._box.take()
        if "renamed" in latest:
            self._child.send({"is": "renamed", "list": latest.pop("renamed")})
        recorded = [latest.pop(kind) for kind in ("snapshot", "picture") if kind in latest]
        last, weights = latest.pop("short", None), latest.pop("histograms", None)
        if "status" in latest:
            self._status = latest.pop("status")
            self._read_memory(points, bool(recorded))
            latest["status"] = self._with_machine()
        if points:
            series = {name: [(x, _plain(y)) for x, y in found] for name, found in points.items()}
            known = {name: [(x, y) for x, y in found if y is not None] for name, found in series.items()}
            self._child.send({"is": "points", "series": {name: found for name, found in known.items() if found}})
        for kind, value in latest.items():
            self._child.send({**finite(value), "is": kind})
        self._send_findings()
        for each in sorted(recorded, key=lambda one: one.step):
            self._send_recorded(each)
        if last is not None:  # without a graph, so that it replaces none
            self._send_recorded(last)
        if weights is not None:  # of a later step
            self._child.send({**weights, "is": "histograms"})
        if self._put_off and not self._pace.is_recording:
            late: dict[str, list[tuple[float, Any]]] = {}
            self._read_memory(late, False)
            self._child.send({"is": "points", "series": late})
            self._child.send({**finite(self._with_machine()), "is": "status"})

    def _read_memory(self, points: dict[str, list[tuple[float, Any]]], has_recorded: bool) -> None:
        """See how much memory is in use, when it is time for that and no recorded step takes some of it."""
        now = time.perf_counter()
        is_due = now - self._remembered >= _MEMORY_EVERY or "took" in self._status  # at the end of a short `fit`, too
        can_wait = now - self._remembered < _MEMORY_LATEST
        self._put_off = is_due and can_wait and (has_recorded or self._pace.is_recording)
        if is_due and not self._put_off:
            self._remembered, self._held = now, memory()
            if self._held is not None:
                points.setdefault("extra|memory", []).append((self._status.get("step", 0), self._held))

    def _with_machine(self) -> dict[str, Any]:
        """The status, with memory and the share of time that recording took."""
        now = time.perf_counter()
        status = {**self._status, "overhead": self._pace.cost / max(1e-9, now - self._began)}
        return status if self._held is None else status | {"memory": self._held}

    def _send_findings(self) -> None:
        now = time.monotonic()
        held = {_key(each): (now, each) for each in self._findings()}
        if not self._stopping.is_set():  # what is no longer made stays a while: losses rise and fall
            held |= {key: one for key, one in self._held_findings.items() if key not in held and now - one[0] <= _HELD}
        self._held_findings, found = held, [each for _, each in held.values()]
        if found != self._found:
            self._found = found
            self._child.send({"is": "findings", "list": finite(found)})

    # ------------------------------------------------------------------ recorded steps

    def _send_recorded(self, recorded: snapshot.Snapshot) -> None:
        began = time.thread_time()
        try:
            self._show(recorded)
        except Exception as error:  # noqa: BLE001  (a flaw of ours must not stop the curves, and is shown)
            words = f"a recorded step can't be shown: {type(error).__name__}: {error}"
            self._child.send({"is": "about", "problem": words[:500]})
        took = time.thread_time() - began
        if recorded.measures:
            self._pace.spend(took)
            self._pace.settle()
        else:
            self._pace.end_picture(took)

    def _show(self, recorded: snapshot.Snapshot) -> None:
        self.recording = recording = recorded.recording()
        if not recording.ops:
            return
        if not recorded.is_short:
            shown = page.data(recording, most_ops=MOST_OPS, usual=self._times.add(recording))
            graph = json.dumps(shown, allow_nan=False, separators=(",", ":"))
            facts = {"is": "graph", "step": recorded.step, "ops": len(recording.ops), "model": recorded.model}
            facts["number"] = recorded.step + recorded.others
            self._child.send(facts, gzip.compress(graph.encode("utf-8", "replace"), 1, mtime=0))
        tensors, left_out = snapshot.histograms(recording, self._paths())
        if tensors:
            about = {"is": "histograms", "step": recorded.step, "left_out": left_out}
            self._child.send({**about, "tensors": tensors})
        norm = None if recorded.norm_known else snapshot.gradient_norm(recording)
        if norm is not None:
            self._child.send({"is": "points", "series": {"extra|gradient norm": [[recorded.step, _plain(norm)]]}})


def _plain(value: Any) -> Any:
    """A number for JSON, from a number or an array with one element; text for what isn't finite, None for the rest."""
    try:
        return finite(float(f"{float(value):.7g}"))
    except (TypeError, ValueError):
        return None


def memory() -> int | None:
    """Bytes of memory that this process holds; where only the peak can be had, that; None where neither can."""
    if os.path.exists(_STATM):
        with open(_STATM, encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    resource: Any = importlib.import_module("resource") if os.name == "posix" else None
    if resource is None:
        return None
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024


def _key(found: dict[str, Any]) -> Hashable:
    return found.get("kind"), found.get("layer"), found.get("file"), found.get("line")
