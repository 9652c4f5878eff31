"""One process at a time: two that download the same file must not write into one part."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["alone"]


@contextlib.contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Holds the lock file `path` inside the block; gives whether another process held it before.

    The system lets go of the lock when a process ends, however it does. Without such locks (Windows) nobody waits.
    """
    if fcntl is None:
        yield False
        return
    handle, waited = _locked(path)
    try:
        yield waited
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _locked(path: Path) -> tuple[int, bool]:
    waited = False
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except PermissionError as error:
            said = f"downloads go to {path.parent}, where nothing may be written ({error.strerror})."
            raise PermissionError(f"{said} Fix: set EAGERFLOW_HOME.") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            return handle, waited
        if _still(path, handle):
            return handle, waited
        os.close(handle)  # the holder has removed the file, so others now lock a new one


def _still(path: Path, handle: int) -> bool:
    """Whether the open file is the one of that name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False
