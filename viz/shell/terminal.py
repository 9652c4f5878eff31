"""What commands write to: colours where they are wanted, and a script's output out of the way."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from viz.facts.lines.room import visible

__all__ = ["any_encoding", "any_streams", "output_to_stderr", "paint", "without_controls"]

_COLOUR = re.compile("(\x1b\\[[0-7;]{1,5}m)")


@contextlib.contextmanager
def any_streams() -> Iterator[None]:
    """Meanwhile there are standard streams, also where the caller has closed them: what is printed goes nowhere."""
    with contextlib.ExitStack() as stack:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:
                setattr(sys, name, stack.enter_context(open(os.devnull, "w", encoding="utf-8")))
                stack.callback(setattr, sys, name, None)
        yield


def any_encoding() -> contextlib.AbstractContextManager[None]:
    """Meanwhile signs that the output's encoding lacks are printed as plain ones; see `eagerflow.base.output`.

    Where the output is UTF-8, as nearly everywhere, nothing of eagerflow is loaded for it.
    """
    known = {str(getattr(stream, "encoding", None) or "utf-8").lower() for stream in (sys.stdout, sys.stderr)}
    if known <= {"utf-8", "utf8"}:
        return contextlib.nullcontext()
    try:
        found: contextlib.AbstractContextManager[None] = import_module("eagerflow.cli.streams").any_encoding()
    except ImportError:  # a file of the user's stands in the way of eagerflow, which the command then tells
        return contextlib.nullcontext()
    return found


@contextlib.contextmanager
def without_controls() -> Iterator[None]:
    """Meanwhile control characters are printed as text: names in a stranger's file can't steer the terminal."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Visible(before[0]), _Visible(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Visible:
    """A stream whose control characters are text, but for line ends and, where colours are wanted, those of `paint`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        if _has_colours(self._stream):
            return int(
                self._stream.write("".join([t if _COLOUR.fullmatch(t) else visible(t) for t in _COLOUR.split(text)]))
            )
        return int(self._stream.write(visible(text)))


def paint(words: str, code: str, stream: Any = None) -> str:
    """`words` in colour, where there is a terminal and nobody has asked for none (see no-color.org)."""
    stream = sys.stdout if stream is None else stream
    return f"\x1b[{code}m{words}\x1b[0m" if _has_colours(stream) else words


def _has_colours(stream: Any) -> bool:
    wanted = os.environ.get("FORCE_COLOR") or (stream.isatty() and os.environ.get("TERM") != "dumb")
    return bool(wanted and not os.environ.get("NO_COLOR"))


@contextlib.contextmanager
def output_to_stderr(wanted: bool = True) -> Iterator[None]:
    """What the script and its children print goes to stderr, where that is wanted: only findings are on stdout."""
    if not wanted:
        yield
        return
    sys.stdout.flush()
    try:
        real = sys.stdout.fileno()
        kept = os.dup(real) if real == 1 else -1
    except (OSError, ValueError, AttributeError):  # no file, but something in memory
        kept = -1
    if kept >= 0:
        os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        if kept >= 0:
            os.dup2(kept, 1)
            os.close(kept)
