"""What eagerflow keeps of the CuPy that it met, for as long as the stand-in is in its place."""

from __future__ import annotations

import contextlib
import sys

from eagerflow.core.device import kernels_take, namespaces
from eagerflow.kernels.gpu import products
from tests.stand_in.array import ndarray
from tests.stand_in.kernels import memory
from tests.stand_in.kernels.blas import gemm

__all__ = ["taken"]


@contextlib.contextmanager
def taken(kernels):
    """Kernels take the stand-in's arrays, if it has kernels; afterwards eagerflow forgets it again."""
    before = kernels_take["gpu"], products.gemm, memory.zones[0]
    known = dict(namespaces)
    namespaces.pop(ndarray, None)  # the same type for both kinds of stand-in, one of which may be in the other's place
    memory.zones[0] = kernels
    _forget()
    if kernels:
        products.gemm = gemm
    try:
        yield
    finally:
        kernels_take["gpu"], products.gemm, memory.zones[0] = before
        namespaces.clear()
        namespaces.update(known)
        _forget()


def _forget():
    """Kernels of another CuPy, which files keep."""
    memory.forget()
    for name in [n for n in sys.modules if n.startswith("eagerflow.kernels.gpu.") or n.endswith(".updates.fused")]:
        for value in list(vars(sys.modules[name]).values()):
            if hasattr(value, "cache_clear") and value.__module__ == name:
                value.cache_clear()
