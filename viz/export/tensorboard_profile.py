"""A recording for TensorBoard's Profile tab (`pip install tensorboard-plugin-profile` brings the tab).

The plugin reads `plugins/profile/<session>/<host>.xplane.pb` below the log directory: an `XSpace` message, with a
plane for the host, a line for each thread, and events with times in picoseconds (names and numbers as in
tsl/profiler/protobuf/xplane.proto).
"""

from __future__ import annotations

import functools
import itertools
import os
import pathlib
import re
import shutil
from typing import Any

from eagerflow.base.files import replacing
from viz.export.event_protos import Messages, message_classes
from viz.export.perfetto import thread_name, threads_of_scopes
from viz.export.tensorboard_memory import memory_events
from viz.facts import formatting
from viz.facts.digest.made import Made
from viz.facts.parts import part_names
from viz.facts.schema import Op, Record, Scope
from viz.facts.selection import batches_of_training, line_of, step_numbers

__all__ = ["Profile", "messages", "write"]

_HOST = "/host:CPU"  # the plane that the plugin takes for what ran in Python
_UNUSUAL = re.compile(r"[^A-Za-z0-9_./>-]|^[^A-Za-z0-9.]")  # what names of ops can't have
_RECORDING = "_recording"  # how names of sessions end, but for those of the callback
_STEPS = {"test_step": "test", "predict_step": "predict"}
_PICOSECONDS = 1000  # in the nanoseconds of a recording

_MESSAGES: Messages = {
    "XStat": {
        "metadata_id": (1, "int64", False),
        "int64_value": (4, "int64", False),
        "str_value": (5, "string", False),
    },
    "XEvent": {
        "metadata_id": (1, "int64", False),
        "offset_ps": (2, "int64", False),
        "duration_ps": (3, "int64", False),
        "stats": (4, "XStat", True),
    },
    "XLine": {
        "id": (1, "int64", False),
        "name": (2, "string", False),
        "timestamp_ns": (3, "int64", False),
        "events": (4, "XEvent", True),
        "duration_ps": (9, "int64", False),
    },
    "XEventMetadata": {"id": (1, "int64", False), "name": (2, "string", False), "display_name": (4, "string", False)},
    "XStatMetadata": {"id": (1, "int64", False), "name": (2, "string", False)},
    # On the wire a map is a list of pairs.
    "EventMetadataPair": {"key": (1, "int64", False), "value": (2, "XEventMetadata", False)},
    "StatMetadataPair": {"key": (1, "int64", False), "value": (2, "XStatMetadata", False)},
    "XPlane": {
        "id": (1, "int64", False),
        "name": (2, "string", False),
        "lines": (3, "XLine", True),
        "event_metadata": (4, "EventMetadataPair", True),
        "stat_metadata": (5, "StatMetadataPair", True),
    },
    "XSpace": {"planes": (1, "XPlane", True), "hostnames": (4, "string", True)},
}


@functools.cache
def messages() -> dict[str, Any]:
    """The message classes by name.

    Raises:
        ImportError: without protobuf, which tensorboardX brings.
    """
    return message_classes("viz.xplane", _MESSAGES)


def write(record: Record, log_dir: str | os.PathLike[str], session: str | None = None) -> pathlib.Path | None:
    """Write scopes and ops with their times; where no session is named, in place of an earlier recording's.

    Args:
        record: the recording.
        log_dir: TensorBoard's log directory; made when missing.
        session: what the Profile tab calls the recording; default: when it was made, and that it is a recording.

    Returns:
        The file; None when no times were recorded.
    """
    if session is None:
        for earlier in (pathlib.Path(log_dir) / "plugins" / "profile").glob(f"*{_RECORDING}"):
            shutil.rmtree(earlier)
    if all(op.start is None for op in record.ops):
        return None
    profile = Profile()
    profile.add(record)
    began = re.sub(r"\W", "_", str(record.meta.get("began", ""))[:19].replace("T", "_"))
    return profile.write(log_dir, session or f"{began}{_RECORDING}")


class Profile:
    """What the Profile tab shows of one or several recordings: scopes and ops nested in time, a line for each thread.

    And memory that comes and goes, of which "Memory Profile" is made. That is on the first thread's line: the plugin
    would count a line of its own as a thread that is idle all the time.

    Attributes:
        space: the `XSpace`.
    """

    def __init__(self) -> None:
        self.space = messages()["XSpace"](hostnames=["host"])
        self._plane = _Plane(self.space.planes.add(id=1, name=_HOST))

    def add(self, record: Record, at: int = 0, step: int | None = None) -> None:
        """Add a recording.

        Args:
            record: the recording, with times.
            at: when it began, in nanoseconds.
            step: the number of its first batch of training, from which on these alone are numbered; default: as `viz`
                counts, and the tags of the Graphs tab.
        """
        thread_of = threads_of_scopes(record)
        last = max([op.end for op in record.ops if op.end is not None], default=0)
        numbers = dict(zip([each.scope for each in record.steps], step_numbers(record)))
        if step is not None:
            numbers = dict(zip(batches_of_training(record), itertools.count(step)))
        threads, made = sorted({op.thread for op in record.ops}), Made(record)
        for thread in threads:
            line = self._plane.line(thread, thread_name(record, thread))
            own = [scope for scope in record.scopes if thread_of.get(scope.id, 0) == thread]
            slices = [_scope_slice(s, last, numbers.get(s.id)) for s in own]
            slices += [_op_slice(record, op, made) for op in record.ops if op.thread == thread]
            slices += [(when, when, name, told) for when, name, told in memory_events(record) if thread == threads[0]]
            # An outer event comes before the inner one that begins with it.
            for start, end, title, stats in sorted([s for s in slices if s], key=lambda s: (s[0], -s[1])):
                self._plane.event(line, title, at + start, at + end, stats)

    def write(self, log_dir: str | os.PathLike[str], session: str) -> pathlib.Path:
        """Write the file; returns its path."""
        target = pathlib.Path(log_dir) / "plugins" / "profile" / session / "host.xplane.pb"
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            file.write(self.space.SerializeToString())
        return target


Slice = tuple[int, int, str, dict[str, Any]]


def _scope_slice(scope: Scope, last: int, step: int | None) -> Slice | None:
    if scope.start is None:
        return None
    end = last if scope.end is None else scope.end
    # The plugin finds steps by their number, and by the mark of a root, below which it counts what runs as a part of
    # the step. They are called as TensorFlow calls them.
    stats: dict[str, Any] = {} if step is None else {"step_num": step, "_r": 1}
    title = _STEPS.get(scope.name, "train") if scope.kind == "step" else formatting.clean(scope.name)
    return scope.start, max(scope.start, end), title, stats | {"kind": scope.kind}


def _op_slice(record: Record, op: Op, made: Made) -> Slice | None:
    if op.start is None or op.end is None:
        return None
    tensors = record.tensors
    stats: dict[str, Any] = {
        "layer": record.path(op.scope),
        "shapes": ", ".join([formatting.tensor(tensors[i]) for i in op.outputs[:8]]),
        "bytes": made.by(op),
    }
    stats |= {"parts": ", ".join(part_names(record, op))} if part_names(record, op) else {}
    line = line_of(record, op)
    stats |= {"source": formatting.place(line)} if line else {}
    # "where/name:type" is how the plugin knows an op, which it then counts in its table of ops.
    kind = f"{op.name}_gradient" if op.phase == "backward" else op.name
    place = record.path((op if op.forward is None else record.ops[op.forward]).scope) or op.phase
    return op.start, op.end, f"{_UNUSUAL.sub('.', place)}/{kind}:{kind}", stats


class _Plane:
    """Writes a plane, in which names are kept once."""

    def __init__(self, plane: Any) -> None:
        self._plane = plane
        self._events: dict[str, int] = {}
        self._stats: dict[str, int] = {}
        self._lines: dict[int, Any] = {}

    def line(self, number: int, name: str) -> Any:
        """The line of a thread, a new one where it has none."""
        if number not in self._lines:
            self._lines[number] = self._plane.lines.add(id=number + 1, name=name)
        return self._lines[number]

    def event(self, line: Any, name: str, start: int, end: int, stats: dict[str, Any]) -> None:
        """Add an event; times in nanoseconds."""
        known = self._number(self._events, self._plane.event_metadata, name)
        event = line.events.add(
            metadata_id=known, offset_ps=start * _PICOSECONDS, duration_ps=(end - start) * _PICOSECONDS
        )
        for key, value in stats.items():
            kind = "int64_value" if isinstance(value, int) else "str_value"
            value = value if isinstance(value, int) else value.encode("utf-8", "replace").decode()  # names of files
            event.stats.add(**{"metadata_id": self._number(self._stats, self._plane.stat_metadata, key), kind: value})

    def _number(self, known: dict[str, int], pairs: Any, name: str) -> int:
        """The number of a name, which is entered when it is new."""
        if name not in known:
            known[name] = number = len(known) + 1
            pair = pairs.add(key=number)
            pair.value.id, pair.value.name = number, name
        return known[name]
