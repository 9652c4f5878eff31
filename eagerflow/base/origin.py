"""Where in the user's code something was made."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["creation_site"]

_DEMO = str(Path(__file__).parents[1] / "demo.py")  # comes with the package, and stands for a user's script

_OURS = (str(Path(__file__).parents[1]), "<eagerflow")  # the latter: wrappers of ops, generated


def creation_site() -> tuple[str, int]:
    """File and line of the nearest caller outside this package, or in its demo."""
    frame = sys._getframe(2)
    file = frame.f_code.co_filename
    while file.startswith(_OURS) and file != _DEMO and frame.f_back is not None:
        frame = frame.f_back
        file = frame.f_code.co_filename
    return file, frame.f_lineno
