"""How many processors this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

__all__ = ["usable_cpus"]

_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of the container this process is in, on Linux


def usable_cpus() -> int:
    """Those that the process may be scheduled on, or as many as its container's share of time amounts to."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    found = len(os.sched_getaffinity(0))
    return max(1, math.ceil(min(found, _share())))


def _share() -> float:
    """How many processors' time the container gets: `quota period`, in microseconds, or `max period`."""
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return math.inf
    return math.inf if quota == "max" else int(quota) / int(period)
