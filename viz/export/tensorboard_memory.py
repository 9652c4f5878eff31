"""The memory of a recording, as the Profile tab's "Memory Profile" reads it: an event for each piece that came or went.

Names and numbers are those of tsl's `xplane_schema.cc` and TensorFlow's `types.proto`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from viz.export.values.tensor_messages import DTYPES
from viz.facts import formatting
from viz.facts.memory_use import spans
from viz.facts.schema import Record, TensorInfo

__all__ = ["MemoryEvent", "memory_events"]

_NO_OP = " "  # after a name: without it the plugin's table of ops counts each piece of memory as a run of that op


class MemoryEvent(NamedTuple):
    """A piece of memory comes or goes.

    Attributes:
        when: in nanoseconds since the recording began.
        name: which of both, in the plugin's words.
        stats: how much it is and what it holds, and how much is in use then.
    """

    when: int
    name: str
    stats: dict[str, Any]


def memory_events(record: Record) -> list[MemoryEvent]:
    """What came and went, in order; none where memory wasn't recorded.

    Without the numbers of steps (`group_id`): the plugin counts events that have one as steps themselves.
    """
    changes = []
    for number, (tensor, size, start, end) in enumerate(spans(record)):
        if size:
            changes.append((start, 1, number, size, tensor))
            changes += [(end, 0, number, size, tensor)] if end is not None else []  # what goes makes room first
    found: list[MemoryEvent] = []
    live = peak = 0
    for when, comes, number, size, tensor in sorted(changes, key=lambda change: change[:3]):
        live += size if comes else -size
        peak = max(peak, live)
        stats = {
            "allocator_name": "tensors",
            "bytes_reserved": 0,
            "bytes_allocated": live,
            "bytes_available": 0,  # which a recording doesn't know
            "peak_bytes_in_use": peak,
            "requested_bytes": size,
            "allocation_bytes": size,
            "addr": number + 1,
            "tf_op": _whose(record, tensor) + _NO_OP,
            "region_type": tensor.role,
            "data_type": DTYPES.get(tensor.dtype, 0),
            "shape": formatting.shape(tensor.shape),
        }
        found.append(MemoryEvent(when, "MemoryAllocation" if comes else "MemoryDeallocation", stats))
    return found


def _whose(record: Record, tensor: TensorInfo) -> str:
    """The path of a variable; of another tensor the op that made it, with the layer where that ran."""
    if tensor.name or tensor.producer is None:
        return tensor.name or tensor.role
    op = record.ops[tensor.producer]
    place = record.path((op if op.forward is None else record.ops[op.forward]).scope) or op.phase
    return f"{place}/{op.name}" + ("_gradient" if op.phase == "backward" else "")
