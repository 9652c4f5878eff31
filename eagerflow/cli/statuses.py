"""How a command of eagerflow ends that didn't do what was asked: one line, and the status that viz has for the same."""

from __future__ import annotations

import errno
import os
import sys

from eagerflow.cli.parser import painted
from eagerflow.cli.streams import program

__all__ = ["CANNOT", "MISUSED", "ended", "failed"]

MISUSED = 2  # not understood, or a file that isn't there, can't be read or can't be written
CANNOT = 3  # something that is needed isn't installed
_INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def failed(command: str, why: str, status: int = MISUSED) -> int:
    """Say on stderr what is wrong.

    Returns:
        The status.
    """
    kind = "failed:" if status == CANNOT else "error:"
    print(f"{' '.join([program(), command]).strip()}: {painted(kind)} {why}", file=sys.stderr)
    return status


def ended(command: str, error: BaseException) -> int:
    """Say on stderr which error of the system ended a command; of Ctrl-C nothing need be said.

    Returns:
        The exit status.
    """
    if isinstance(error, KeyboardInterrupt):
        print(file=sys.stderr)  # behind the ^C
        return _INTERRUPTED
    return failed(command, _said(error))


def _said(error: BaseException) -> str:
    """What an error says, one of the system's without its number.

    >>> _said(OSError(28, "No space left on device")), _said(PermissionError(13, "Permission denied", "runs"))
    ('cannot write: no space left on device', "'runs': permission denied")
    """
    if not isinstance(error, OSError) or not error.strerror or not str(error).startswith("[Errno"):
        return str(error)
    reason = f"{error.strerror[0].lower()}{error.strerror[1:]}"
    name = f" {os.fspath(error.filename)!r}" if isinstance(error.filename, (str, os.PathLike)) else ""
    return f"{'cannot write' if error.errno in _FULL else ''}{name}: {reason}".strip()
