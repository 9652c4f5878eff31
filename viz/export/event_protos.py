"""The messages of TensorBoard's files: what is used of tensorboardX, and the `RunMetadata` that it lacks.

By that, TensorBoard colours graphs by time and memory. The part of it that TensorBoard reads is declared here (names
and numbers as in tensorflow/core/framework/step_stats.proto).
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

__all__ = ["messages", "protos"]

# message: {field: (number, type)}; a type is a scalar of protobuf's or another message, in a list where it is repeated.
_STEP_STATS: dict[str, dict[str, tuple[int, Any]]] = {
    "Dim": {"size": (1, "int64")},
    "Shape": {"dim": (2, ["Dim"])},
    "AllocationDescription": {"requested_bytes": (1, "int64"), "allocated_bytes": (2, "int64")},
    "TensorDescription": {
        "dtype": (1, "int64"),
        "shape": (2, "Shape"),
        "allocation_description": (4, "AllocationDescription"),
    },
    "NodeOutput": {"slot": (1, "int64"), "tensor_description": (3, "TensorDescription")},
    "AllocatorMemoryUsed": {"allocator_name": (1, "string"), "total_bytes": (2, "int64"), "peak_bytes": (3, "int64")},
    "NodeExecStats": {
        "node_name": (1, "string"),
        "all_start_micros": (2, "int64"),
        "op_end_rel_micros": (4, "int64"),
        "all_end_rel_micros": (5, "int64"),
        "memory": (6, ["AllocatorMemoryUsed"]),
        "output": (7, ["NodeOutput"]),
        "timeline_label": (8, "string"),
        "thread_id": (10, "uint32"),
    },
    "DeviceStepStats": {"device": (1, "string"), "node_stats": (2, ["NodeExecStats"])},
    "StepStats": {"dev_stats": (1, ["DeviceStepStats"])},
    "RunMetadata": {"step_stats": (1, "StepStats")},
}
_PACKAGE = "viz.step_stats"


@functools.cache
def protos() -> Any:
    """What is used of tensorboardX.

    Raises:
        ImportError: without it; says how to get it.
    """
    try:
        from google.protobuf.message import DecodeError
        from tensorboardX import record_writer, summary as summaries, writer
        from tensorboardX.proto import (
            api_pb2,
            event_pb2,
            graph_pb2,
            plugin_hparams_pb2,
            summary_pb2,
            tensor_pb2,
            types_pb2,
        )
    except ImportError as error:
        raise ImportError(
            f"writing for TensorBoard needs tensorboardX: pip install 'tensorboardX>=2.6.2' ({error})"
        ) from None
    return SimpleNamespace(
        api=api_pb2,
        hparams=plugin_hparams_pb2,
        check=record_writer.masked_crc32c,
        damaged=DecodeError,
        event=event_pb2,
        graph=graph_pb2,
        summary=summary_pb2,
        summaries=summaries,
        tensor=tensor_pb2,
        types=types_pb2,
        writer=writer,
    )


@functools.cache
def messages() -> dict[str, Any]:
    """The message classes of `RunMetadata` by name, in a pool of their own so that they meet nobody else's.

    Raises:
        ImportError: without protobuf, which tensorboardX brings.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _STEP_STATS.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            label = "LABEL_REPEATED" if isinstance(kind, list) else "LABEL_OPTIONAL"
            added = message.field.add(name=field, number=number, label=label)
            of = kind[0] if isinstance(kind, list) else kind
            if of in _STEP_STATS:
                added.type, added.type_name = added.TYPE_MESSAGE, f".{_PACKAGE}.{of}"
            else:
                added.type = getattr(added, f"TYPE_{of.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    found = {name: pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in _STEP_STATS}
    return {name: message_factory.GetMessageClass(kind) for name, kind in found.items()}
