"""Numbers too small to be normal (below 1.2e-38 in float32) count as zero within gradients and updates.

Intel's processors take a hundred times as long for an instruction that meets such a number, and gradients that vanish
are full of them: those of a GRU over 200 words took five times as long. Moments of Adam end there too, where a weight
has no gradient any more, and stay. TensorFlow and JAX compute like this as well; PyTorch does when it is asked to.

It is a setting of each thread. It is changed where a gradient or an update begins and put back where it ends,
so that nobody else's numbers are touched; the kernels' threads do as the thread that they work for. On x86-64 with
glibc, unless the environment says `EAGERFLOW_SUBNORMALS=1`; other processors are as fast with these numbers.

Source: fegetmode(3); Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 10.2.3 (MXCSR).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import sys
import threading
from functools import cache
from types import TracebackType
from typing import Any

__all__ = ["WITHOUT_SUBNORMALS", "mode_functions", "without_subnormals"]

# Bits of MXCSR, "flush to zero" for results and "denormals are zeros" for what is taken; it is a mode's upper half.
WITHOUT_SUBNORMALS = (0x8000 | 0x0040) << 32


@cache
def mode_functions() -> tuple[Any, Any] | None:
    """What reads and writes a thread's mode; None where there is no such thing, or it isn't wanted."""
    if os.environ.get("EAGERFLOW_SUBNORMALS", "0") == "1" or not sys.platform.startswith("linux"):
        return None
    if platform.machine() != "x86_64":
        return None
    with contextlib.suppress(OSError, AttributeError):  # musl, and glibc before 2.25, don't have them
        library = ctypes.PyDLL("libm.so.6")  # the interpreter's lock is kept: each takes a fifth of a microsecond
        return library.fegetmode, library.fesetmode
    return None


class _Mine(threading.local):
    """What a thread has.

    Attributes:
        depth: how many scopes it is in.
        before: its mode in front of the first one, as glibc lays it out.
        within: the mode of scopes.
        places: where both are.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.before, self.within = ctypes.c_uint64(), ctypes.c_uint64()
        self.places = ctypes.byref(self.before), ctypes.byref(self.within)


class _WithoutSubnormals:
    """`with without_subnormals:` such numbers are zero in this thread; afterwards as before.

    Entered any number of times: a microsecond, and less in a scope within another one.
    """

    def __init__(self) -> None:
        self.mine = _Mine()
        self.calls: tuple[Any, Any] | None = None
        self.looked_up = False

    def __enter__(self) -> None:
        mine = self.mine
        mine.depth += 1
        if mine.depth > 1:
            return
        if not self.looked_up:
            self.calls, self.looked_up = mode_functions(), True
        if self.calls is not None:
            read, write = self.calls
            before, within = mine.places
            read(before)
            mine.within.value = mine.before.value | WITHOUT_SUBNORMALS
            write(within)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mine = self.mine
        mine.depth -= 1
        if not mine.depth and self.calls is not None:
            self.calls[1](mine.places[0])

    def begin_thread(self) -> None:
        """Let this thread keep such numbers: it may have been started in a scope of another one, and have its mode."""
        with self:
            self.mine.before.value &= ~WITHOUT_SUBNORMALS

    @property
    def entered(self) -> bool:
        """Whether this thread is in a scope."""
        return self.mine.depth > 0


without_subnormals = _WithoutSubnormals()
