"""Message classes of protobuf from tables, where no package that we use brings them compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Messages", "message_classes", "parsed"]

# message: {field: (number, type, repeated)}; a type is a scalar of protobuf's or another message.
Messages = Mapping[str, Mapping[str, tuple[int, str, bool]]]


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


def parsed(kind: Any, content: bytes) -> Any:
    """The message of a class that bytes hold.

    Raises:
        ValueError: where they hold none.
    """
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(content)
    except DecodeError as error:
        raise ValueError(str(error)) from None
