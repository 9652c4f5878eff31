"""Opening files that may be anything, and replacing files so that a crash leaves the old one whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from typing import Any, BinaryIO

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
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, device or socket"
        raise FileFormatError(f"{path!r} is {kind}, not a file that holds a model.")


@contextlib.contextmanager
def written_to(target: Any, overwrite: bool = True) -> Iterator[BinaryIO]:
    """A file to write to: `target` itself when it is an open file, else one that replaces the path at the end."""
    if hasattr(target, "write"):
        yield target
    else:
        with replacing(name_of(target), overwrite) as file:
            yield file


@contextlib.contextmanager
def replacing(path: str, overwrite: bool = True) -> Iterator[BinaryIO]:
    """A new file beside `path`, which takes its place when the block ends well, and vanishes when it doesn't.

    Whatever happens in between, a reader sees the old file or the new one, whole.

    Raises:
        FileExistsError: when there is a file and `overwrite` is False.
        FileNotFoundError: when the folder doesn't exist.
    """
    path = os.path.realpath(path)  # a link stays, what it points to is replaced
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"The folder {folder!r} doesn't exist; make it first (os.makedirs).")
    mode = _mode(path, overwrite)
    temporary = os.path.join(folder, f".{os.path.basename(path)[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        with open(temporary, "xb+") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def _mode(path: str, overwrite: bool) -> int | None:
    """The permissions of the file that will be replaced, None where there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    if not overwrite:
        raise FileExistsError(f"{path!r} exists. Pass overwrite=True to replace it, or choose another name.")
    _check_regular(status, path)
    return stat.S_IMODE(status.st_mode)


def sync_folder(folder: str) -> None:
    """Make the new name itself durable, where folders can be synced (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
