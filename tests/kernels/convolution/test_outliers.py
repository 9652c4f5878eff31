"""A number far larger than the others changes what sees it, and nothing else; so do infinity and NaN."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.kernels.convolution import choice as convolution, outliers as steady
from eagerflow.kernels.convolution.algorithms import ALGORITHMS
from eagerflow.kernels.convolution.depthwise import choice as depthwise
from eagerflow.kernels.convolution.shapes import Shapes
from eagerflow.ops import conv, depthwise_conv
from eagerflow.ops.windows.geometry import window_geometry

# What is convolved, the kernel, groups, and the algorithm that takes it.
CASES = {
    "winograd": ((3, 9, 9, 16), (3, 3, 16, 16), 1, "winograd"),
    "winograd of large images": ((1, 70, 70, 16), (3, 3, 16, 16), 1, "winograd"),
    "winograd of groups": ((2, 8, 8, 32), (3, 3, 4, 32), 8, "winograd"),
    "volumes": ((2, 6, 12, 12, 16), (3, 3, 3, 16, 16), 1, "winograd of volumes"),
    "one filter": ((4, 24, 24, 16), (3, 3, 16, 1), 1, "one filter"),
    "columns": ((4, 20, 21, 3), (3, 3, 3, 8), 1, "columns"),
    "filtering": ((2, 18, 18, 16), (5, 5, 1, 16), 16, "filtering"),
}
PLACES = ["corner", "edge", "middle"]


def foremost(shapes):
    """The first row of the table that applies, whatever it costs."""
    return next(row for row in ALGORITHMS if row.applies(shapes))


@pytest.fixture(autouse=True)
def _also_where_it_is_not_worth_it(monkeypatch):
    monkeypatch.setattr(convolution, "choose", foremost)


def _data(shape, kernel_shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32"), rng.normal(size=kernel_shape).astype("float32")


def _with(x, value, place):
    x = x.copy()
    spatial = {"corner": 0, "edge": (0, *[n // 2 for n in x.shape[2:-1]]), "middle": [n // 2 for n in x.shape[1:-1]]}
    at = spatial[place] if place != "corner" else (0,) * (x.ndim - 2)
    x[(len(x) - 1, *at, x.shape[-1] // 2)] = value
    return x


def _results(x, kernel, g, groups):
    """The output and both gradients, by the fast ways; what was found forward is known backward."""
    size = kernel.shape[:-2]
    geometry = window_geometry(x.shape[1:-1], size, 1, "same")
    if groups == x.shape[-1]:
        turned = kernel.swapaxes(-1, -2)
        out = depthwise.forward(x, turned, geometry)
        return out, *[f(*a, geometry) for f, a in ((depthwise.input_gradient, (g, turned)), (lambda *a: None, (x, g)))]
    looked = steady.Looked()
    out = convolution.forward(x, kernel, geometry, groups, looked)
    dx, dk = convolution.gradients(x, g, kernel, (True, True), geometry, groups, looked)
    return out, dx, dk


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", [1e3, 1e7, 1e30, np.inf, np.nan])
@pytest.mark.parametrize("name", CASES)
def test_one_number_changes_only_what_sees_it(name, value, place):
    shape, kernel_shape, groups, _ = CASES[name]
    x, kernel = _data(shape, kernel_shape)
    g = _data((*shape[:-1], kernel_shape[-1]), (1,), seed=1)[0]
    wild = _with(x, value, place)
    zero = _with(x, 0, place)
    with np.errstate(all="ignore"):
        found = _results(wild, kernel, g, groups)
        # What doesn't see the number is as with a zero in its place.
        exact = _results(*(a.astype("float64") for a in (zero, kernel, g)), groups)
        touched = _results(*(abs(a).astype("float64") for a in (wild - zero, kernel, g)), groups)
    for part in (0, 2):
        if found[part] is None:
            continue
        apart = touched[part] == 0
        size = np.abs(exact[part]).max()
        np.testing.assert_allclose(found[part][apart], exact[part][apart], rtol=0, atol=4e-6 * size)
        if np.isfinite(value):
            relative = (found[part] - exact[part])[~apart]
            sees = _results(*(a.astype("float64") for a in (wild, kernel, g)), groups)[part][~apart]
            np.testing.assert_allclose(found[part][~apart], sees, rtol=0, atol=4e-6 * (abs(value) + size) * 10)
            assert relative.size
    if found[1] is not None:
        np.testing.assert_allclose(found[1], exact[1], rtol=0, atol=4e-6 * np.abs(exact[1]).max())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", [1e4, 1e20, np.nan])
@pytest.mark.parametrize("name", ["winograd", "winograd of groups", "volumes", "filtering"])
def test_so_does_a_number_in_a_gradient(name, value, place):
    shape, kernel_shape, groups, _ = CASES[name]
    x, kernel = _data(shape, kernel_shape)
    g = _data((*shape[:-1], kernel_shape[-1]), (1,), seed=1)[0]
    wild, zero = _with(g, value, place), _with(g, 0, place)
    with np.errstate(all="ignore"):
        found = _results(x, kernel, wild, groups)
        exact = _results(*(a.astype("float64") for a in (x, kernel, zero)), groups)
        touched = _results(*(abs(a).astype("float64") for a in (x, kernel, wild - zero)), groups)
    for part in (1, 2):
        if found[part] is not None:
            apart = touched[part] == 0
            size = np.abs(exact[part]).max()
            np.testing.assert_allclose(found[part][apart], exact[part][apart], rtol=0, atol=4e-6 * size)


@pytest.mark.parametrize("name", [n for n in CASES if CASES[n][3].startswith("winograd")])
def test_the_fast_ways_lose_few_digits(name):
    shape, kernel_shape, groups, algorithm = CASES[name]
    x, kernel = _data(shape, kernel_shape)
    g = _data((*shape[:-1], kernel_shape[-1]), (1,), seed=1)[0]
    geometry = window_geometry(shape[1:-1], kernel_shape[:-2], 1, "same")
    assert foremost(Shapes.of(x, kernel_shape, geometry, groups)).name == algorithm
    found = _results(x, kernel, g, groups)
    exact = _results(*(a.astype("float64") for a in (x, kernel, g)), groups)
    for ours, right in zip(found, exact, strict=True):
        away = ours - right
        assert np.sqrt((away**2).mean()) < 2e-6 * right.std()
        assert np.abs(away).max() < 1e-5 * right.std()


# What PyTorch 2.13 loses by convolutions with N(0, 1), beside the outputs' size (see `tools/kernel_accuracy.py`).
_LOST_BY_PYTORCH = {
    "16 channels": ((2, 12, 12, 16), (3, 3, 16, 16), 1, 2.0e-7),
    "64 channels": ((1, 16, 16, 64), (3, 3, 64, 16), 1, 2.1e-7),
    "128 channels": ((1, 16, 16, 128), (3, 3, 128, 16), 1, 2.2e-7),
    "512 channels": ((2, 16, 16, 512), (3, 3, 512, 16), 1, 2.4e-7),
    "512 channels of one tile": ((8, 4, 4, 512), (3, 3, 512, 16), 1, 2.1e-7),
    "512 filters": ((2, 7, 7, 16), (3, 3, 16, 512), 1, 2.0e-7),
    "groups": ((2, 16, 16, 32), (3, 3, 4, 32), 8, 1.1e-7),
    "volumes": ((1, 8, 8, 8, 64), (3, 3, 3, 64, 32), 1, 3.4e-7),
    "depthwise 5x5": ((2, 16, 16, 16), (5, 5, 1, 16), 16, 8.6e-8),
    "depthwise 7x7": ((2, 16, 16, 16), (7, 7, 1, 16), 16, 1.2e-7),
    "depthwise 7x7 on few rows": ((2, 4, 4, 16), (7, 7, 1, 16), 16, 8.0e-8),
}


@pytest.mark.parametrize("name", _LOST_BY_PYTORCH)
def test_no_more_is_lost_than_four_times_what_pytorch_loses(name):
    shape, kernel_shape, groups, lost = _LOST_BY_PYTORCH[name]
    x, kernel = _data(shape, kernel_shape)
    g = _data((*shape[:-1], kernel_shape[-1]), (1,), seed=1)[0]
    found = _results(x, kernel, g, groups)[:2]
    exact = _results(*(a.astype("float64") for a in (x, kernel, g)), groups)[:2]
    for ours, right in zip(found, exact, strict=True):
        assert np.sqrt(((ours - right) ** 2).mean()) < 4 * lost * np.sqrt((right**2).mean())


# The same of inputs that relu has made, by the output and both gradients; of a single volume it loses least.
_LOST_BY_PYTORCH_AFTER_RELU = {
    "64 channels of nine tiles": ((2, 12, 12, 64), (3, 3, 64, 64), 1, (1.5e-7, 2.1e-7, 2.2e-7)),
    "64 channels of four tiles": ((4, 8, 8, 64), (3, 3, 64, 64), 1, (1.5e-7, 2.1e-7, 1.9e-7)),
    "one volume": ((1, 16, 16, 16, 16), (3, 3, 3, 16, 16), 1, (1.7e-7, 1.2e-7, 1.9e-7)),
    "one volume of few tiles": ((1, 8, 8, 8, 32), (3, 3, 3, 32, 32), 1, (1.6e-7, 1.3e-7, 1.6e-7)),
    "depthwise 7x7": ((2, 16, 16, 16), (7, 7, 1, 16), 16, (8.8e-8, 1.2e-7)),
}


@pytest.mark.parametrize("name", _LOST_BY_PYTORCH_AFTER_RELU)
def test_nor_is_it_after_relu_or_of_one_volume(name):
    shape, kernel_shape, groups, lost = _LOST_BY_PYTORCH_AFTER_RELU[name]
    x, kernel = _data(shape, kernel_shape)
    x = np.maximum(x, 0)
    g = _data((*shape[:-1], kernel_shape[-1]), (1,), seed=1)[0]
    found = _results(x, kernel, g, groups)
    exact = _results(*(a.astype("float64") for a in (x, kernel, g)), groups)
    for ours, right, most in zip(found, exact, lost):
        assert np.sqrt(((ours - right) ** 2).mean()) < 4 * most * np.sqrt((right**2).mean())


def test_noisy_frequencies_are_summed_in_parts(monkeypatch):
    x, kernel = _data((2, 16, 16, 64), (3, 3, 64, 64))
    geometry = window_geometry((16, 16), (3, 3), 1, "same")
    exact = convolution.forward(x.astype("float64"), kernel.astype("float64"), geometry)
    lost = [((convolution.forward(x, kernel, geometry) - exact) ** 2).mean()]
    monkeypatch.setattr("eagerflow.kernels.convolution.winograd.tiles._NOISY", 0)
    lost.append(((convolution.forward(x, kernel, geometry) - exact) ** 2).mean())
    assert lost[0] < 0.9 * lost[1]


def _wild_images(out, blocks=1, padding=0, inputs=None):
    look = steady.Look(out if inputs is None else inputs, out.shape, (3, 3), 1, [(padding, padding)] * 2)
    for i in range(0, len(out), 2):
        for j in range(blocks):
            start, stop = out.shape[1] * j // blocks, out.shape[1] * (j + 1) // blocks
            look.take(out, slice(i, i + 2), slice(start, stop))
    return look.wild_images()


@pytest.mark.parametrize("blocks", [1, 2, 5])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_what_sees_a_large_number_is_looked_at_in_blocks_of_any_size(blocks, padding):
    for height, width in ((5, 6), (7, 7), (9, 8)):
        for row, column in np.ndindex(height, width):
            x = np.ones((3, height, width, 1), "float32")
            x[1, row, column] = 1e4
            around = np.pad(x, [(0, 0), (padding,) * 2, (padding,) * 2, (0, 0)])
            rows, columns = (n + 2 * padding - 2 for n in (height, width))
            out = sum([around[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)])
            assert _wild_images(out, blocks, padding) == [1]


def test_usual_numbers_are_steady():
    rng = np.random.default_rng(0)
    for shape in ((4, 16, 16, 32), (1, 7, 7, 64), (64, 8, 8, 16)):
        out = rng.normal(size=shape).astype("float32")
        assert _wild_images(out) == []
        assert _wild_images(np.maximum(out, 0)) == []
        assert steady.has_steady_borders(out)
        assert steady.has_steady_borders(np.where(rng.random(shape) < 0.15, out, 0).astype("float32"))


@pytest.mark.parametrize("share", [0.13, 0.3, 0.35, 0.7])
def test_blank_parts_of_images_are_steady_and_hide_no_large_number(share):
    rng = np.random.default_rng(0)
    out = rng.normal(size=(4, 24, 24, 32)).astype("float32")
    blank = out.copy()
    blank[:, int(24 * share) + 1 :] = 0
    out[:, int(24 * share) + 1 :] *= 1e-8  # what transforms leave there of rounding
    assert _wild_images(out, inputs=blank) == []
    for row in (3, 20):
        wild = out.copy()
        wild[2, row - 1 : row + 2, 9:12] = 1e5
        assert _wild_images(wild, inputs=blank) == [2]


@pytest.mark.parametrize("large", [3, 5, 6])
@pytest.mark.parametrize("others", [2, 24])
def test_usual_numbers_beside_many_large_ones_are_not_taken_for_blank(large, others):
    x, kernel = _data((2, 24, 24, 32), (3, 3, 32, 32))
    x[1, :large] *= 1e7
    x[1, large + others :] = 0
    geometry = window_geometry((24, 24), (3, 3), 1, "same")
    found = convolution.forward(x, kernel, geometry)
    exact = convolution.forward(x.astype("float64"), kernel.astype("float64"), geometry)
    beside = slice(large + 1, large + others)
    assert np.abs(found - exact)[1, beside].max() < 1e-5 * np.abs(exact[1, beside]).max()


def test_outputs_are_looked_at_only_where_inputs_do_not_tell_that_they_are_of_one_size(monkeypatch):
    looked_at, take = [], steady.Look.take
    monkeypatch.setattr(
        steady.Look, "take", lambda self, out, *some: looked_at.append(some[0]) or take(self, out, *some)
    )
    x, kernel = _data((40, 24, 24, 32), (3, 3, 32, 32))
    geometry = window_geometry((24, 24), (3, 3), 1, "same")
    plain = convolution.columns.forward
    for given in (x, np.maximum(x, 0), -x):
        convolution.forward(given, kernel, geometry)
    assert looked_at == []
    x[33, 5, 7, 3] = -1e5
    found = convolution.forward(x, kernel, geometry)
    assert any(images.start <= 33 < images.stop for images in looked_at)
    np.testing.assert_allclose(found[33], plain(x[33:34], kernel, geometry)[0], atol=1e-2)
    assert 0 < sum(images.stop - images.start for images in looked_at) < 40
    convolution.forward(np.where(np.arange(24)[:, None, None] < 8, x, 0), kernel, geometry)  # blank: nothing is usual
    assert sum(images.stop - images.start for images in looked_at) >= 40


def test_a_bias_below_all_outputs_costs_no_second_convolution(monkeypatch):
    monkeypatch.setattr(convolution.columns, "forward", None)
    x, kernel = _data((2, 24, 24, 16), (3, 3, 16, 16))
    geometry = window_geometry((24, 24), (3, 3), 1, "same")
    for bias in (0.0, -20.0, -100.0):  # relu leaves half, a few, none
        convolution.forward(x, kernel, geometry, epilogue=(np.full(16, bias, "float32"), True))


@pytest.mark.parametrize(
    "a", [[1.0, -3.0, 2.0], [-1.0, -0.5], [0.0, -0.0], [1.0, np.nan], [-np.inf, 3.0], [1e-40, 0.0]]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_peak_is_the_largest_absolute_value(a, dtype):
    a = np.array(a, dtype)
    np.testing.assert_array_equal(steady.peak(a), np.abs(a).max())
    np.testing.assert_array_equal(steady.peak(np.repeat(a, 2)[::2]), np.abs(a).max())


def test_public_convolutions_keep_an_outlier_to_itself():
    x, kernel = _data((1, 16, 16, 32), (3, 3, 32, 32))
    x[0, 8, 8, 3] = 1e7
    found = conv(x, kernel, padding="same").numpy()
    exact = conv(x.astype("float64"), kernel.astype("float64"), padding="same").numpy()
    apart = np.ones((16, 16), bool)
    apart[7:10, 7:10] = False
    assert np.abs(found - exact)[0, apart].max() < 1e-4
    x, kernel = _data((1, 16, 16, 32), (5, 5, 32, 1))
    x[0, 8, 8, 3] = 1e7
    found = depthwise_conv(x, kernel, padding="same").numpy()
    exact = depthwise_conv(x.astype("float64"), kernel.astype("float64"), padding="same").numpy()
    apart[6:11, 6:11] = False
    assert np.abs(found - exact)[0, apart].max() < 1e-4
