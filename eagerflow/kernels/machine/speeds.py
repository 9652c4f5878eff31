"""How fast one thread of a processor is at what kernels are made of: this decides which algorithm computes.

The figures are derived from how wide the vectors are that the BLAS library and NumPy use, which is known at once: every
run, on every machine of a kind, then takes the same ways, and results have the same bits.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from eagerflow.kernels.machine.processor import blas_bits, numpy_bits

__all__ = ["FEW_CHANNELS", "Speeds", "speeds"]

_DIRECT_OF_PRODUCTS = 1.04  # a compiled convolution's multiply-adds, of those of BLAS
FEW_CHANNELS = 20  # with which Winograd's transforms run at half their speed


class Speeds(NamedTuple):
    """What one thread does in a microsecond, roughly, in the midst of a convolution.

    Attributes:
        products: multiply-adds of BLAS.
        few_columns: columns with which a product runs at half that speed, from 16 columns on.
        fewer_columns: the same below 16 columns.
        einsum: multiply-adds of einsum.
        passed: numbers that one pass of NumPy works on.
        exponentials: numbers of which the exponential function is taken.
        copied: numbers copied where they lie apart.
        gathered: numbers copied in long runs.
        short_run: numbers in a run that is copied at half that speed.
        transformed: numbers of tiles, in Winograd's algorithms.
        weights: numbers of weights transformed for them.
        call: not a speed: microseconds of some lines of Python and a call of NumPy.
        direct: multiply-adds of a compiled convolution.
    """

    products: float
    few_columns: float
    fewer_columns: float
    einsum: float
    passed: float
    exponentials: float
    copied: float
    gathered: float
    short_run: float
    transformed: float
    weights: float
    call: float
    direct: float


# Fitted to the times of convolutions by all their algorithms on an Intel Xeon of family 6, model 167, as it is and held
# to AVX2; of 128 bits measured there, held to SSE4.2. NumPy 2.4, OpenBLAS 0.3.31.
_BY_BITS = {
    512: {"products": 56_000, "few_columns": 8, "fewer_columns": 11, "transformed": 2_800, "weights": 1_550},
    256: {"products": 45_000, "few_columns": 8, "fewer_columns": 12, "transformed": 1_330, "weights": 1_350},
    128: {"products": 12_000, "few_columns": 3, "fewer_columns": 5, "transformed": 900, "weights": 640},
}
_EXPONENTIALS = {512: 2_600.0, 256: 1_350.0, 128: 600.0}
_ANY = {"einsum": 7_500.0, "passed": 5_200.0, "copied": 2_300.0, "gathered": 14_500.0, "short_run": 36.0, "call": 1.9}


@cache
def speeds() -> Speeds:
    """Those of this processor, from the width of its vectors.

    >>> speeds().products > speeds().copied
    True
    """
    of_blas = _BY_BITS[blas_bits()]
    direct = _DIRECT_OF_PRODUCTS * of_blas["products"]
    return Speeds(**of_blas, **_ANY, exponentials=_EXPONENTIALS[numpy_bits()], direct=direct)
