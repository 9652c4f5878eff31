"""Adding rows at places, against `numpy.add.at`."""

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from eagerflow.kernels.reduce.scatter import add_at

DRAWS = {
    "uniform": lambda rng, length, n: rng.integers(-length, length, n),
    "skewed": lambda rng, length, n: np.minimum(rng.zipf(1.5, n) - 1, length - 1),
    "one place": lambda rng, length, n: np.full(n, length // 2),
}


@given(
    length=st.integers(1, 300),
    rows=st.integers(0, 200),
    width=st.integers(0, 12),
    before=st.integers(1, 3),
    draw=st.sampled_from(sorted(DRAWS)),
    dtype=st.sampled_from(["float32", "float64", "int64", "uint8"]),
    strided=st.booleans(),
)
@example(length=70_000, rows=500, width=32, before=1, draw="uniform", dtype="float32", strided=False)
@example(length=1, rows=1000, width=8, before=1, draw="uniform", dtype="float64", strided=True)
def test_adding_at_places_equals_numpys(length, rows, width, before, draw, dtype, strided):
    rng = np.random.default_rng([length, rows, width, before])
    places = DRAWS[draw](rng, length, rows)
    # Small whole numbers: then every order of the additions gives the same sums.
    g = rng.integers(0, 2 if dtype == "uint8" else 9, (before, rows, 2 * width if strided else width))
    g = g.astype(dtype)[..., ::2] if strided else g.astype(dtype)
    kept = g.copy()
    expected = np.zeros((before, length, width), dtype)
    np.add.at(expected, (slice(None), places), g)
    found = add_at((before, length, width), 1, places, g)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(g, kept)


def test_a_place_outside_is_refused():
    with pytest.raises(IndexError, match="an index from 0 to 3 into an axis of 3"):
        add_at((3, 9), 0, np.array([0, 3]), np.ones((2, 9)))
