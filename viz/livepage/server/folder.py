"""The folder in which pages leave things for later ones. Nobody but their user can read it."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile

__all__ = ["folder", "remove"]


def folder() -> str | None:
    """The folder, below that of temporary files; None where there can't be one that is this user's alone."""
    user = os.getuid() if hasattr(os, "getuid") else ""
    path = os.path.join(tempfile.gettempdir(), f"viz-live-{user}")
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        found = os.lstat(path)
    except OSError:
        return None
    is_mine = not hasattr(os, "getuid") or (found.st_uid == user and not found.st_mode & 0o077)
    return path if stat.S_ISDIR(found.st_mode) and is_mine else None


def remove(path: str) -> None:
    """Remove a file, if nobody has done so before."""
    with contextlib.suppress(OSError):
        os.remove(path)
