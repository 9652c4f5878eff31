"""Rows of special functions."""

from __future__ import annotations

import numpy as np

from eagerflow.ops.elementwise import gamma  # registers its ops
from tests.ops.gradient_rows import apart, case, inside, positive, smooth

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
    smooth("lgamma", case(apart(2, 3)), case(np.array([0.1, 3.3, 12.5]))),
    smooth("digamma", case(apart(2, 3)), case(np.array([0.4, 3.3, 12.5]))),
    smooth("polygamma", case(apart(4), n=1), case(positive(3), n=np.array([0, 2, 4]))),
    smooth("zeta", case(positive(3), call=lambda q: gamma.zeta([2.0, 3.5, 9.0], q))),
]
