"""Opening files that may be anything, parts of files, and writing to a path or to an open file."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from eagerflow.base.errors import MissingFileError
from eagerflow.base.files import irregular, replacing, sync_folder
from eagerflow.base.machine.budget import take
from eagerflow.models.saving.errors import FileFormatError

__all__ = ["Section", "name_of", "opened", "replacing", "sync_folder", "temporary_for", "whole_of"]
__all__ += ["written_to"]

_BLOCK = 2**20


def name_of(filepath: Any) -> str:
    """The path as text.

    Raises:
        TypeError: for something else than a path.
    """
    if not isinstance(filepath, (str, os.PathLike)):
        raise TypeError(
            f"filepath: expected a path such as 'model.keras'; got {type(filepath).__name__} {filepath!r:.60}."
        )
    return os.fsdecode(os.fspath(filepath))


@contextlib.contextmanager
def opened(filepath: Any) -> Iterator[BinaryIO]:
    """The file for reading, if it is a regular one: reading a pipe or a device may never end.

    Raises:
        FileNotFoundError: when there is none.
        FileFormatError: for a folder, pipe or device.
    """
    path = name_of(filepath)
    try:
        _check_regular(os.stat(path), path)
    except FileNotFoundError:
        raise MissingFileError(f"There is no file {path!r} (in {os.getcwd()!r}).") from None
    with open(path, "rb") as file:
        _check_regular(os.fstat(file.fileno()), path)
        yield file


def _check_regular(status: os.stat_result, path: str) -> None:
    kind = irregular(status)
    if kind is not None:
        raise FileFormatError(f"{path!r} is {kind}, not a file that holds a model.")


def whole_of(file: BinaryIO, what: str) -> bytes:
    """All of a file on disk."""
    size = os.fstat(file.fileno()).st_size
    take(size, what)
    return file.read(size)


@contextlib.contextmanager
def written_to(target: Any, overwrite: bool = True) -> Iterator[BinaryIO]:
    """A file to write to: `target` itself when it is an open file, else one that replaces the path at the end."""
    if hasattr(target, "write"):
        yield target
    else:
        with replacing(name_of(target), overwrite) as file:
            yield file


def temporary_for(target: BinaryIO) -> BinaryIO:
    """A file without a name for what goes into `target` later: on the same disk, where that is known."""
    name = getattr(target, "name", None)
    folder = os.path.dirname(os.path.abspath(name)) if isinstance(name, str) else None
    return tempfile.TemporaryFile(dir=folder if folder and os.path.isdir(folder) else None)


class Section(io.RawIOBase):
    """A part of an open file, read as if it were a file of its own: nothing is copied."""

    def __init__(self, source: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._source, self._start, self._size, self._at = source, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        before = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, before + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = memoryview(buffer).cast("B")[: max(0, self._size - self._at)]
        self._source.seek(self._start + self._at)
        filled = 0
        while filled < len(wanted):
            block = self._source.read(min(len(wanted) - filled, _BLOCK))
            if not block:
                break
            wanted[filled : filled + len(block)] = block
            filled += len(block)
        self._at += filled
        return filled
