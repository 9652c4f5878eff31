"""Rows of special functions."""

from __future__ import annotations

import numpy as np

from tests.ops.gradient_rows import apart, case, inside, smooth

ROWS = [
    smooth("erf", case(apart(2, 4))),
    smooth("erfc", case(apart(2, 4))),
    smooth("erfinv", case(inside(2, 3))),
    smooth("i0", case(apart(2, 3)), case(np.zeros(1))),
    smooth(
        "bessel_i",
        *[case(apart(2, 3), order=n) for n in (0, 1, 3)],
        *[case(apart(2, 3), order=n, scaled=True) for n in (0, 1)],
        case(np.zeros(1), order=1),
        case(np.array([40.0])),
    ),
]
