"""`tf.train.Example` and its parts, as bytes and back: protocol buffers of one kind, read and written by hand."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

import numpy

from eagerflow import ops
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor, holds_text, text_tensor

__all__ = ["BytesList", "Example", "Feature", "Features", "FixedLenFeature", "FloatList", "Int64List", "parse_example"]
__all__ += ["parse_single_example", "parse_tensor", "serialize_tensor"]

# The numbers of the types in a TensorProto.
_TYPES = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "string": 7, "complex64": 8}
_TYPES |= {"int64": 9, "bool": 10, "uint16": 17, "complex128": 18, "float16": 19, "uint32": 22, "uint64": 23}


class _Message:
    """Something that is written as a protocol buffer."""

    encoded: Callable[[], bytes]

    def SerializeToString(self) -> bytes:
        """Its bytes."""
        return self.encoded()


class _Values(_Message):
    """Values of one type."""

    number = 0  # which of a feature's lists it is

    def __init__(self, value: Any = ()) -> None:
        given = value.numpy() if isinstance(value, Tensor) else list(value)
        self.value: list[Any] = numpy.ravel(numpy.asarray(given)).tolist()


class BytesList(_Values):
    """Some `bytes`."""

    number = 1

    def __init__(self, value: Iterable[Any] = ()) -> None:
        self.value = [as_bytes(x) for x in value]

    def encoded(self) -> bytes:
        """As a protocol buffer."""
        return b"".join([field(1, x) for x in self.value])


class FloatList(_Values):
    """Some floats."""

    number = 2

    def encoded(self) -> bytes:
        """As a protocol buffer."""
        return field(1, struct.pack(f"<{len(self.value)}f", *self.value))


class Int64List(_Values):
    """Some whole numbers."""

    number = 3

    def encoded(self) -> bytes:
        """As a protocol buffer."""
        return field(1, b"".join([_varint(int(x) % 2**64) for x in self.value]))


class Feature(_Message):
    """One list of values."""

    def __init__(self, bytes_list: Any = None, float_list: Any = None, int64_list: Any = None) -> None:
        self.bytes_list = bytes_list or BytesList()
        self.float_list = float_list or FloatList()
        self.int64_list = int64_list or Int64List()
        self._given = next((x for x in (bytes_list, float_list, int64_list) if x is not None), None)

    @property
    def kept(self) -> Any:
        """The list that it has: the one it was made with, or to which values were added."""
        filled = (x for x in (self.bytes_list, self.float_list, self.int64_list) if x.value)
        return next(filled, None) if self._given is None else self._given

    def WhichOneof(self, oneof_group: str = "kind") -> str | None:
        """The name of the list that it has."""
        kept = self.kept
        return next((n for n in ("bytes_list", "float_list", "int64_list") if getattr(self, n) is kept), None)

    def encoded(self) -> bytes:
        """As a protocol buffer."""
        return b"" if self.kept is None else field(self.kept.number, self.kept.encoded())


class Features(_Message):
    """Features by their names."""

    def __init__(self, feature: Mapping[str, Feature] | None = None) -> None:
        self.feature: dict[str, Feature] = defaultdict(Feature, feature or {})

    def encoded(self) -> bytes:
        """As a protocol buffer."""
        parts = [field(1, name.encode()) + field(2, part.encoded()) for name, part in self.feature.items()]
        return b"".join([field(1, part) for part in parts])


class Example(_Message):
    """What a record holds."""

    def __init__(self, features: Features | None = None) -> None:
        self.features = features or Features()

    def encoded(self) -> bytes:
        """As a protocol buffer."""
        return field(1, self.features.encoded())

    def ParseFromString(self, serialized: Any) -> int:
        """Read bytes; gives their number."""
        data = as_bytes(serialized)
        self.features = Features(_features_in(data))
        return len(data)

    @classmethod
    def FromString(cls, serialized: Any) -> Self:
        """The example in bytes."""
        made = cls()
        made.ParseFromString(serialized)
        return made


class FixedLenFeature:
    """A feature of which every example has as many values."""

    def __init__(self, shape: Any, dtype: Any, default_value: Any = None) -> None:
        self.shape, self.dtype, self.default = tuple(shape), dtype, default_value

    def value(self, name: str, found: Feature | None) -> Any:
        """The values of an example in their shape.

        Raises:
            ValueError: when there are none, or others than the shape says.
        """
        values = [] if found is None or found.kept is None else found.kept.value
        if not values and self.default is not None:
            values = numpy.ravel(self.default).tolist() * (1 if numpy.ndim(self.default) else self._count())
        if len(values) != self._count():
            raise ValueError(
                f"feature {name!r}: expected {self._count()} values, of shape {self.shape}; got {len(values)}."
            )
        if self.dtype == "string":
            return text_tensor(numpy.array(values, object).reshape(self.shape))
        return numpy.array(values, self.dtype).reshape(self.shape)

    def stacked(self, values: list[Any]) -> Any:
        """Values of several examples as one tensor."""
        text = self.dtype == "string"
        joined = numpy.stack(values) if values else numpy.zeros((0, *self.shape), object if text else self.dtype)
        return text_tensor(joined) if text else ops.convert_to_tensor(joined)

    def _count(self) -> int:
        return int(numpy.prod(self.shape, dtype=int))


def parse_single_example(serialized: Any, features: Mapping[str, Any], name: str | None = None) -> dict[str, Any]:
    """The features of an example as tensors.

    Raises:
        TypeError: for other kinds of features: they need sparse or ragged tensors.
        ValueError: for an example whose values don't fit.
    """
    values = _parsed(serialized, features)
    return {
        key: value if isinstance(value, TextTensor) else ops.convert_to_tensor(value) for key, value in values.items()
    }


def parse_example(serialized: Any, features: Mapping[str, Any], name: str | None = None) -> dict[str, Any]:
    """`parse_single_example` of several, stacked."""
    rows = [_parsed(one, features) for one in text_tensor(serialized).reshape(-1)]
    return {key: feature.stacked([row[key] for row in rows]) for key, feature in features.items()}


def _parsed(serialized: Any, features: Mapping[str, Any]) -> dict[str, Any]:
    found = _features_in(as_bytes(serialized))
    for key, feature in features.items():
        if not isinstance(feature, FixedLenFeature):
            raise TypeError(
                f"feature {key!r}: only tf.io.FixedLenFeature is possible; there are no sparse tensors here."
            )
    return {key: feature.value(key, found.get(key)) for key, feature in features.items()}


def _features_in(data: bytes) -> dict[str, Feature]:
    entries = [dict(fields(entry)) for key, part in fields(data) if key == 1 for _, entry in fields(part)]
    return {entry.get(1, b"").decode(): feature_in(entry.get(2, b"")) for entry in entries}


def serialize_tensor(tensor: Any, name: str | None = None) -> TextTensor:
    """A tensor as the bytes of a `TensorProto`.

    >>> parse_tensor(serialize_tensor(ops.convert_to_tensor([[1, 2]])), "int32").tolist()
    [[1, 2]]
    """
    values = numpy.asarray((text_tensor if holds_text(tensor) else ops.convert_to_tensor)(tensor).numpy())
    dtype = "string" if values.dtype.kind in "OSU" else str(values.dtype)
    if dtype not in _TYPES:
        raise TypeError(f"serialize_tensor: tensors of type {dtype} can't be serialized.")
    lengths = b"".join([field(2, _varint(8) + _varint(n)) for n in values.shape])
    head = _varint(8) + _varint(_TYPES[dtype]) + field(2, lengths)
    if dtype == "string":
        return text_tensor(head + b"".join([field(8, as_bytes(x)) for x in values.ravel().tolist()]))
    return text_tensor(head + field(4, values.tobytes()))


def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Any:
    """The tensor in the bytes of a `TensorProto`, as `serialize_tensor` gives them; it must have this type."""
    found = list(fields(as_bytes(serialized)))
    number = next((part[0] for key, part in found if key == 1), None)
    if number != _TYPES.get(str(out_type)):
        told = next((name for name, n in _TYPES.items() if n == number), "another type")
        raise ValueError(f"parse_tensor(out_type={out_type}): these bytes hold a tensor of {told}.")
    sizes = [size for key, part in found if key == 2 for _, size in fields(part)]
    shape = [next(_numbers(dict(fields(size)).get(1, b"")), 0) for size in sizes]
    if out_type == "string":
        return text_tensor(numpy.array([text for key, text in found if key == 8], object).reshape(shape))
    content = b"".join([part for key, part in found if key == 4])
    return ops.convert_to_tensor(numpy.frombuffer(content, out_type).reshape(shape))


def feature_in(data: bytes) -> Feature:
    """The feature in its bytes."""
    kinds = dict(fields(data))
    if 1 in kinds:
        return Feature(bytes_list=BytesList([x for _, x in fields(kinds[1])]))
    if 2 in kinds:
        packed = b"".join([x for _, x in fields(kinds[2])])
        return Feature(float_list=FloatList(numpy.frombuffer(packed, "<f4")))
    if 3 in kinds:
        return Feature(int64_list=Int64List([n for _, x in fields(kinds[3]) for n in _numbers(x)]))
    return Feature()


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and contents of the fields of a message; single numbers as their bytes.

    Raises:
        ValueError: for bytes that aren't such a message.
    """
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        start = at
        if key & 7 == 2:
            size, start = _read_varint(data, at)
            at = start + size
        elif key & 7 == 0:
            _, at = _read_varint(data, at)
        elif key & 7 in (1, 5):
            at += 8 if key & 7 == 1 else 4
        else:
            raise ValueError("these bytes are no tf.train.Example.")
        if at > len(data):
            raise ValueError("these bytes are no tf.train.Example: they end too early.")
        yield key >> 3, data[start:at]


def _numbers(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _read_varint(data, at)
        yield value - 2**64 if value >= 2**63 else value


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("these bytes are no tf.train.Example: a number doesn't end.")


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def field(number: int, content: bytes) -> bytes:
    """A field of a message, with its content."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def as_bytes(x: Any) -> bytes:
    """The bytes of text or of a text tensor."""
    x = x.numpy() if isinstance(x, TextTensor) else x
    return x.encode() if isinstance(x, str) else bytes(x)
