"""Products of matrices inside of loops, by NumPy's own BLAS."""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import helper

__all__ = ["product"]


@helper
def product(weights: Any, given: Any, out: Any, parts: int, start: int, stop: int) -> None:
    """out = weights @ given in some columns, for (rows, inner) and (inner, columns); `out` may have more rows.

    The rows are multiplied in so many parts. Compiled it is a call of BLAS (`building.py`).
    """
    rows = len(weights) // parts
    for first in range(0, rows * parts, rows):
        some = slice(first, first + rows)
        out[some, start:stop] = np.dot(weights[some], given[:, start:stop])
