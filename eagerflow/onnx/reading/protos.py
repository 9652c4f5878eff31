"""ONNX files as messages of the `onnx` package, once what they would take in memory is known to have room."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from eagerflow.base.machine.budget import take
from eagerflow.base.text.extras import missing_package

__all__ = ["LoadError", "Message", "model_of", "onnx_package", "shown"]

Message = Any  # of the `onnx` package

_FIELD, _MESSAGE = 150, 400  # bytes that they take at most as objects, in protobuf and in Python
_NUMBER = 16  # bytes that a number takes which is packed into one, with what is left over while a list grows
_NO_PART = (None, False, False)
_STEP = 1 << 20
_LONGEST_NAME = 1 << 16


class LoadError(ValueError):
    """Raised when an ONNX file can't be loaded, or one of its nodes can't run; the message says which and why.

    Args:
        text: the message; control characters in it are escaped.

    >>> from pathlib import Path
    >>> _ = Path("model.onnx").write_bytes(b"not a model")
    >>> try:
    ...     ef.models.load_onnx("model.onnx")
    ... except ef.onnx.LoadError as error:
    ...     print(error)
    'model.onnx': it is no ONNX file, or damaged.
    """

    def __init__(self, text: str) -> None:
        super().__init__("".join([c if c.isprintable() else f"\\x{ord(c):02x}" for c in text])[:500])


def shown(name: Any) -> str:
    """A name from a file for a message: short, and without signs that control terminals."""
    return f"{name!r:.60}"


def onnx_package() -> Any:
    """The `onnx` package, which reads files.

    Raises:
        ImportError: where it isn't installed.
    """
    try:
        import onnx
    except ImportError:
        raise missing_package("onnx", "onnx", "Reading ONNX files") from None
    return onnx


def model_of(content: bytes) -> Message:
    """The `ModelProto` of a file's bytes.

    Raises:
        LoadError: for what is none.
        LoadLimitError: for one with more parts than its size gives reason for.
        ImportError: without the `onnx` package.
    """
    kind = onnx_package().ModelProto
    from google.protobuf.message import DecodeError

    _weigh(memoryview(content), kind.DESCRIPTOR)
    try:
        return kind.FromString(content)
    except DecodeError:
        raise LoadError("it is no ONNX file, or damaged.") from None


@cache
def _parts(kind: Any) -> dict[int, tuple[Any, bool, bool]]:
    """For each field of a kind of messages the kind of its own messages or None, whether it is a name, or integers."""
    found = {}
    for number, field in kind.fields_by_number.items():
        is_name = field.type == field.TYPE_STRING
        others = (field.TYPE_FLOAT, field.TYPE_DOUBLE, field.TYPE_BYTES, field.TYPE_MESSAGE, field.TYPE_STRING)
        found[number] = field.message_type, is_name, field.type not in others
    return found


def _weigh(data: memoryview, kind: Any) -> None:
    """Take what all parts of a message will need: a byte of a file can become a hundred in memory."""
    waiting, cost = [(data, _parts(kind))], 0
    while waiting:
        data, parts = waiting.pop()
        for number, value in _fields(data):
            inner, is_name, is_whole = parts.get(number, _NO_PART)
            cost += _FIELD if inner is None else _MESSAGE
            if value:
                if inner is not None:
                    waiting.append((value, _parts(inner)))
                elif is_name:
                    _check_name(value)
                elif is_whole:
                    cost += _NUMBER * len(value)
            if cost > _STEP:
                take(cost, "all of its parts")
                cost = 0
    take(cost, "all of its parts")


def _check_name(value: memoryview) -> None:
    if len(value) > _LONGEST_NAME:
        raise LoadError(f"a name of {len(value):,} bytes.")
    try:
        str(value, "utf-8")
    except UnicodeDecodeError:
        raise LoadError("it is no ONNX file, or damaged (a name isn't UTF-8).") from None


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """Numbers of fields, with the bytes of those that have a length.

    Source: https://protobuf.dev/programming-guides/encoding/.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = (data[at], at + 1) if data[at] < 128 else _varint(data, at, end)
        wire = key & 7
        if wire in (0, 2):
            length, at = (data[at], at + 1) if at < end and data[at] < 128 else _varint(data, at, end)
        else:
            length = {1: 8, 5: 4}.get(wire, end)
        if wire == 0:
            yield key >> 3, None
            continue
        if length > end - at:
            raise LoadError("it is no ONNX file, or damaged.")
        yield key >> 3, data[at : at + length] if wire == 2 else None
        at += length


def _varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    number = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    raise LoadError("it is no ONNX file, or damaged.")
