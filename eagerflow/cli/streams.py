"""The streams of commands, of any encoding, also where nobody reads them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from eagerflow.base.output import PLAIN_SIGNS

__all__ = ["any_encoding", "program", "reader_gone"]

_CLOSED_PIPE = 128 + 13  # as shells tell of a process that SIGPIPE has ended


def program() -> str:
    """How the user called `python -m eagerflow`, which is installed as a command, too."""
    return "eagerflow" if Path(sys.argv[0]).stem == "eagerflow" else "python -m eagerflow"


def reader_gone() -> int:
    """The exit status of a command whose output nobody reads any more, as of `viz top a.efz | head`.

    It is that of programs which a closed pipe ends, so that `set -o pipefail` notices that the command was cut short.
    What is still to be written goes nowhere.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _CLOSED_PIPE


@contextlib.contextmanager
def any_encoding() -> Iterator[None]:
    """For command lines: whatever is printed meanwhile, by the user's script too, is written as `write` does."""
    changed = []
    for stream in (sys.stdout, sys.stderr):
        errors = getattr(stream, "errors", None)  # of streams in memory there may be none
        if errors in ("strict", "surrogateescape") and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=PLAIN_SIGNS)
            changed.append((stream, errors))
    try:
        yield
    finally:
        for stream, errors in changed:
            with contextlib.suppress(ValueError):  # the script may have closed it
                stream.reconfigure(errors=errors)
