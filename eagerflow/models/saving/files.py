"""Opening files that may be anything, and writing to a path or to an open file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from eagerflow.core.files import irregular, replacing, sync_folder
from eagerflow.models.saving.errors import FileFormatError

__all__ = ["name_of", "opened", "replacing", "sync_folder", "written_to"]


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
        raise FileNotFoundError(f"There is no file {path!r} (in {os.getcwd()!r}).") from None
    with open(path, "rb") as file:
        _check_regular(os.fstat(file.fileno()), path)
        yield file


def _check_regular(status: os.stat_result, path: str) -> None:
    kind = irregular(status)
    if kind is not None:
        raise FileFormatError(f"{path!r} is {kind}, not a file that holds a model.")


@contextlib.contextmanager
def written_to(target: Any, overwrite: bool = True) -> Iterator[BinaryIO]:
    """A file to write to: `target` itself when it is an open file, else one that replaces the path at the end."""
    if hasattr(target, "write"):
        yield target
    else:
        with replacing(name_of(target), overwrite) as file:
            yield file
