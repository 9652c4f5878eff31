"""What the speeds of this processor depend on."""

from __future__ import annotations

import contextlib
import os
from functools import cache

import numpy

from eagerflow.kernels.machine.blas import blas_core

__all__ = ["blas_bits", "numpy_bits", "second_cache"]

_CORES = {512: ("skylakex", "cooperlake", "sapphirerapids"), 256: ("haswell", "zen", "excavator")}
_SECOND_CACHE = 1 << 20


def blas_bits() -> int:
    """How wide the vectors of the BLAS library's kernels are: 512, 256 or 128 bits."""
    core = blas_core().lower()
    return next((bits for bits, cores in _CORES.items() if core in cores), 128 if core else numpy_bits())


@cache
def numpy_bits() -> int:
    """How wide those of NumPy's exponential function are."""
    told = numpy.lib.introspect.opt_func_info(func_name="^exp$", signature="float32")
    current = " ".join(one["current"] for found in told.values() for one in found.values())
    return 512 if "V4" in current or "AVX512" in current else 256 if "V3" in current or "AVX2" in current else 128


@cache
def second_cache() -> int:
    """Bytes of a core's second cache; a megabyte where the system doesn't tell.

    >>> second_cache() > 0
    True
    """
    with contextlib.suppress(AttributeError, ValueError, OSError):  # Windows has no such function, macOS no such name
        told = os.sysconf("SC_LEVEL2_CACHE_SIZE")
        return told if told > 0 else _SECOND_CACHE
    return _SECOND_CACHE
