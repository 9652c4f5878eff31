"""Compiled maxima compared with the plain ones: any windows over one to three axes, ties, NaN and infinities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import eagerflow as ef
from eagerflow.base import variants
from eagerflow.compiled import choice, maximum as loops
from eagerflow.kernels.machine import costs
from eagerflow.ops.windows.geometry import window_geometry
from tests.compiled.comparing import both, close, numbers
from tests.windows import any_windows

pytestmark = pytest.mark.slow  # kernels are compiled: half a second each


def usual_windows(test):
    """The same test on windows that loops have shortcuts for, and on those that leave gaps."""
    for lengths, sizes, strides, padding in (
        ((9, 12), 2, 2, "valid"),
        ((9, 13), 2, 2, "same"),
        ((9, 12), 3, 2, "same"),
        ((9, 12), 3, 1, "same"),
        ((9, 12), 2, 3, "valid"),
        ((8, 6, 6), 2, 2, "valid"),
        ((40,), 30, 1, "same"),
    ):
        test = example(window_geometry(lengths, (sizes,) * len(lengths), strides, padding), 2, 20, "float32")(test)
    return test


def with_ties(*shape, dtype):
    """Few different numbers, and some that are none."""
    x = np.round(numbers(*shape, dtype=dtype), 1)
    flat = x.reshape(-1)
    flat[3::97], flat[5::101], flat[7::103], flat[8::107] = np.nan, np.inf, -np.inf, -0.0
    x[0, ..., 0] = -np.inf  # all of an image
    return x


def on_threads(name, file, *given):
    """The same result from one thread and from three, which cut the work into small pieces."""
    before, found = ef.get_num_threads(), []
    for threads, piece in ((1, loops.LARGE), (3, 500)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(costs.Threads, "LEAST", 0.0)
            patch.setattr(loops, "LARGE", piece)
            ef.set_num_threads(threads)
            try:
                found.append(both(file, name, *given))
            finally:
                ef.set_num_threads(before)
    (alone, wanted), (shared, _) = found
    for one, other in zip(*[made if isinstance(made, tuple) else (made,) for made in (alone, shared)]):
        np.testing.assert_array_equal(one, other)
    return alone, wanted


@given(any_windows(4), st.integers(1, 3), st.integers(6, 70), st.sampled_from(["float32", "float64"]))
@settings(max_examples=80, deadline=None)
@usual_windows
def test_maxima_are_those_of_the_plain_kernel(geometry, batch, channels, dtype):
    x = with_ties(batch, *geometry.lengths, channels, dtype=dtype)
    (out, which), (plain_out, plain_which) = on_threads("maximum", "maximum", x, geometry, True)
    np.testing.assert_array_equal(out, plain_out)
    np.testing.assert_array_equal(which, plain_which)
    if geometry.taps <= 4 * sum(geometry.sizes):
        (only, nothing), _ = both("maximum", "maximum", x, geometry, False)
        np.testing.assert_array_equal(only, plain_out)
        assert nothing is None


@given(any_windows(4), st.integers(1, 3), st.integers(6, 70), st.sampled_from(["float32", "float64"]))
@settings(max_examples=80, deadline=None)
@usual_windows
def test_gradients_of_maxima_arrive_where_the_plain_kernel_puts_them(geometry, batch, channels, dtype):
    x = with_ties(batch, *geometry.lengths, channels, dtype=dtype)
    out, which = variants.PLAIN["maximum", "maximum"](x, geometry, True)
    g = numbers(*out.shape, dtype=dtype, seed=1)
    if choice.find("maximum", "maximum_gradient")(g, which, geometry) is None:
        assert geometry.taps > 36  # of windows that overlap
        return
    close(*on_threads("maximum_gradient", "maximum", g, which, geometry), dtype, 16)


def test_a_gradient_that_is_no_number_stays_with_its_maximum():
    geometry = window_geometry((8, 8), (2, 2), 2, "valid")
    x = numbers(2, 8, 8, 16)
    out, which = variants.PLAIN["maximum", "maximum"](x, geometry, True)
    out[0, 1, 1, 3], out[1, 2, 0, 5] = np.nan, np.inf
    found = choice.find("maximum", "maximum_gradient")(out, which, geometry)
    assert np.isnan(found).sum() == 1
    assert np.isnan(found[0, 2:4, 2:4, 3]).sum() == 1
    assert np.isinf(found).sum() == 1


def test_channels_first_in_memory():
    geometry = window_geometry((9, 9), (3, 3), 2, "same")
    x = np.moveaxis(numbers(2, 16, 9, 9), 1, -1)
    np.testing.assert_array_equal(*[made[0] for made in both("maximum", "maximum", x, geometry, True)])


def test_nothing_to_pool_and_few_channels_are_plain():
    geometry = window_geometry((8, 8), (2, 2), 2, "valid")
    for shape in ((0, 8, 8, 16), (2, 8, 8, 3)):
        assert choice.find("maximum", "maximum")(numbers(*shape), geometry, True) is None


def test_boxes_of_elements_are_boxes_of_windows_the_other_way():
    geometry = window_geometry((11, 7, 5), (3, 2, 4), (2, 3, 1), "same")
    sees, seen = loops.boxes_of_windows(geometry), loops.boxes_of_elements(geometry)
    windows, elements = 0, 0
    for size, stride, count, length in zip(geometry.sizes, geometry.strides, geometry.outputs, geometry.lengths):
        pairs = {}
        for window, (begin, end, number) in enumerate(sees[windows : windows + count].tolist()):
            pairs |= {(window, begin + i): number + i for i in range(end - begin)}
        for element, (begin, end, number) in enumerate(seen[elements : elements + length].tolist()):
            found = [pairs.pop((window, element)) for window in range(begin, end)]
            assert found == [number - i * stride for i in range(end - begin)]
            assert all(each < size for each in found)
        assert not pairs
        windows, elements = windows + count, elements + length
