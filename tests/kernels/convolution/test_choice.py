"""The CPU's convolutions agree with the plain one in any shape and layout, on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

import eagerflow as ef
from eagerflow.kernels.convolution import choice as convolution
from eagerflow.kernels.convolution.algorithms import ALGORITHMS, choose
from eagerflow.kernels.convolution.outliers import Looked
from eagerflow.kernels.convolution.shapes import Shapes
from eagerflow.kernels.convolution.winograd import images as winograd, volumes
from eagerflow.kernels.machine import costs
from eagerflow.kernels.machine.costs import Volumes
from eagerflow.ops.windows import convolution as plain_convolution
from eagerflow.ops.windows.geometry import window_geometry

TOLERANCES = {"float32": 2e-5, "float64": 1e-12}


@pytest.fixture(autouse=True)
def _number_of_threads_as_before():
    before = ef.get_num_threads()
    yield
    ef.set_num_threads(before)


def normal(*shape, dtype="float64", seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def assert_close(found, expected, dtype):
    """Within the algorithm's error, which is relative to the largest numbers."""
    assert found.shape == expected.shape
    assert found.dtype == dtype
    if expected.size:
        scale = np.abs(expected).max() + 1e-9
        assert np.abs(found - expected).max() / scale < TOLERANCES[dtype]


def foremost(shapes):
    """The first row of the table that applies, whatever it costs."""
    return next(row for row in ALGORITHMS if row.applies(shapes))


def of_shapes(shape, kernel_shape, padding="same", groups=1):
    geometry = window_geometry(shape[1:-1], kernel_shape[:-2], 1, padding)
    return Shapes(shape[0], *kernel_shape[-2:], groups, True, geometry)


def results(module, x, kernel, g, geometry, groups):
    xp = (np,) if module is plain_convolution else ()
    return (
        module.forward(*xp, x, kernel, geometry, groups),
        module.input_gradient(*xp, g, kernel, geometry, groups),
        module.kernel_gradient(*xp, x, g, kernel.shape, geometry, groups),
    )


def compare(x, kernel, geometry, groups, dtype):
    """Ours in `dtype`, the plain one in float64, from the same numbers."""
    g = normal(len(x), *geometry.outputs, kernel.shape[-1], dtype=dtype, seed=3)
    exact = [a.astype("float64") for a in (x, kernel, g)]
    found = results(convolution, x, kernel, g, geometry, groups)
    expected = results(plain_convolution, *exact, geometry, groups)
    together = convolution.gradients(x, g, kernel, (True, True), geometry, groups)
    for ours, plain in zip((*found, *together), (*expected, *expected[1:]), strict=True):
        assert_close(ours, plain, dtype)


@st.composite
def any_convolution(draw):
    rank = draw(st.integers(1, 3))
    per_axis = lambda low, high: tuple([draw(st.integers(low, high)) for _ in range(rank)])  # noqa: E731
    sizes, dilation = per_axis(1, 4 if rank < 3 else 2), per_axis(1, 2)
    least = [(k - 1) * d + 1 for k, d in zip(sizes, dilation)]
    lengths = tuple([n + draw(st.integers(0, 7)) for n in least])
    padding = draw(st.sampled_from(("valid", "same", "causal") if rank == 1 else ("valid", "same")))
    geometry = window_geometry(lengths, sizes, per_axis(1, 3), padding, dilation)
    groups, width = draw(st.sampled_from([(1, 1), (1, 3), (1, 20), (2, 1), (3, 2), (4, 4)]))
    filters = groups * draw(st.integers(1, 5))
    return geometry, groups, width, filters


@given(any_convolution(), st.integers(0, 3), st.sampled_from(["float32", "float64"]), st.booleans())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_any_convolution(case, batch, dtype, channels_first):
    geometry, groups, width, filters = case
    x = normal(batch, *geometry.lengths, groups * width, dtype=dtype)
    if channels_first:  # in memory
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 1)), 1, -1)
    compare(x, normal(*geometry.sizes, width, filters, dtype=dtype, seed=1), geometry, groups, dtype)


@given(
    st.integers(0, 3),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(16, 40),
    st.integers(16, 40),
    st.sampled_from(["valid", "same"]),
    st.sampled_from(["C", "F", "sliced"]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@example(1, 70, 66, 16, 16, "same", "C")  # bands of a large image
@example(1, 3, 1200, 16, 16, "valid", "C")  # one row of tiles is more than a block
@example(3, 16, 16, 64, 64, "same", "C")  # tiles cover the images exactly
@example(2, 8, 8, 300, 257, "same", "C")  # many channels
def test_any_convolution_by_winograd(batch, height, width, channels, filters, padding, layout):
    if padding == "valid":
        height, width = max(3, height), max(3, width)
    geometry = window_geometry((height, width), (3, 3), 1, padding)
    x = normal(batch, height, width, channels, dtype="float32")
    if layout == "F":
        x = np.asfortranarray(x)
    elif layout == "sliced":
        x = np.repeat(x, 2, axis=2)[:, :, ::2]
    kernel = normal(3, 3, channels, filters, dtype="float32", seed=1)
    if min(geometry.outputs) >= 3:
        assert foremost(Shapes.of(x, kernel.shape, geometry)).name == "winograd"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "choose", foremost)
        compare(x, kernel, geometry, 1, "float32")


@given(
    st.integers(0, 3),
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(2, 12),
    st.integers(1, 20),
    st.integers(1, 20),
    st.sampled_from(["valid", "same"]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@example(2, 16, 16, 8, 8, 8, "same")  # groups share products in pairs
@example(2, 16, 16, 16, 1, 1, "same")  # sixteen in one
@example(1, 70, 66, 7, 5, 3, "same")  # a number of groups that no pack but one divides; bands
@example(2, 9, 9, 3, 40, 7, "valid")  # each by itself
def test_any_groups_by_winograd(batch, height, width, groups, channels, filters, padding):
    if padding == "valid":
        height, width = max(3, height), max(3, width)
    geometry = window_geometry((height, width), (3, 3), 1, padding)
    x = normal(batch, height, width, groups * channels, dtype="float32")
    kernel = normal(3, 3, channels, groups * filters, dtype="float32", seed=1)
    if min(geometry.outputs) >= 3 and max(geometry.outputs) > 4 and min(channels, filters) * groups >= 16:
        assert foremost(Shapes.of(x, kernel.shape, geometry, groups)).name == "winograd"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "choose", foremost)
        compare(x, kernel, geometry, groups, "float32")


@given(any_convolution(), st.integers(0, 3), st.integers(8, 40), st.sampled_from(["float32", "float64"]), st.booleans())
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_any_convolution_with_one_filter(case, batch, channels, dtype, finishes):
    geometry = case[0]
    strides = set(geometry.strides)
    x, kernel = normal(batch, *geometry.lengths, channels), normal(*geometry.sizes, channels, 1, seed=1)
    g, bias = normal(batch, *geometry.outputs, 1, seed=3), normal(1, seed=4)
    exact = results(plain_convolution, x, kernel, g, geometry, 1)
    given_ = [a.astype(dtype) for a in (x, kernel, g)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "choose", foremost)
        takes_one_filter = geometry.taps > 1 and strides == {1}
        assert (foremost(Shapes.of(given_[0], kernel.shape, geometry)).name == "one filter") == takes_one_filter
        out = convolution.forward(*given_[:2], geometry, 1, epilogue=(bias.astype(dtype), True) if finishes else None)
        _, dx, dk = results(convolution, *given_, geometry, 1)
    assert_close(out, np.maximum(exact[0] + bias, 0) if finishes else exact[0], dtype)
    assert_close(dx, exact[1], dtype)
    assert_close(dk, exact[2], dtype)


@given(
    st.integers(1, 3),
    st.integers(1, 7),
    st.integers(3, 12),
    st.integers(3, 12),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(1, 20),
    st.integers(16, 24),
    st.sampled_from(["valid", "same"]),
    st.booleans(),
    st.sampled_from([1 << 12, 1 << 15, 1 << 20]),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@example(9, 8, 12, 12, 3, 1, 16, 20, "same", True, 1 << 20)  # several volumes in a block
@example(2, 7, 9, 9, 3, 1, 16, 20, "same", True, 1 << 15)  # some layers
@example(2, 1, 12, 12, 3, 1, 16, 20, "valid", True, 1 << 12)  # bands
def test_any_volumes_by_winograd(batch, depth, height, width, layers, step, channels, filters, padding, finishes, room):
    lengths = (depth, height, width)
    if padding == "valid":
        lengths = (depth + 2 * (layers - 1), height + 2, width + 2)
    strides, dilation = ((step, 1, 1), (1, 1, 1)) if depth % 2 else ((1, 1, 1), (step, 1, 1))
    geometry = window_geometry(lengths, (layers, 3, 3), strides, padding, dilation)
    x, kernel = normal(batch, *lengths, channels), normal(layers, 3, 3, channels, filters, seed=1)
    g, bias = normal(batch, *geometry.outputs, filters, seed=3), normal(filters, seed=4)
    epilogue = (bias.astype("float32"), True) if finishes else None
    exact = results(plain_convolution, x, kernel, g, geometry, 1)
    given_ = [a.astype("float32") for a in (x, kernel, g)]
    suits = layers * channels >= 16
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "choose", foremost)
        patch.setattr(Volumes, "LEAST", 0)
        patch.setattr(Volumes, "ROOM", room)
        by_layer = suits and geometry.dilation[0] == 1
        name = foremost(Shapes.of(given_[0], kernel.shape, geometry)).name
        assert (name == "winograd of volumes") == by_layer
        out = convolution.forward(*given_[:2], geometry, 1, epilogue=epilogue)
        _, dx, dk = results(convolution, *given_, geometry, 1)
        found = [convolution.gradients(*given_[::2], given_[1], (True, True), geometry)]
        if by_layer and geometry.strides[0] == 1 and volumes._Plan.of(batch, geometry, channels, filters).is_whole:
            found.append(volumes.gradients(*given_[::2], given_[1], geometry))
    for ours, plain in zip([a for pair in found for a in pair], 2 * exact[1:], strict=False):
        assert_close(ours, plain, "float32")
    assert_close(out, np.maximum(exact[0] + bias, 0) if finishes else exact[0], "float32")
    assert_close(dx, exact[1], "float32")
    assert_close(dk, exact[2], "float32")


@pytest.mark.parametrize(
    ("shape", "kernel_shape", "groups", "name"),
    [
        ((64, 32, 32, 64), (3, 3, 64, 64), 1, "winograd"),
        ((1, 7, 7, 512), (3, 3, 512, 512), 1, "columns"),  # the weights' transform isn't worth it
        ((32, 32, 32, 64), (3, 3, 8, 64), 8, "winograd"),
        ((16, 11, 11, 11, 16), (3, 3, 3, 16, 32), 1, "winograd of volumes"),
        ((1, 4, 4, 4, 256), (3, 3, 3, 256, 256), 1, "columns"),
        ((128, 28, 28, 32), (3, 3, 32, 1), 1, "one filter"),
        ((1, 8, 8, 8), (3, 3, 8, 1), 1, "columns"),
        ((8, 30, 30, 64), (5, 5, 64, 64), 1, "columns"),
    ],
)
def test_the_cheapest_algorithm_is_chosen(shape, kernel_shape, groups, name):
    shapes = of_shapes(shape, kernel_shape, groups=groups)
    assert choose(shapes).name == name
    costs = {row.name: row.microseconds(shapes) for row in ALGORITHMS if row.applies(shapes)}
    assert min(costs, key=costs.get) == name
    assert all(0 < cost < np.inf for cost in costs.values())


def test_gradients_go_by_what_was_chosen_before(monkeypatch):
    x, kernel = normal(2, 9, 9, 16, dtype="float32"), normal(3, 3, 16, 16, dtype="float32")
    geometry, looked = window_geometry((9, 9), (3, 3), 1, "same"), Looked()
    with monkeypatch.context() as patch:
        patch.setattr(convolution, "choose", foremost)
        convolution.forward(x, kernel, geometry, 1, looked)
    assert looked.algorithm.name == "winograd"
    assert choose(Shapes.of(x, kernel.shape, geometry)).name == "columns"
    found = convolution.kernel_gradient(x, x, kernel.shape, geometry, 1, (looked, None))
    np.testing.assert_array_equal(found, winograd.kernel_gradient(x, x, geometry))


def test_gradients_that_are_not_contiguous():
    geometry = window_geometry((12, 9), (3, 3), 1, "same")
    x, kernel = normal(2, 12, 9, 16, dtype="float32"), normal(3, 3, 16, 18, dtype="float32")
    g = normal(2, 12, 9, 18, dtype="float32", seed=3)
    views = (np.asfortranarray(g), np.repeat(g, 2, axis=0)[::2], np.broadcast_to(g[:1, :1], g.shape))
    for view in views:
        for ours, plain in zip(
            results(convolution, x, kernel, view, geometry, 1),
            results(convolution, x, kernel, view.copy(), geometry, 1),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, plain)


CASES = [
    ((9, 26, 26, 32), (3, 3, 32, 64), 1, "valid", 1),  # Winograd, whole images
    ((1, 90, 70, 32), (3, 3, 32, 32), 1, "same", 1),  # Winograd, bands
    ((8, 8, 8, 128), (3, 3, 128, 128), 1, "same", 1),  # Winograd, many channels
    ((7, 33, 31, 16), (3, 3, 16, 24), 2, "same", 1),  # columns, strides
    ((40, 28, 28, 1), (3, 3, 1, 32), 1, "valid", 1),  # columns by taps
    ((20, 20, 20, 8), (5, 5, 2, 16), 1, "same", 4),  # groups
    ((9, 20, 20, 32), (3, 3, 4, 32), 1, "same", 8),  # Winograd, groups
    ((9, 32, 32, 8), (3, 3, 8, 8), 1, "same", 1),  # columns, few channels
    ((6, 30, 30, 64), (1, 1, 64, 96), 1, "valid", 1),  # a product
    ((30, 28, 28, 32), (3, 3, 32, 1), 1, "same", 1),  # one filter
    ((3, 4000, 8), (5, 8, 16), 1, "causal", 1),
    ((2, 9, 17, 16, 8), (3, 3, 3, 8, 16), 1, "same", 1),  # Winograd, volumes
    ((5, 11, 11, 11, 8), (3, 3, 3, 8, 16), 1, "valid", 1),  # Winograd, volumes, gradients together
    ((2, 9, 7, 7, 40), (3, 3, 3, 40, 64), 1, "same", 1),  # Winograd, volumes, few tiles
    ((2, 9, 17, 16, 8), (2, 3, 2, 8, 16), 1, "same", 1),
]


@pytest.mark.parametrize(("shape", "kernel_shape", "strides", "padding", "groups"), CASES)
def test_same_bits_on_any_number_of_threads(shape, kernel_shape, strides, padding, groups, monkeypatch):
    monkeypatch.setattr(costs.Threads, "LEAST", 0.0)  # share even little work
    geometry = window_geometry(shape[1:-1], kernel_shape[:-2], strides, padding)
    x, kernel = normal(*shape, dtype="float32"), normal(*kernel_shape, dtype="float32", seed=1)
    g = normal(len(x), *geometry.outputs, kernel.shape[-1], dtype="float32", seed=3)
    found = []
    for threads in (1, 2, 3, 8, 1):
        ef.set_num_threads(threads)
        together = convolution.gradients(x, g, kernel, (True, True), geometry, groups)
        found.append((*results(convolution, x, kernel, g, geometry, groups), *together))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("shape", "groups"), [((2, 9, 7, 16), 1), ((1, 12, 12, 17), 1), ((2, 9, 7, 16), 4)])
def test_gradients_by_central_differences(shape, groups):
    """Of the sum of weighted outputs: in float32 by a step large enough, since convolution is linear."""
    geometry = window_geometry(shape[1:-1], (3, 3), 1, "same")
    x = normal(*shape, dtype="float32")
    kernel = normal(3, 3, shape[-1] // groups, 16, dtype="float32", seed=1)
    g = normal(*shape[:-1], 16, dtype="float32", seed=3)
    _, dx, dk = results(convolution, x, kernel, g, geometry, groups)
    direction_x, direction_k = normal(*x.shape, seed=5), normal(*kernel.shape, seed=6)
    along_x = [
        (results(plain_convolution, x + s * direction_x, kernel.astype("float64"), g, geometry, groups)[0] * g).sum()
        for s in (1, -1)
    ]
    along_k = [
        (results(plain_convolution, x.astype("float64"), kernel + s * direction_k, g, geometry, groups)[0] * g).sum()
        for s in (1, -1)
    ]
    assert (along_x[0] - along_x[1]) / 2 == pytest.approx((dx * direction_x).sum(), rel=1e-3, abs=0.02)
    assert (along_k[0] - along_k[1]) / 2 == pytest.approx((dk * direction_k).sum(), rel=1e-3, abs=0.02)


def test_other_dtypes_take_the_plain_way():
    x, kernel = normal(2, 6, 6, 16, dtype="float16"), normal(3, 3, 16, 16, dtype="float32")
    geometry = window_geometry((6, 6), (3, 3), 1, "same")
    assert convolution.forward(x, kernel, geometry).dtype == "float32"
    assert convolution.forward(x, kernel.astype("float16"), geometry).dtype == "float16"


def test_infinities_and_nan_stay_where_they_are_by_columns():
    x = np.ones((1, 5, 5, 1), "float32")
    x[0, 2, 2] = np.nan
    geometry = window_geometry((5, 5), (3, 3), 1, "valid")
    out = convolution.forward(x, np.ones((3, 3, 1, 1), "float32"), geometry)
    assert np.isnan(out).all()
    big = np.ones((1, 12, 12, 16), "float32")
    big[0, 0, 0, 0] = np.inf
    out = convolution.forward(big, np.ones((3, 3, 16, 16), "float32"), window_geometry((12, 12), (3, 3), 1, "same"))
    assert not np.isfinite(out[0, :2, :2]).any()  # what sees it is not finite, and the tile around it (Winograd)
    assert np.isfinite(out[0, 4:, 4:]).all()
