"""Reads `.npz` archives of arrays; sizes are checked before memory is taken, and pickles are never just run."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from eagerflow.base.machine.budget import LoadLimitError, take
from eagerflow.base.npy import read_header
from eagerflow.datasets.objects import FormatError, build, lists_of_ints

__all__ = ["read_arrays"]


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """The named arrays of a `.npz` file. Arrays of objects may only be rows of lists of ints.

    Args:
        path: the file.
        names: which arrays to read; others are left alone.

    Raises:
        FormatError: when the file isn't an archive, is damaged, or has no such array.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _member(archive, name) for name in names}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        if isinstance(error, (FormatError, LoadLimitError)):
            raise
        raise FormatError(f"it is no whole .npz archive ({error})") from None


def _member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        there = ", ".join(sorted(archive.namelist())[:8]) or "nothing"
        raise FormatError(f"it has no array {name!r}; it has {there[:120]}") from None
    take(info.file_size, f"its array {name!r}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FormatError(f"its array {name!r} is packed in a way that .npz files are not")
    try:
        return _array(archive.read(info))
    except FormatError as error:
        raise FormatError(f"array {name!r}: {error}") from None


def _array(data: bytes) -> np.ndarray:
    """The array of a whole `.npy` file."""
    dtype, shape, fortran, start = _header(data)
    body = data[start:]
    if dtype.hasobject:
        return lists_of_ints(build(body), limit=len(body))
    if dtype.kind not in "biuf" or math.prod(shape) * dtype.itemsize != len(body):
        raise FormatError(f"its header says {dtype}{list(shape)}, and {len(body)} bytes follow")
    return np.frombuffer(body, dtype).reshape(shape, order="F" if fortran else "C").copy()


def _header(data: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    try:
        return read_header(data)
    except ValueError as error:
        raise FormatError(str(error)) from None
