"""Arrays of ONNX files: in the file itself, or in one beside it."""

from __future__ import annotations

import math
import os
import pathlib
import stat
from typing import Any

import numpy

from eagerflow.base.files import irregular
from eagerflow.base.machine.budget import further, take
from eagerflow.core.dtypes import as_dtype
from eagerflow.onnx.messages import TYPES
from eagerflow.onnx.reading.wire import LoadError, Message, integers, integers_as, reals, shown

__all__ = ["Folder", "array_of"]

_NAMES = {number: name for name, number in TYPES.items()}
_TEXT = 8
_HALVES = {21: ("uint8", False), 22: ("int8", True)}  # two numbers of 4 bits in a byte
_OTHERS = {14: "complex64", 15: "complex128", 17: "float8e4m3fn", 18: "float8e4m3fnuz", 19: "float8e5m2"}
_OTHERS |= {20: "float8e5m2fnuz", 23: "float4e2m1", 24: "float8e8m0", 25: "uint2", 26: "int2"}
_STORED_AS = {"float32": "float_data", "float64": "double_data", "int64": "int64_data"}
_STORED_AS |= dict.fromkeys(("uint32", "uint64"), "uint64_data")


class Folder:
    """Where the files beside a model lie, the only place that they are read from.

    Args:
        model: the path of the model's file; None where there are none.
    """

    def __init__(self, model: pathlib.Path | None) -> None:
        self._place = None if model is None else model.parent

    def read(self, about: Message, name: str, size: int) -> bytes:
        """The bytes of a tensor.

        Raises:
            LoadError: for a file that isn't a plain one in the folder, or a part that isn't in it.
        """
        told = {pair["key"]: pair["value"] for pair in about["external_data"]}
        path = self._checked(told.get("location", ""), name)
        begin, length = (_count(told.get(key, ""), name) for key in ("offset", "length"))
        length = size if length is None else length
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(path, flags)
        except OSError as error:
            raise LoadError(
                f"tensor {shown(name)}: {shown(path.name)} beside it can't be read: {error.strerror}."
            ) from None
        status = os.fstat(handle)
        if irregular(status) or status.st_nlink > 1:
            os.close(handle)
            raise LoadError(f"tensor {shown(name)}: {shown(path.name)} is no plain file with one name.")
        with open(handle, "rb") as file:
            if length != size or (begin or 0) + length > status.st_size:
                raise LoadError(
                    f"tensor {shown(name)}: {size:,} bytes are needed; {length:,} are said to lie at {begin or 0:,} of "
                    f"{shown(path.name)}, which has {status.st_size:,}."
                )
            further(status.st_dev, status.st_ino, status.st_size)
            take(length, f"tensor {shown(name)}")
            file.seek(begin or 0)
            found = file.read(length)
        if len(found) != size:
            raise LoadError(f"tensor {shown(name)}: {shown(path.name)} ended while it was read.")
        return found

    def _checked(self, location: str, name: str) -> pathlib.Path:
        """The path of a file, which no link and no `..` leads out of the folder."""
        parts = location.replace("\\", "/").split("/")
        parts = parts[1:] if parts[0] == "." and len(parts) > 1 else parts
        if self._place is None or not location or ":" in location or "\0" in location or "\\" in location:
            raise LoadError(f"tensor {shown(name)}: its file {shown(location)} is no name in the model's folder.")
        if len(parts) > 20 or any(part in ("", ".", "..") for part in parts):
            raise LoadError(f"tensor {shown(name)}: its file {shown(location)} leads out of the model's folder.")
        path = self._place
        for part in parts:
            path = path / part
            try:
                linked = stat.S_ISLNK(os.lstat(path).st_mode)
            except (OSError, ValueError):
                raise LoadError(f"tensor {shown(name)}: there is no file {shown(location)} beside the model.") from None
            if linked:
                raise LoadError(
                    f"tensor {shown(name)}: {shown(location)} is a link. Files beside a model are read from its own "
                    "folder only: copy them there."
                )
        return path


def _count(text: str, name: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise LoadError(f"tensor {shown(name)}: {shown(text)} is no number of bytes.")
    return int(text)


def array_of(tensor: Message, folder: Folder) -> Any:
    """The array of a tensor; a view of the file's bytes where it can be, so copy what is kept.

    Raises:
        LoadError: where its bytes aren't as many as its shape says, or it has a type that isn't known here.
    """
    name, shape = tensor["name"], integers(tensor["dims"])
    count = math.prod(shape)
    take(8 * len(shape) + (len(tensor["raw_data"]) if tensor["raw_data"] else 0), f"tensor {shown(name)}")
    if len(shape) > 32 or any(n < 0 for n in shape) or count >= 1 << 48:
        raise LoadError(f"tensor {shown(name)}: the shape {shape[:9]!s} can't be.")
    number = tensor["data_type"]
    if number == _TEXT:
        return _texts(tensor, shape)
    if number in _HALVES:
        return _halves(tensor, folder, count, *_HALVES[number]).reshape(shape)
    if number not in _NAMES:
        kind = _OTHERS.get(number, f"number {number}")
        raise LoadError(f"tensor {shown(name)}: its type {kind} isn't known here.")
    dtype = as_dtype(_NAMES[number])
    raw = _raw(tensor, folder, count * dtype.itemsize)
    if raw is None:
        found = _typed(tensor, dtype)
    else:
        found = numpy.frombuffer(raw, dtype if dtype.name == "bfloat16" else dtype.newbyteorder("<"))
    if found.size != count:
        raise LoadError(f"tensor {shown(name)}: {found.size:,} numbers for the shape {shape[:9]!s}.")
    return found.reshape(shape).astype(dtype, copy=False)


def _raw(tensor: Message, folder: Folder, size: int) -> Any:
    """The bytes of its numbers; None where they are stored one by one."""
    if tensor["data_location"] == 1:
        return folder.read(tensor, tensor["name"], size)
    if "raw_data" not in tensor:
        return None
    raw = tensor["raw_data"]
    if len(raw) != size:
        raise LoadError(f"tensor {shown(tensor['name'])}: {len(raw):,} bytes; its shape and type say {size:,}.")
    return raw


def _typed(tensor: Message, dtype: Any) -> Any:
    field = _STORED_AS.get(dtype.name, "int32_data")
    if dtype.kind == "f" and dtype.itemsize > 2:
        return reals(tensor[field], dtype)
    if dtype.name in ("float16", "bfloat16"):
        return integers_as(tensor[field], numpy.dtype("uint16")).view(dtype)
    return integers_as(tensor[field], dtype)


def _halves(tensor: Message, folder: Folder, count: int, name: str, signed: bool) -> Any:
    raw = _raw(tensor, folder, (count + 1) // 2)
    packed = integers_as(tensor["int32_data"], numpy.dtype("uint8")) if raw is None else numpy.frombuffer(raw, "uint8")
    if len(packed) != (count + 1) // 2:
        raise LoadError(f"tensor {shown(tensor['name'])}: {len(packed):,} bytes for {count:,} numbers of 4 bits.")
    found = numpy.stack([packed & 15, packed >> 4], -1).reshape(-1)[:count]
    if signed:
        found = (found ^ 8).astype("int8") - numpy.int8(8)
    return found.astype(name, copy=False)


def _texts(tensor: Message, shape: list[int]) -> Any:
    parts = tensor["string_data"]
    if len(parts) != math.prod(shape):
        raise LoadError(f"tensor {shown(tensor['name'])}: {len(parts):,} texts for the shape {shape[:9]!s}.")
    found = numpy.empty(len(parts), object)
    found[:] = [str(part, "utf-8", "replace") for part in parts]
    return found.reshape(shape)
