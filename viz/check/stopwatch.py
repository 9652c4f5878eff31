"""How long something takes, whatever else the machine is doing."""

from __future__ import annotations

import os
import time

__all__ = ["PATIENCE", "Stopwatch"]

PATIENCE = 10.0
"""So many times longer may something take by the clock than it computes, before that counts, too."""


class Stopwatch:
    """Counts the seconds that this program computes: on a busy machine the same as on an idle one.

    What waits, for a download or a file, counts a tenth.

    >>> Stopwatch().seconds < 60
    True
    """

    def __init__(self) -> None:
        self._began = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float]:
        of_all = time.process_time() / (os.cpu_count() or 1)
        return time.thread_time(), of_all, time.perf_counter() / PATIENCE

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return max(now - began for now, began in zip(self._now(), self._began))
