"""How many threads the BLAS library behind NumPy's products uses, and one of them while our kernels run.

Our kernels share their blocks among threads of their own (`threads.py`); each block's products then run on one
thread. That is faster than threads below threads, and the sums come out the same for any number of threads.
"""

from __future__ import annotations

import ctypes
import glob
import itertools
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TypeAlias

import numpy

__all__ = ["blas_core", "blas_threads", "one_blas_thread", "routine_address", "set_blas_threads"]

# OpenBLAS' functions have a prefix and a suffix in NumPy's wheels, which differ by version and width of integers.
_PREFIXES, _SUFFIXES = ("scipy_openblas_", "openblas_"), ("64_", "_64_", "64", "_", "")
_FOLDERS = ("../numpy.libs", ".libs", ".dylibs")  # where wheels keep it on Linux, Windows and macOS

Reader: TypeAlias = Callable[[], int]
Writer: TypeAlias = Callable[[int], object]


def _bundled() -> ctypes.PyDLL | None:
    """The OpenBLAS that NumPy's wheel brought and has loaded. Called without giving up the GIL: calls are short."""
    here = os.path.dirname(numpy.__file__)
    for folder in _FOLDERS:
        for path in glob.glob(os.path.join(glob.escape(here), folder, "*openblas*")):
            try:
                return ctypes.PyDLL(path)
            except OSError:
                continue
    return None


def _named(library: ctypes.PyDLL, name: str) -> Callable[..., int] | None:
    for prefix, suffix in itertools.product(_PREFIXES, _SUFFIXES):
        if hasattr(library, prefix + name + suffix):
            return getattr(library, prefix + name + suffix)
    return None


def routine_address(name: str) -> int | None:
    """Where a routine of BLAS (`sgemm`, say) lies in memory, for C and integers of 64 bits; None if unknown."""
    function = getattr(_bundled(), f"scipy_cblas_{name}64_", None)
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value


def _found() -> tuple[Reader, Writer]:
    """How to read and set the number of threads."""
    library = _bundled()
    if library is not None:
        read, write = _named(library, "get_num_threads"), _named(library, "set_num_threads")
        if read is not None and write is not None:
            return read, write
    return _through_threadpoolctl()


def _through_threadpoolctl() -> tuple[Reader, Writer]:
    """For a NumPy that has its BLAS from elsewhere (conda, a distribution, MKL)."""
    from threadpoolctl import ThreadpoolController

    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    if not libraries:  # none whose threads can be set, such as Apple's Accelerate
        return (lambda: 1), (lambda count: None)

    def write(count: int) -> None:
        for library in libraries:
            library.set_num_threads(count)

    return (lambda: int(libraries[0].get_num_threads() or 1)), write


class _OneThread:
    """`with one_blas_thread:` products on one thread; afterwards as before. Entered any number of times at once.

    The setting belongs to the process: products that other threads of the program run meanwhile are on one thread
    too. A microsecond or two.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.depth = 0  # how many are inside
        self.before = 1
        self.calls: tuple[Reader, Writer] | None = None

    def __enter__(self) -> None:
        with self.lock:
            if not self.depth:
                read, write = self.calls or self.find()
                self.before = read()
                if self.before > 1:
                    write(1)
            self.depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.lock:
            self.depth -= 1
            if not self.depth and self.before > 1 and self.calls is not None:
                self.calls[1](self.before)

    def set(self, count: int) -> None:
        """Let products use this number of threads outside of the block."""
        with self.lock:
            self.before = count
            if not self.depth:
                self.find()[1](count)

    def find(self) -> tuple[Reader, Writer]:
        """Look the library up, once."""
        if self.calls is None:
            self.calls = _found()
        return self.calls

    def forget(self) -> None:
        """In the child of a fork: threads that were inside are not here to come out."""
        self.lock = threading.Lock()
        if self.depth and self.before > 1 and self.calls is not None:
            self.calls[1](self.before)
        self.depth = 0


one_blas_thread = _OneThread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=one_blas_thread.forget)


def blas_threads() -> int:
    """How many threads products use outside of our kernels."""
    if one_blas_thread.depth:
        return one_blas_thread.before
    return int(one_blas_thread.find()[0]())


def set_blas_threads(count: int) -> None:
    """Let products use this number of threads outside of our kernels."""
    one_blas_thread.set(count)


def blas_core() -> str:
    """Which kind of processor OpenBLAS has chosen its kernels for, such as `SkylakeX`; empty with another BLAS."""
    library = _bundled()
    name = None if library is None else _named(library, "get_corename")
    if name is None:
        return ""
    name.restype = ctypes.c_char_p  # type: ignore[attr-defined]
    return name().decode()  # type: ignore[attr-defined]
