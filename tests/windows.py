"""Windows of any size over one to three axes, for tests of pooling."""

from __future__ import annotations

from hypothesis import strategies as st

from eagerflow.ops.windows.geometry import window_geometry


@st.composite
def any_windows(draw, most):
    """Windows of up to `most` elements along an axis, that lie up to `most` apart."""
    rank = draw(st.integers(1, 3))
    per_axis = lambda low, high: tuple([draw(st.integers(low, high)) for _ in range(rank)])  # noqa: E731
    sizes, strides = per_axis(1, most), per_axis(1, most)
    lengths = tuple([k + draw(st.integers(0, 8)) for k in sizes])
    return window_geometry(lengths, sizes, strides, draw(st.sampled_from(["valid", "same"])))
