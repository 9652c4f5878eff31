"""TensorFlow's `RunMetadata`, the message by which TensorBoard colours graphs by time and memory.

tensorboardX brings the messages of graphs and events but not these, so the part of them that TensorBoard reads
is declared here (names and numbers as in tensorflow/core/framework/step_stats.proto).
"""

from __future__ import annotations

import functools
from typing import Any

from viz.export.event_protos import Messages, message_classes

__all__ = ["messages"]

_MESSAGES: Messages = {
    "Dim": {"size": (1, "int64", False)},
    "Shape": {"dim": (2, "Dim", True)},
    "AllocationDescription": {
        "requested_bytes": (1, "int64", False),
        "allocated_bytes": (2, "int64", False),
        "allocator_name": (3, "string", False),
    },
    "TensorDescription": {
        "dtype": (1, "int64", False),
        "shape": (2, "Shape", False),
        "allocation_description": (4, "AllocationDescription", False),
    },
    "NodeOutput": {"slot": (1, "int64", False), "tensor_description": (3, "TensorDescription", False)},
    "AllocatorMemoryUsed": {
        "allocator_name": (1, "string", False),
        "total_bytes": (2, "int64", False),
        "peak_bytes": (3, "int64", False),
        "live_bytes": (4, "int64", False),
    },
    "NodeExecStats": {
        "node_name": (1, "string", False),
        "all_start_micros": (2, "int64", False),
        "op_start_rel_micros": (3, "int64", False),
        "op_end_rel_micros": (4, "int64", False),
        "all_end_rel_micros": (5, "int64", False),
        "memory": (6, "AllocatorMemoryUsed", True),
        "output": (7, "NodeOutput", True),
        "timeline_label": (8, "string", False),
        "scheduled_micros": (9, "int64", False),
        "thread_id": (10, "uint32", False),
    },
    "DeviceStepStats": {"device": (1, "string", False), "node_stats": (2, "NodeExecStats", True)},
    "StepStats": {"dev_stats": (1, "DeviceStepStats", True)},
    "RunMetadata": {"step_stats": (1, "StepStats", False)},
}


@functools.cache
def messages() -> dict[str, Any]:
    """The message classes by name.

    Raises:
        ImportError: without protobuf, which tensorboardX brings.
    """
    return message_classes("viz.step_stats", _MESSAGES)
