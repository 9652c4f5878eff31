"""How fast one thread of this processor is at what kernels are made of: this decides which algorithm computes.

`python -m eagerflow measure` measures it, and keeps the figures for this user's programs. Else they are derived
from how wide the vectors are that the BLAS library and NumPy use, which is known at once: every run, on every machine
of a kind, then takes the same ways, and results have the same bits. Figures measured on another processor, or with
other versions of the libraries, aren't used.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

from eagerflow.base.config import home
from eagerflow.base.files import make_home, replacing
from eagerflow.kernels.machine.processor import blas_bits, numpy_bits, processor

__all__ = ["DIRECT_OF_PRODUCTS", "FEW_CHANNELS", "Speeds", "derived", "forget", "keep", "kept", "path", "speeds"]

DIRECT_OF_PRODUCTS = 1.04  # a compiled convolution's multiply-adds, of those of BLAS
FEW_CHANNELS = 20  # with which Winograd's transforms run at half their speed
_CREDIBLE = 40.0  # times as fast or as slow as what is derived: a file that says more is damaged


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


def derived() -> Speeds:
    """From the width of vectors."""
    of_blas = _BY_BITS[blas_bits()]
    direct = DIRECT_OF_PRODUCTS * of_blas["products"]
    return Speeds(**of_blas, **_ANY, exponentials=_EXPONENTIALS[numpy_bits()], direct=direct)


@cache
def speeds() -> Speeds:
    """Those measured on this processor, where `python -m eagerflow measure` was run, or derived ones.

    >>> speeds().products > speeds().copied
    True
    """
    return kept() or derived()


def forget() -> None:
    """Look them up again."""
    speeds.cache_clear()


def path() -> Path:
    """Where they are kept for this processor."""
    return home() / f"speeds-{hashlib.sha256(processor().encode()).hexdigest()[:16]}.json"


def kept() -> Speeds | None:
    """Those that were measured here; None where there are none, or what is there makes no sense, which is said."""
    try:
        text = path().read_text(encoding="utf-8")
    except OSError:
        return None
    try:
        told = json.loads(text)["speeds"]
        found = Speeds(**{name: float(told[name]) for name in Speeds._fields})
    except (ValueError, TypeError, KeyError):
        found = None
    if found is None or not all(_is_credible(*pair) for pair in zip(found, derived())):
        warnings.warn(
            f"eagerflow: {path()} has no credible speeds, and isn't used. Fix: python -m eagerflow measure",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    return found


def keep(found: Speeds) -> Path:
    """Write them to the file that programs of this user read, and use them.

    Raises:
        OSError: where it can't be written.
    """
    make_home()
    with replacing(path()) as file:
        told = {"processor": processor(), "speeds": {name: round(value, 3) for name, value in found._asdict().items()}}
        file.write((json.dumps(told, indent=1) + "\n").encode())
    forget()
    return path()


def _is_credible(found: float, usual: float) -> bool:
    return math.isfinite(found) and usual / _CREDIBLE <= found <= usual * _CREDIBLE
