"""A strided convolution's gradient, put together from its phases, is the gradient."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st

from eagerflow.kernels.convolution.phases import phases
from eagerflow.ops.windows import convolution as plain_convolution
from eagerflow.ops.windows.geometry import window_geometry

PADDINGS = st.sampled_from(["valid", "same", "causal"])


@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 2), st.integers(0, 9), PADDINGS)
@settings(max_examples=300)
def test_phases_make_up_the_gradient(size, stride, dilation, extra, padding):
    """Every element of the input belongs to one phase, and gets what the kernel's elements give it."""
    length = (size - 1) * dilation + 1 + extra
    geometry = window_geometry((length,), (size,), stride, padding, dilation)
    parts = phases(geometry)
    if stride > 1 and dilation > 1:
        assert parts is None
        return
    assert parts is not None
    g = np.arange(1.0, geometry.outputs[0] + 1).reshape(1, -1, 1)
    kernel = np.array([10.0**i for i in range(size)]).reshape(size, 1, 1)
    found, seen = np.zeros((1, length, 1)), np.zeros(length, int)
    for part in parts:
        seen[part.targets[0]] += 1
        if part.geometry is not None:
            given = g[(slice(None), *part.given)]
            assert given.shape[1:-1] == part.geometry.lengths
            found[(slice(None), *part.targets)] = plain_convolution.forward(np, given, kernel[part.taps], part.geometry)
    assert (seen == 1).all()
    np.testing.assert_allclose(found, plain_convolution.input_gradient(np, g, kernel, geometry))
