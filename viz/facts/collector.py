"""Python's garbage collector, at rest while a large record is made.

It looks at all objects again and again while their number grows, which takes half of the time of reading a recording,
and finds nothing: a record holds no circles.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

__all__ = ["collector_at_rest"]


@contextlib.contextmanager
def collector_at_rest() -> Iterator[None]:
    """Nothing is collected meanwhile, in any thread; a collector that is off stays off."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
