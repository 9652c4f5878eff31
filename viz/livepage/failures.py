"""What the page says of an exception: its type and message, the user's lines that led to it, and the op that failed."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

from eagerflow.core import observe
from viz.facts.formatting import clean
from viz.recorder.source_lines import is_internal

__all__ = ["Blame", "describe"]

LONGEST_MESSAGE, MOST_FRAMES = 4_000, 30
LONGEST_TRACEBACK = 5 * LONGEST_MESSAGE
_BLAMED = "_blamed_by_viz"
_RUNNERS = ("runpy.py", "<frozen runpy>")


class Blame:
    """Remembers which op raised an error, and in which layer, while it makes its way out.

    It notes that at the error itself: to hold the error would keep the arrays of all its frames alive, and its `id()`
    may be that of another one soon.
    """

    def op(self, op: Any, error: BaseException) -> None:
        """An op raised."""
        vars(error)[_BLAMED] = {"op": op.name}

    def scope(self, scope: observe.Scope, error: BaseException) -> None:
        """A scope is left by an error; the innermost layer is the one to name."""
        facts = vars(error).setdefault(_BLAMED, {})
        if scope.kind in ("layer", "model") and "layer" not in facts:
            facts["layer"] = str(getattr(scope.owner, "path", None) or scope.name)[:200]

    def of(self, error: BaseException) -> dict[str, Any]:
        """What is known of an error, or of the one that it came from."""
        cause: BaseException | None = error
        while cause is not None:
            if _BLAMED in vars(cause):
                found: dict[str, Any] = vars(cause)[_BLAMED]
                return found
            cause = cause.__cause__ or cause.__context__
        return {}


def describe(error: BaseException, blame: Blame, trail: TracebackType | None = None) -> dict[str, Any]:
    """An exception as plain data."""
    trail = error.__traceback__ if trail is None else trail
    files = traceback.extract_tb(trail)
    frames = [f for f in files if not (is_internal(f.filename) or f.filename.endswith(_RUNNERS))]
    shown = [[f.filename, f.lineno, f.name, (f.line or "").strip()[:300]] for f in frames[-MOST_FRAMES:]]
    lines = traceback.format_exception(type(error), error, trail)
    return {
        "type": type(error).__name__,
        "message": _message(error),
        "frames": shown,
        "left_out": max(0, len(frames) - MOST_FRAMES),
        "traceback": _writable("".join(lines)[-LONGEST_TRACEBACK:]),
        **{name: clean(value, 200) for name, value in blame.of(error).items()},
    }


def _message(error: BaseException) -> str:
    try:
        return _writable(str(error)[:LONGEST_MESSAGE])
    except Exception as second:  # noqa: BLE001  (the user's __str__ can raise anything)
        return f"(its message can't be read: {type(second).__name__})"


def _writable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
