"""Takes protobuf messages apart, from memory that is not copied, and with limits.

Files come from anywhere: nothing is believed before it is checked against the bytes that are there.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy

from eagerflow.base.machine.budget import take
from eagerflow.onnx.fields import FIELDS

__all__ = ["LoadError", "Message", "decode", "integers", "integers_as", "reals", "shown"]

_FIELD, _MESSAGE = 150, 400  # bytes that they take as objects
_DEEPEST = 40  # messages in messages: graphs in graphs take three each
_LONGEST_TEXT = 1 << 16
_PIECE = 1 << 20

_BY_NUMBER = {kind: {f[0]: (name, f[1], f[2]) for name, f in fields.items()} for kind, fields in FIELDS.items()}
_NOTHING: dict[str, Any] = {"string": "", "bytes": memoryview(b""), "float": 0.0, "double": 0.0}


class LoadError(ValueError):
    """Raised when an ONNX file can't be loaded, or one of its nodes can't run; the message says which and why.

    Args:
        text: the message; control characters in it are escaped.

    >>> import eagerflow as ef
    >>> from pathlib import Path
    >>> _ = Path("model.onnx").write_bytes(b"not a model")
    >>> try:
    ...     ef.models.load_onnx("model.onnx")
    ... except ef.onnx.LoadError as error:
    ...     print(error)
    'model.onnx': it is no ONNX file, or damaged (an unknown kind of field).
    """

    def __init__(self, text: str) -> None:
        super().__init__("".join([c if c.isprintable() else f"\\x{ord(c):02x}" for c in text])[:500])


def shown(name: Any) -> str:
    """A name from a file for a message: short, and without signs that control terminals."""
    return f"{name!r:.60}"


class Message(dict[str, Any]):
    """Fields by name; what isn't there is protobuf's default."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __missing__(self, name: str) -> Any:
        _, kind, many = FIELDS[self.kind][name]
        if many:
            return ()
        return Message(kind) if kind in FIELDS else _NOTHING.get(kind, 0)


def decode(data: memoryview, kind: str) -> Message:
    """The message of this kind.

    Numbers that may come several times are left as they are stored: see `integers` and `reals`.

    Raises:
        LoadError: for what is no such message, or has more in it than any model.
    """
    return _Decoder().message(data, kind, 0)


class _Decoder:
    def message(self, data: memoryview, kind: str, depth: int) -> Message:
        if depth > _DEEPEST:
            raise LoadError("graphs are nested too deep.")
        made, fields = Message(kind), _BY_NUMBER[kind]
        for number, value in self._fields(data):
            if number not in fields:
                continue
            name, wanted, many = fields[number]
            take(_MESSAGE if wanted in FIELDS else _FIELD, "all of its parts")
            if wanted in FIELDS:
                value = self.message(_bytes(value, kind, name), wanted, depth + 1)
            elif wanted == "string":
                value = _text(_bytes(value, kind, name))
            elif wanted == "bytes":
                value = _bytes(value, kind, name)
            elif not many:
                value = _number(value, wanted, kind, name)
            if many:
                made.setdefault(name, []).append(value)
            else:
                made[name] = value
        return made

    @staticmethod
    def _fields(data: memoryview) -> Iterator[tuple[int, Any]]:
        """Numbers of fields, with an integer or bytes."""
        at, end = 0, len(data)
        while at < end:
            key, at = _varint(data, at, end)
            number, wire = key >> 3, key & 7
            if wire == 0:
                value, at = _varint(data, at, end)
                yield number, value
                continue
            if wire == 2:
                length, at = _varint(data, at, end)
            elif wire in (1, 5):
                length = 8 if wire == 1 else 4
            else:
                raise LoadError("it is no ONNX file, or damaged (an unknown kind of field).")
            if length > end - at or not number:
                raise LoadError("it is no ONNX file, or damaged or cut off (a field is longer than what there is).")
            yield number, data[at : at + length]
            at += length


def _varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    number = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise LoadError("it is no ONNX file, or damaged or cut off (a number has no end).")


def _bytes(value: Any, kind: str, name: str) -> memoryview:
    if isinstance(value, memoryview):
        return value
    raise LoadError(f"it is no ONNX file, or damaged ({kind}.{name} is a number).")


def _text(value: memoryview) -> str:
    if len(value) > _LONGEST_TEXT:
        raise LoadError(f"a name of {len(value):,} bytes.")
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError:
        raise LoadError("it is no ONNX file, or damaged (a name isn't UTF-8).") from None


def _number(value: Any, wanted: str, kind: str, name: str) -> Any:
    if wanted == "float":
        if isinstance(value, memoryview) and len(value) == 4:
            return struct.unpack("<f", value)[0]
    elif isinstance(value, int):
        return value - (1 << 64) if value >= 1 << 63 else value
    raise LoadError(f"it is no ONNX file, or damaged ({kind}.{name} is stored as another kind).")


# ---------------------------------------------------------------------- numbers that come several times


def integers(parts: Sequence[Any]) -> list[int]:
    """Integers, packed or not."""
    found: list[int] = integers_as(parts, numpy.dtype("int64")).tolist()
    return found


def integers_as(parts: Sequence[Any], dtype: Any) -> Any:
    """Integers of a type, packed or not.

    Raises:
        LoadError: for what are no integers, or too many.
    """
    packed = [part for part in parts if isinstance(part, memoryview)]
    take(8 * sum(map(len, packed)), "a tensor that is stored number by number")
    single = [part for part in parts if not isinstance(part, memoryview)]
    if packed and single:
        raise LoadError("it is damaged (numbers are stored in two ways).")
    if single:
        return numpy.array(single, numpy.uint64).astype(numpy.int64).astype(dtype)
    pieces = [piece for part in packed for piece in _unpacked(part, dtype)]
    return numpy.concatenate(pieces) if pieces else numpy.zeros(0, dtype)


def _unpacked(data: memoryview, dtype: Any) -> Iterator[Any]:
    """Arrays of the integers in packed bytes, a piece at a time."""
    whole = numpy.frombuffer(data, numpy.uint8)
    at = 0
    while at < len(whole):
        piece = whole[at : at + _PIECE]
        ends = numpy.flatnonzero(piece < 128)
        if not len(ends):
            raise LoadError("it is damaged (a number has no end).")
        starts = numpy.concatenate([[0], ends[:-1] + 1])
        lengths = ends - starts + 1
        if lengths.max() > 10:
            raise LoadError("it is damaged (a number has no end).")
        found = numpy.zeros(len(ends), numpy.uint64)
        for i in range(int(lengths.max())):
            more = lengths > i
            found[more] |= (piece[starts[more] + i] & 127).astype(numpy.uint64) << numpy.uint64(7 * i)
        yield found.astype(numpy.int64).astype(dtype)
        at += int(ends[-1]) + 1


def reals(parts: Sequence[Any], dtype: Any) -> Any:
    """Floating-point numbers, packed or not, without a copy where they lie together.

    Raises:
        LoadError: for what are no such numbers.
    """
    size = numpy.dtype(dtype).itemsize
    if any(not isinstance(part, memoryview) or len(part) % size for part in parts):
        raise LoadError("it is damaged (floating-point numbers of a wrong length).")
    data = parts[0] if len(parts) == 1 else b"".join(parts)
    return numpy.frombuffer(data, numpy.dtype(dtype).newbyteorder("<"))
