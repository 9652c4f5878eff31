"""Which code is the user's, and what messages say of it."""

from __future__ import annotations

import functools
import os
import sysconfig
from types import FrameType
from typing import Any

import numpy

from eagerflow.base.tracebacks import is_ours

__all__ = ["called", "is_users", "line_of_user"]

_LIBRARIES = tuple(
    os.path.abspath(path) + os.sep
    for path in (sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"], os.path.dirname(numpy.__file__))
)
_KNOWN_AS = {"_apply_sums": "apply"}


@functools.cache
def is_users(file: str) -> bool:
    """Whether a file is the user's: not eagerflow's, an installed package's or the standard library's."""
    return not is_ours(file) and not file.startswith((*_LIBRARIES, "<eagerflow", "<frozen", "<__array_function__"))


def line_of_user(frame: FrameType | None) -> tuple[str, int] | None:
    """File and line of the innermost frame of the user's code."""
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def called(function: Any) -> str:
    """What messages call a function: one with a private name by what it belongs to."""
    *around, name = str(getattr(function, "__qualname__", function)).split(".")
    if name.startswith("_") and not name.startswith("__") and (around or name in _KNOWN_AS):
        name = _KNOWN_AS.get(name, "")
    return ".".join([*around, name]).strip(".")
