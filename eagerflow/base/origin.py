"""Where in the user's code something was made."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["creation_site"]

_OURS = (str(Path(__file__).parents[1]), "<eagerflow")  # the latter: wrappers of ops, generated


def creation_site() -> tuple[str, int]:
    """File and line of the nearest caller outside this package."""
    frame = sys._getframe(2)
    while frame.f_code.co_filename.startswith(_OURS) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
