"""Rows of statistics, quantiles, reductions without NaN, Fourier transforms, and patterns of axes."""

from __future__ import annotations

import numpy as np

from eagerflow import ops
from eagerflow.core.primitive import registry
from tests.ops.gradient_rows import apart, case, normal, other, positive, raises, smooth, zero
from tests.ops.gradient_rows.complexes import complex_case

HOLE = np.array([[0.0, np.nan, 0.0], [0.0, 0.0, 0.0]])


def with_hole(name):
    """The op on a tensor one element of which is NaN."""
    call = getattr(ops, name)
    return smooth(
        name,
        case(apart(2, 3)),
        case(apart(2, 3), call=lambda x: call(x + ops.cast(HOLE, x.dtype), axis=1)),
        case(apart(2, 3), axis=0),
    )


def transform(name):
    return smooth(name, case(normal(2, 3), other(2, 3), call=lambda x, y: getattr(ops, name)((x, y))))


ROWS = [
    *[
        with_hole(f"nan{name}")
        for name in ("sum", "prod", "mean", "var", "std", "max", "min", "cumsum", "cumprod", "median")
    ],
    zero("nanargmax", case(apart(2, 3))),
    zero("nanargmin", case(apart(2, 3))),
    *[
        smooth(
            name,
            case(apart(5), q=0.3 * scale),
            case(apart(2, 3), q=[0.1 * scale, 0.6 * scale], axis=1),
            *[case(apart(5), q=0.3 * scale, method=m) for m in ("lower", "higher", "midpoint", "nearest")],
        )
        for name, scale in (("quantile", 1), ("nanquantile", 1), ("percentile", 100), ("nanpercentile", 100))
    ],
    smooth("median", case(apart(5)), case(apart(2, 4), axis=-1, keepdims=True)),
    smooth("corrcoef", case(normal(2, 4))),
    smooth(
        "correlate", *[case(normal(4), other(3), mode=m) for m in ("valid", "same", "full")], case(normal(2), other(3))
    ),
    smooth("cdist", case(normal(2, 2), other(3, 2)), case(normal(2, 2), call=lambda x: ops.cdist(x, x))),
    smooth("bincount", case(positive(3), call=lambda w: ops.bincount([0, 2, 0], w))),
    zero("histogram", case(normal(4))),
    zero("binned", case(normal(4), bins=3)),
    zero("occurrences", case(call=lambda: registry["occurrences"].call(np.array([[0, 2, 2]]), 3))),
    zero("isclose", case(normal(3), other(3))),
    zero("allclose", case(normal(3), other(3))),
    zero("isin", case(normal(3), other(3))),
    zero("unique", case(normal(3)), case(normal(3), call=lambda x: registry["unique"].call(x)[0])),
    zero("unravel_index", case(call=lambda: ops.unravel_index([1, 2], (2, 2)))),
    *[
        zero(name, case(call=lambda name=name: getattr(ops, name)(4)))
        for name in ("bartlett", "blackman", "hamming", "hanning")
    ],
    zero("kaiser", case(call=lambda: ops.kaiser(4, 2.0))),
    # Fourier transforms
    smooth("fourier", complex_case(lambda z: registry["fourier"].call(z), normal(2, 3, 2))),
    *[transform(name) for name in ("fft", "fft2", "ifft2", "irfft")],
    smooth("rfft", case(normal(2, 4)), case(normal(4), fft_length=3)),
    smooth("stft", case(normal(8), sequence_length=3, sequence_stride=2, fft_length=4)),
    smooth("istft", case(normal(3, 3), other(3, 3), call=lambda x, y: ops.istft((x, y), 4, 2, 4))),
    smooth("extract_sequences", case(normal(5), sequence_length=3, sequence_stride=1)),
    smooth("rearrange", case(normal(2, 6), call=lambda x: ops.rearrange(x, "a (b c) -> c (a b)", b=2))),
    raises("view", "same bits", case(normal(4), dtype="complex128")),
    raises("reinterpret", "same bits", case(normal(4), dtype="complex128")),
]
