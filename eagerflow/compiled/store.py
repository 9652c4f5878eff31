"""Machine code on disk: one file per kernel and float type, in a folder that nobody else writes to.

What is read there is run, so a folder or file of another user, or one that others may write to, is left alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from eagerflow.base.config import home
from eagerflow.base.files import make_home, replacing

__all__ = ["folder", "is_ours", "make_folder", "read", "takes_files", "write"]

_SUM = hashlib.sha256().digest_size


def folder() -> Path:
    """Where machine code is kept: `compiled` in the home folder of eagerflow."""
    return home() / "compiled"


def make_folder() -> None:
    """Make that folder, if it doesn't exist.

    Raises:
        OSError: when it can't be made.
    """
    make_home()
    folder().mkdir(mode=0o700, exist_ok=True)


def read(name: str) -> bytes | None:
    """An object file, or None when there is none, when it is damaged, or when others could have written it."""
    path = folder() / name
    try:
        if not _is_closed() or not is_ours(path):
            return None
        found = path.read_bytes()
    except OSError:
        return None
    return found[_SUM:] if hashlib.sha256(found[_SUM:]).digest() == found[:_SUM] else None


def write(name: str, data: bytes) -> bool:
    """Keep an object file, whole or not at all; False where the folder can't be written to."""
    with contextlib.suppress(OSError):
        make_folder()
        if not _is_closed():
            return False
        with replacing(folder() / name, mode=0o600) as file:
            file.write(hashlib.sha256(data).digest() + data)
        return True
    return False


def takes_files() -> bool:
    """Whether anything can be kept: the folder can be written to, and by nobody else."""
    with contextlib.suppress(OSError):
        make_folder()
        return _is_closed() and os.access(folder(), os.W_OK | os.X_OK)
    return False


def _is_closed() -> bool:
    """Whether nobody else can put something into the folder, or another one into its place."""
    return is_ours(folder().parent) and is_ours(folder())


def is_ours(path: Path) -> bool:
    """Whether a file or folder belongs to this user, and nobody else may write to it.

    Raises:
        OSError: when it doesn't exist.
    """
    if not hasattr(os, "geteuid"):  # Windows: a user's folders are closed to others
        return path.exists()
    told = path.lstat()
    return told.st_uid == os.geteuid() and not told.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not path.is_symlink()
