"""TFRecord files: `tf.io.TFRecordWriter` and `tf.data.TFRecordDataset`."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Iterator
from typing import Any

from eagerflow import data
from eagerflow.data.text import TextTensor, text_tensor

__all__ = ["TFRecordDataset", "TFRecordOptions", "TFRecordWriter", "opened"]


def _table() -> list[int]:
    """The remainders of all bytes, for CRC-32C."""
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        found.append(byte)
    return found


_REMAINDERS = _table()
_CHECKED = 1 << 12  # bytes; Python takes a millisecond for 10,000


def masked_checksum(content: bytes) -> int:
    """CRC-32C, turned and shifted as the format wants it."""
    checksum = 0xFFFFFFFF
    for byte in content:
        checksum = _REMAINDERS[(checksum ^ byte) & 255] ^ checksum >> 8
    checksum ^= 0xFFFFFFFF
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


class TFRecordOptions:
    """How records are written."""

    def __init__(self, compression_type: str | None = None, **kwargs: Any) -> None:
        self.compression_type = compression_type


class TFRecordWriter:
    """A file that records are written into, one after the other; also in a `with` block."""

    def __init__(self, path: Any, options: Any = None) -> None:
        kind = options.compression_type if isinstance(options, TFRecordOptions) else options
        self.file: Any = opened(_path(path), kind, "wb")

    def write(self, record: Any) -> None:
        """Write a record of bytes."""
        content = record.numpy() if isinstance(record, TextTensor) else bytes(record)
        size = struct.pack("<Q", len(content))
        self.file.write(size + struct.pack("<I", masked_checksum(size)))
        self.file.write(content + struct.pack("<I", masked_checksum(content)))

    def flush(self) -> None:
        """Write what is kept in memory."""
        self.file.flush()

    def close(self) -> None:
        """End the file."""
        self.file.close()

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def TFRecordDataset(
    filenames: Any,
    compression_type: Any = None,
    buffer_size: Any = None,
    num_parallel_reads: Any = None,
    name: str | None = None,
) -> data.Dataset:
    """The records of files, as text tensors of bytes. The checksums of records above 4 KB are not looked at.

    Raises:
        ValueError: while it is read, for a file of another format.
    """
    listed = list(filenames) if isinstance(filenames, (list, tuple, data.Dataset)) else [filenames]
    paths = [p for f in listed for p in (f if isinstance(f, TextTensor) and f.ndim else [f])]

    def make() -> Iterator[Any]:
        for path in paths:
            with opened(_path(path), compression_type, "rb") as file:
                yield from map(text_tensor, _records(file, _path(path)))

    return data.Dataset(make)


def _records(file: Any, path: str) -> Iterator[bytes]:
    while head := file.read(12):
        if len(head) < 12 or struct.unpack("<I", head[8:])[0] != masked_checksum(head[:8]):
            raise ValueError(f"{path} is no TFRecord file, or it is damaged.")
        size = struct.unpack("<Q", head[:8])[0]
        content, tail = file.read(size), file.read(4)
        if len(content) < size or len(tail) < 4:
            raise ValueError(f"{path} ends in the middle of a record.")
        if size <= _CHECKED and struct.unpack("<I", tail)[0] != masked_checksum(content):
            raise ValueError(f"{path} is damaged: a record's checksum is wrong.")
        yield content


def opened(path: str, compression: Any, mode: str, **kwargs: Any) -> Any:
    """A file, which may be compressed."""
    if compression in (None, "", "NONE"):
        return open(path, mode, **kwargs)
    if compression == "GZIP":
        return gzip.open(path, mode, **kwargs)
    raise ValueError(f"{path}: compression_type={compression!r}: expected 'GZIP' or nothing.")


def _path(path: Any) -> str:
    return os.fsdecode(path.numpy() if isinstance(path, TextTensor) else path).rstrip("/")  # as TensorFlow does
