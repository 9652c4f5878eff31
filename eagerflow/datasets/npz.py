"""Reads `.npz` archives of arrays; sizes are checked before memory is taken, and pickles are never just run."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from eagerflow.datasets.objects import FormatError, build, lists_of_ints

__all__ = ["read_arrays"]

_LARGEST = 2**31  # bytes of one array; the largest official one has 184 million


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
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise FormatError(f"it is no whole .npz archive ({error})") from None


def _member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        there = ", ".join(sorted(archive.namelist())[:8]) or "nothing"
        raise FormatError(f"it has no array {name!r}; it has {there[:120]}") from None
    if info.file_size > _LARGEST:
        raise FormatError(f"its array {name!r} claims {info.file_size} bytes")
    try:
        return _array(archive.read(info))
    except FormatError as error:
        raise FormatError(f"array {name!r}: {error}") from None


def _array(data: bytes) -> np.ndarray:
    """The array of a whole `.npy` file."""
    stream = io.BytesIO(data)
    shape, fortran, dtype = _header(stream)
    body = data[stream.tell() :]
    if dtype.hasobject:
        return lists_of_ints(build(body), limit=len(body))
    count = 1
    for length in shape:
        count *= length
    if dtype.kind not in "biuf" or count * dtype.itemsize != len(body):
        raise FormatError(f"its header says {dtype}{list(shape)}, and {len(body)} bytes follow")
    return np.frombuffer(body, dtype).reshape(shape, order="F" if fortran else "C").copy()


def _header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    readers: dict[tuple[int, int], Callable[[Any], Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        version = np.lib.format.read_magic(stream)
        if version not in readers:
            raise FormatError(f"its .npy format {version} is unknown")
        with warnings.catch_warnings():  # Python 2 wrote 3L, which NumPy reads with a word
            warnings.simplefilter("ignore", UserWarning)
            shape, fortran, dtype = readers[version](stream)
    except FormatError:
        raise
    except (ValueError, SyntaxError, TypeError) as error:
        raise FormatError(f"it has no proper .npy header ({str(error)[:80]})") from None
    if any(length < 0 for length in shape):
        raise FormatError("its shape has negative lengths")
    return shape, fortran, dtype
