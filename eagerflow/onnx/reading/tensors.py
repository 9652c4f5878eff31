"""Arrays of ONNX files: in the file itself, or in another one of its folder."""

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
from eagerflow.onnx.reading.protos import LoadError, onnx_package, shown

__all__ = ["Folder", "array_of"]

_NAMES = {number: name for name, number in TYPES.items()}


class Folder:
    """The folder of a model, the only place that they are read from.

    Args:
        model: the path of the model's file; None where there are none.
    """

    def __init__(self, model: pathlib.Path | None) -> None:
        self._place = None if model is None else model.parent

    def read(self, about: Any, name: str, size: int) -> bytes:
        """The bytes of a tensor.

        Raises:
            LoadError: for a file that isn't a plain one in the folder, or a part that isn't in it.
        """
        told = {pair.key: pair.value for pair in about.external_data}
        path = self._checked(told.get("location", ""), name)
        begin, length = (_count(told.get(key, ""), name) for key in ("offset", "length"))
        length = size if length is None else length
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(path, flags)
        except OSError as error:
            raise LoadError(
                f"tensor {shown(name)}: {shown(path.name)} in its folder can't be read: {error.strerror}."
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
                raise LoadError(
                    f"tensor {shown(name)}: there is no file {shown(location)} in the model's folder."
                ) from None
            if linked:
                raise LoadError(
                    f"tensor {shown(name)}: {shown(location)} is a link. Files of a model are read from its own "
                    "folder only: copy them there."
                )
        return path


def _count(text: str, name: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise LoadError(f"tensor {shown(name)}: {shown(text)} is no number of bytes.")
    return int(text)


def array_of(tensor: Any, folder: Folder) -> Any:
    """The array of a tensor.

    Raises:
        LoadError: where its bytes aren't as many as its shape says, or it has a type that isn't known here.
    """
    name, shape, number = tensor.name, list(tensor.dims), tensor.data_type
    count = math.prod(shape)
    take(8 * len(shape) + tensor.ByteSize(), f"tensor {shown(name)}")
    if len(shape) > 32 or any(n < 0 for n in shape) or count >= 1 << 48:
        raise LoadError(f"tensor {shown(name)}: the shape {shape[:9]!s} can't be.")
    name_of = onnx_package().TensorProto.DataType
    if number not in _NAMES:
        kind = name_of.Name(number).lower() if number in name_of.values() else f"number {number}"
        raise LoadError(f"tensor {shown(name)}: its type {kind} isn't known here.")
    dtype = as_dtype(_NAMES[number])
    if tensor.data_location == 1:
        stored = dtype if dtype.name == "bfloat16" else dtype.newbyteorder("<")
        found = numpy.frombuffer(folder.read(tensor, name, count * dtype.itemsize), stored)
        return found.reshape(shape).astype(dtype, copy=False)
    try:
        return onnx_package().numpy_helper.to_array(tensor).astype(dtype, copy=False)
    except (ValueError, TypeError, OverflowError) as error:
        raise LoadError(f"tensor {shown(name)}: {error!s:.150}.") from None
