r"""How a command ends: one exit status and one beginning of the message for each kind of end.

| status | means | its message begins with |
|---|---|---|
| 0 | done, and nothing to complain about | |
| 1 | done; something was found: a fault (`doctor`: an error), a difference, NaN, a ✗, a batch that doesn't fit | |
| 2 | not understood: an option, or a file that isn't there, can't be read or can't be written | `viz COMMAND: error:` |
| 3 | no answer: the script failed or never trained, or something that is needed isn't here | `viz COMMAND: failed:` |
| 70 | a fault of viz itself | `viz COMMAND: bug:` |
| 130 | ended by Ctrl-C | |
| 129, 143 | ended by SIGHUP, by SIGTERM | |
| 141 | nobody read its output any more, as where `head` is given it | |

`viz run` ends with the status of the script, which is 1 where that raised; with 2 and 3 where it can't run or write;
and with 3 where nothing was recorded though the script ended well, and wasn't asked for its own `--help`.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback

from viz.shell.signals import SIGHUP, SIGTERM, in_its_words, status_of
from viz.shell.terminal import paint

__all__ = [
    "BROKEN",
    "DONE",
    "FOUND",
    "IMPOSSIBLE",
    "INTERRUPTED",
    "MISUSED",
    "Impossible",
    "ended",
    "of_script",
    "shadowed",
    "told",
    "unanswered",
]

_TEMPORARY = re.compile(r"\.([^/\\]+)\.[0-9a-f]{12}\.tmp$")  # what a file is called until it is whole
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
DONE, FOUND, MISUSED, IMPOSSIBLE, BROKEN = 0, 1, 2, 3, 70
INTERRUPTED = {130: "Ctrl-C", SIGTERM.status: "SIGTERM", SIGHUP.status: "SIGHUP"}


def of_script(status: int) -> int:
    """How a command ends whose script failed.

    >>> of_script(1), of_script(130), of_script(143)
    (3, 130, 143)
    """
    return status if status in INTERRUPTED else IMPOSSIBLE


def ended(status: int) -> str:
    """How a script ended that failed, in words.

    >>> ended(130), ended(1), ended(7)
    ('Ctrl-C ended the script', 'the script failed', 'the script left with status 7')
    """
    if status in INTERRUPTED:
        return f"{INTERRUPTED[status]} ended the script"
    return "the script failed" if status == FOUND else f"the script left with status {status}"


class Impossible(Exception):
    """What was asked for is understood, and can't be done or answered here."""


def told(program: str, error: BaseException) -> int:
    """Say on stderr why a command ended, in one line where it isn't a fault of viz."""
    if isinstance(error, KeyboardInterrupt):
        status = status_of(in_its_words(error))
        is_seen = INTERRUPTED[status] == "Ctrl-C"  # as ^C, after which a line begins
        print("" if is_seen else f"{program}: ended by {INTERRUPTED[status]}", file=sys.stderr)
        return status
    status = _status(error)
    if isinstance(error, (ImportError, AttributeError)) and (reason := shadowed()):
        status, error = IMPOSSIBLE, ImportError(reason)
    kind = {MISUSED: "error:", IMPOSSIBLE: "failed:", BROKEN: "bug:"}[status]
    words = _said(error)
    if status == BROKEN:
        traceback.print_exception(error)
        words = f"{type(error).__name__}: {words}. This is a bug in viz; please report it with these lines"
    elif isinstance(error, MemoryError):
        words = "there isn't enough memory"
    print(f"{program}: {paint(kind, '1;31', sys.stderr)} {words}", file=sys.stderr)
    return status


def unanswered(program: str, why: str, status: int = DONE) -> int:
    """Say on stderr why there is no answer."""
    kind = "" if status in INTERRUPTED else f"{paint('failed:', '1;31', sys.stderr)} "
    print(f"{program}: {kind}{why}", file=sys.stderr)
    return of_script(status)


def shadowed() -> str:
    """What to do about a file of the user's that was imported in place of eagerflow; "" where there is none."""
    found = sys.modules.get("eagerflow")
    file = getattr(found, "__file__", None)
    if found is None or file is None or hasattr(found, "__path__"):
        return ""
    return (
        f"{file!r} is imported in place of the package eagerflow, as it lies in the folder from which Python imports "
        "first; rename it"
    )


def _said(error: BaseException) -> str:
    """What an error says; of one of the system's the file and the reason, without its number.

    >>> _said(FileExistsError(17, "File exists", "logs")), _said(OSError(28, "No space left on device"))
    ("'logs': file exists", 'cannot write: no space left on device')
    >>> _said(PermissionError(13, "Permission denied", "out/.a.html.0123456789ab.tmp"))
    "cannot write 'out/a.html': permission denied"
    """
    if isinstance(error, OSError) and error.strerror and str(error).startswith("[Errno"):
        reason = f"{error.strerror[0].lower()}{error.strerror[1:]}"
        if not isinstance(error.filename, (str, os.PathLike)):
            return f"cannot write: {reason}" if error.errno in _FULL else reason
        name, is_written = _TEMPORARY.subn(r"\1", os.fspath(error.filename))
        is_written = is_written or error.errno in _FULL
        return f"{'cannot write ' * bool(is_written)}{name!r}: {reason}"
    return str(error).strip() or type(error).__name__


def _status(error: BaseException) -> int:
    """By the kind of exception, most of which come from what Python users call, too."""
    if isinstance(error, (Impossible, ImportError, MemoryError)):
        return IMPOSSIBLE
    return MISUSED if isinstance(error, (ValueError, OSError)) else BROKEN
