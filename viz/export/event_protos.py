"""The messages of TensorBoard's files: what is used of tensorboardX, and classes for those that it lacks."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

__all__ = ["Messages", "message_classes", "protos"]

# message: {field: (number, type, repeated)}; a type is a scalar of protobuf's or another message.
Messages = Mapping[str, Mapping[str, tuple[int, str, bool]]]


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
            attr_value_pb2,
            event_pb2,
            graph_pb2,
            plugin_hparams_pb2,
            summary_pb2,
            tensor_pb2,
            tensor_shape_pb2,
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
        attr=attr_value_pb2,
        damaged=DecodeError,
        event=event_pb2,
        graph=graph_pb2,
        summary=summary_pb2,
        summaries=summaries,
        tensor=tensor_pb2,
        shape=tensor_shape_pb2,
        types=types_pb2,
        writer=writer,
    )


def message_classes(package: str, messages: Messages) -> dict[str, Any]:
    """The message classes by name, in a pool of their own so that they meet nobody else's.

    Args:
        package: a name for the pool's file and its messages.
        messages: what is declared.

    Raises:
        ImportError: without protobuf, which tensorboardX brings.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            label = "LABEL_REPEATED" if repeated else "LABEL_OPTIONAL"
            added = message.field.add(name=field, number=number, label=label)
            if kind in messages:
                added.type, added.type_name = added.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                added.type = getattr(added, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    found = {name: pool.FindMessageTypeByName(f"{package}.{name}") for name in messages}
    return {name: message_factory.GetMessageClass(kind) for name, kind in found.items()}
