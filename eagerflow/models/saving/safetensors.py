"""`.safetensors`: a JSON header that says where each array lies, and the arrays. Read and written here, in NumPy.

Source: the format's description at https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy

from eagerflow.base.machine.budget import take
from eagerflow.models.saving.assign import Stored, fill
from eagerflow.models.saving.errors import FileFormatError
from eagerflow.models.saving.json_text import read_json

__all__ = ["reading", "write"]

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}
_CHECKSUM = "eagerflow_crc32"
_PIECE = 8 * 2**20  # bytes of an array that are read at once
_NAMES = {numpy.dtype(code): name for name, code in _TYPES.items() if name != "BF16"}


def write(target: BinaryIO, arrays: Mapping[str, numpy.ndarray], metadata: Mapping[str, str]) -> None:
    """Write arrays by name, and texts by name."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    at, raw = 0, []
    for name, array in arrays.items():
        kind, content = _raw(array)
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + content.nbytes]}
        at += content.nbytes
        raw.append(content)
    header["__metadata__"][_CHECKSUM] = str(_sum_of(header, raw))
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    target.write(struct.pack("<Q", len(text)) + text)
    for content in raw:
        target.write(content)


def _sum_of(header: Mapping[str, Any], content: Iterable[bytes | memoryview]) -> int:
    """The checksum of everything in the file."""
    checksum = zlib.crc32(json.dumps(header, sort_keys=True).encode())
    for block in content:
        checksum = zlib.crc32(block, checksum)
    return checksum


def _raw(array: numpy.ndarray) -> tuple[str, memoryview]:
    """The name of the type, and the bytes: those of the array itself where its elements lie in this order."""
    if array.dtype.name == "bfloat16":
        kind, plain = "BF16", array
    else:
        plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
        kind = _NAMES[plain.dtype]
    return kind, numpy.ascontiguousarray(plain).reshape(-1).view(numpy.uint8).data


class Slice:
    """An array in such a file, not read yet."""

    def __init__(self, source: BinaryIO, file: str, name: str, entry: dict[str, Any], start: int) -> None:
        kind = entry["dtype"]
        self._source, self._file, self._name = source, file, name
        self._at, self._length = start + entry["data_offsets"][0], _length(entry)
        self.shape: tuple[int, ...] = tuple(entry["shape"])
        self.is_bfloat16 = kind == "BF16"
        self.dtype: numpy.dtype[Any] = numpy.dtype(_TYPES[kind])

    def read(self) -> numpy.ndarray:
        """The values."""
        take(self._length * (1 + self.is_bfloat16), f"array {self._name!r}")
        found = numpy.empty(self.shape, numpy.float32 if self.is_bfloat16 else self.dtype)
        fill(found, self.pieces())
        return found

    def pieces(self) -> Iterator[numpy.ndarray]:
        """The values in their order, in flat arrays of some megabytes."""
        for start in range(0, self._length, _PIECE):
            self._source.seek(self._at + start)
            size = min(_PIECE, self._length - start)
            content = self._source.read(size)
            if len(content) != size:
                raise FileFormatError(f"{self._file!r} is cut off in array {self._name!r}.")
            found = numpy.frombuffer(content, self.dtype)
            yield (found.astype(numpy.uint32) << 16).view(numpy.float32) if self.is_bfloat16 else found


def _length(entry: dict[str, Any]) -> int:
    first, last = entry["data_offsets"]
    return int(last - first)


@contextlib.contextmanager
def reading(source: BinaryIO, file: str) -> Iterator[tuple[dict[str, Stored], dict[str, Any]]]:
    """The arrays by name, and the metadata.

    Raises:
        FileFormatError: when the header is damaged or claims what isn't there.
    """
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    beginning = source.read(8)
    length = struct.unpack("<Q", beginning)[0] if len(beginning) == 8 else size
    if length > size - 8:
        raise FileFormatError(f"{file!r} is no .safetensors file, or cut off: its header would have {length} bytes.")
    header = read_json(source.read(length), file, "header")
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict):
        raise FileFormatError(f"{file!r}: its metadata is a {type(metadata).__name__}; expected a JSON object.")
    _check_sum(source, 8 + length, header, metadata, file)
    header.pop("__metadata__", None)
    _check(header, size - 8 - length, file)
    yield {name: Slice(source, file, name, entry, 8 + length) for name, entry in header.items()}, metadata


def _check(header: dict[str, Any], available: int, file: str) -> None:
    """Every array must have a known type, and lie in the file, one after the other."""
    at = 0
    try:
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            shape, (first, last) = entry["shape"], entry["data_offsets"]
            whole = all(type(n) is int and n >= 0 for n in [*shape, first, last])
            wanted = math.prod(shape) * numpy.dtype(_TYPES[entry["dtype"]]).itemsize if whole else -1
            if first != at or last - first != wanted or last > available:
                raise FileFormatError(
                    f"{file!r}: array {name!r:.60} of {entry['dtype']}{shape} can't lie at bytes {first} to {last}."[
                        :480
                    ]
                )
            at = last
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"{file!r}: its header is damaged ({type(error).__name__}: {error}).") from None
    if at != available:
        raise FileFormatError(f"{file!r}: its arrays end at byte {at}, the file at {available}.")


def _check_sum(source: BinaryIO, start: int, header: Mapping[str, Any], metadata: dict[str, Any], file: str) -> None:
    """The checksum that we write; other writers give none."""
    expected = metadata.pop(_CHECKSUM, None)
    if expected is None:
        return
    source.seek(start)
    if expected != str(_sum_of(header, iter(lambda: source.read(2**20), b""))):
        raise FileFormatError(f"{file!r} is damaged: its checksum is wrong.")
