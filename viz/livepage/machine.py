"""What the program uses of the machine."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

__all__ = ["memory"]

_STATM = "/proc/self/statm"


def memory() -> int | None:
    """Bytes of memory that this process holds; where only the peak can be had, that; None where neither can."""
    if os.path.exists(_STATM):
        with open(_STATM, encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    resource: Any = importlib.import_module("resource") if os.name == "posix" else None
    if resource is None:
        return None
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024
