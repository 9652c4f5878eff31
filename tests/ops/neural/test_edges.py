"""What the ops of networks answer at the edges: nothing, one, infinity, odd layouts, other types."""

from __future__ import annotations

import math

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.core.tensor import Tensor
from eagerflow.ops.neural import dropout

INF = math.inf
EXTREMES = [1e4, -1e4, 0.0]


def normal(*shape, dtype="float64"):
    return np.random.default_rng(shape).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("name", "softmax log_softmax sparsemax relu sigmoid gelu normalize rms_normalization".split())
def test_an_empty_batch_stays_empty(name, device):
    assert getattr(ops, name)(normal(0, 4)).shape == (0, 4)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "sparsemax"])
def test_no_classes_give_no_probabilities(name):
    assert getattr(ops, name)(normal(3, 0)).shape == (3, 0)


def test_infinities_leave_other_rows_alone(device):
    x = [[-INF, -INF], [-INF, 5.0]]
    np.testing.assert_array_equal(ops.softmax(x).numpy(), [[np.nan, np.nan], [0.0, 1.0]])
    np.testing.assert_array_equal(ops.log_softmax(x).numpy(), [[np.nan, np.nan], [-INF, 0.0]])
    assert ef.grad(lambda x: ops.softmax(x)[1, 1])([*x, [1.0, 1.0]])[2].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sigmoid", [1, 0, 0.5]),
        ("silu", [1e4, 0, 0]),
        ("softplus", [1e4, 0, math.log(2)]),
        ("elu", [1e4, -1, 0]),
        ("log_sigmoid", [0, -1e4, -math.log(2)]),
        ("gelu", [1e4, 0, 0]),
        ("softmax", [1, 0, 0]),
        ("log_softmax", [0, -2e4, -1e4]),
        ("celu", [1e4, -1, 0]),
        ("squareplus", [1e4, 0, 1]),
        ("softsign", [1, -1, 0]),
    ],
)
def test_large_numbers_neither_overflow_nor_warn(name, expected, device):
    np.testing.assert_allclose(getattr(ops, name)(EXTREMES).numpy(), expected, rtol=1e-4, atol=1e-4)


def test_small_probabilities_keep_their_digits():
    np.testing.assert_allclose(ops.sigmoid([-20.0, -80.0]).numpy(), [2.0611537e-09, 1.8048514e-35], rtol=1e-6)


def test_crossentropies_of_confident_logits_are_exact(device):
    assert ops.binary_crossentropy([1.0, 0.0], [-1e4, -1e4], from_logits=True).tolist() == [1e4, 0.0]
    assert ops.categorical_crossentropy([[0.0, 1.0]], [[1e4, 0.0]], from_logits=True).tolist() == [1e4]
    assert ops.sparse_categorical_crossentropy([1], [[1e4, 0.0]], from_logits=True).tolist() == [1e4]


def test_crossentropies_of_wrong_certainties_are_clipped(device):
    found = ops.binary_crossentropy([1.0], [0.0]).numpy()
    np.testing.assert_allclose(found, [-math.log(1e-7)], rtol=1e-5)
    found = ops.sparse_categorical_crossentropy([1], [[1.0, 0.0]]).numpy()
    np.testing.assert_allclose(found, [-math.log(1e-7)], rtol=1e-5)


def test_a_masked_class_that_is_not_the_label_costs_nothing():
    logits = Tensor([[0.0, -INF]])
    with ef.GradientTape() as tape:
        tape.watch(logits)
        loss = ops.sparse_categorical_crossentropy([0], logits, from_logits=True)
    assert loss.tolist() == [0.0]
    assert tape.gradient(loss, logits).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "call",
    [
        lambda f: ops.conv(f(1, 4, 4, 2), f(2, 2, 2, 3)),
        lambda f: ops.depthwise_conv(f(1, 4, 4, 2), f(2, 2, 2, 1)),
        lambda f: ops.conv_transpose(f(1, 2, 2, 2), f(2, 2, 3, 2)),
        lambda f: ops.max_pool(f(1, 4, 4, 2), 2),
        lambda f: ops.average_pool(f(1, 4, 4, 2), 2, padding="same"),
        lambda f: ops.layer_normalization(f(2, 3)),
        lambda f: ops.batch_normalization(f(2, 3), f(3), f(3) ** 2, -1),
        lambda f: ops.moments(f(2, 3), [0])[1],
        lambda f: ops.softmax(f(2, 3)),
        lambda f: ops.gelu(f(2, 3), approximate=False),
        lambda f: ops.selu(f(3)),
        lambda f: ops.dot_product_attention(f(1, 2, 2, 3), f(1, 2, 2, 3), f(1, 2, 2, 3)),
        lambda f: ops.image.resize(f(4, 4, 1), (2, 3)),
        lambda f: ops.image.gaussian_blur(f(4, 4, 1)),
        lambda f: ops.image.affine_transform(f(4, 4, 1), [1, 0, 0.5, 0, 1, 0, 0, 0]),
        lambda f: ops.image.rgb_to_grayscale(f(4, 4, 3)),
        lambda f: ops.adaptive_average_pool(f(1, 4, 2), 2),
    ],
)
def test_float_types_are_kept(call, dtype):
    assert call(lambda *shape: Tensor(normal(*shape, dtype=dtype))).dtype == dtype


@pytest.mark.parametrize("name", "sigmoid softmax gelu selu leaky_relu layer_normalization hard_sigmoid".split())
def test_integers_become_floats(name):
    assert getattr(ops, name)([[1, 0, 2]]).dtype == "float32"


def test_convolutions_of_two_float_types_give_the_wider():
    assert ops.conv(normal(1, 3, 1), normal(2, 1, 1, dtype="float32")).dtype == "float64"
    assert ops.conv(normal(1, 3, 1, dtype="float32"), normal(2, 1, 1)).dtype == "float64"


def test_pooling_of_integers():
    x = np.arange(16, dtype="int32").reshape(1, 4, 4, 1)
    assert ops.max_pool(-x, 3, 2, "same").numpy().ravel().tolist() == [0, -2, -8, -10]
    assert ops.max_pool(x.astype("uint8"), 2).dtype == "uint8"
    assert ops.average_pool(x, 2).tolist() == [[[[2.5], [4.5]], [[10.5], [12.5]]]]


def test_maximum_pooling_shows_nan():
    found = ops.max_pool([[[1.0], [math.nan], [2.0], [3.0]]], 2).numpy().ravel()
    assert np.isnan(found).tolist() == [True, False]


def test_of_equal_maxima_the_first_gets_the_gradient():
    slope = ef.grad(lambda x: ops.sum(ops.max_pool(x, 2)))(np.ones((1, 4, 1)))
    assert slope.numpy().ravel().tolist() == [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("count", [3, 300])  # more elements than a byte can number
def test_every_element_of_a_window_can_be_the_maximum(count):
    x = np.eye(count)[..., None]  # in the window number i, the element number i
    slope = ef.grad(lambda v: ops.sum(ops.max_pool(v, count)))(x)
    np.testing.assert_array_equal(slope.numpy(), x)


def test_strides_longer_than_windows_skip_elements():
    slope = ef.grad(lambda x: ops.sum(ops.average_pool(x, 1, 3)))(np.ones((1, 7, 1)))
    assert slope.numpy().ravel().tolist() == [1, 0, 0, 1, 0, 0, 1]


def test_layout_of_memory_does_not_matter(device):
    x, kernel = normal(2, 5, 6, 3), normal(2, 2, 3, 4)
    expected = ops.conv(x, kernel).numpy()
    turned = ops.transpose(Tensor(x.transpose(3, 1, 0, 2).copy()), (2, 1, 3, 0))
    flipped = ops.flip(Tensor(kernel[..., ::-1].copy()), -1)
    np.testing.assert_allclose(ops.conv(turned, flipped).numpy(), expected, rtol=1e-12)


def test_the_configured_layout_is_the_default():
    x, kernel = normal(1, 2, 5, 5), normal(3, 3, 2, 4)
    before = ef.config.image_data_format()
    try:
        ef.config.set_image_data_format("channels_first")
        assert ops.conv(x, kernel).shape == (1, 4, 3, 3)
        assert ops.max_pool(x, 2).shape == (1, 2, 2, 2)
        assert ops.image.resize(x, (3, 4)).shape == (1, 2, 3, 4)
    finally:
        ef.config.set_image_data_format(before)


def test_attention_without_anything_to_see_gives_zeros(device):
    q, k = normal(1, 2, 1, 3), normal(1, 2, 1, 3)
    mask = np.array([[False, False], [True, False]])
    found = ops.dot_product_attention(q, k, k, mask=mask).numpy()
    np.testing.assert_allclose(found[0, :, 0], [[0, 0, 0], k[0, 0, 0]])
    assert ops.dot_product_attention(q, k[:, :0], k[:, :0]).numpy().any() == np.False_


@pytest.mark.parametrize("bias", [None, np.zeros((1, 1, 3, 5))])
def test_a_mask_of_each_head_is_that_heads(bias, device):
    q, k, v = (normal(1, n, 2, width) for n, width in ((3, 4), (5, 4), (5, 3)))
    mask = np.random.default_rng(0).random((1, 2, 3, 5)) < 0.6
    found = ops.dot_product_attention(q, k, v, bias, mask).numpy()
    for head in (0, 1):
        one = slice(head, head + 1)
        alone = ops.dot_product_attention(q[:, :, one], k[:, :, one], v[:, :, one], bias, mask[:, one])
        np.testing.assert_allclose(found[:, :, one], alone.numpy(), rtol=1e-6)


def test_large_attention_logits_do_not_overflow():
    x = np.full((1, 2, 1, 4), 1e4, "float32")
    np.testing.assert_allclose(ops.dot_product_attention(x, x, x).numpy(), x)


def test_sparsemax_is_the_nearest_point_of_the_simplex(device):
    x = normal(5, 6) * 2
    found = ops.sparsemax(x).numpy()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found >= 0).all()
    # Nearest: inside its support all elements were moved by the same amount, others lie below.
    for row, p in zip(x, found, strict=True):
        threshold = (row - p)[p > 0]
        np.testing.assert_allclose(threshold, threshold[0])
        assert (row[p == 0] <= threshold[0]).all()


def test_normalization_in_half_precision_does_not_overflow():
    x = np.full((2, 4), 300.0, "float16") * np.array([1, 2, 1, 2], "float16")
    mean, variance = ops.moments(x, [1])
    assert mean.tolist() == [450.0, 450.0]
    assert variance.tolist() == [22496.0, 22496.0]  # 22500 in half precision
    assert np.isfinite(ops.layer_normalization(x * 100).numpy()).all()


def test_one_hot_leaves_out_what_is_no_class(device):
    assert ops.one_hot([-1, 3], 3).tolist() == [[0.0, 0.0, 0.0]] * 2
    assert ops.one_hot(np.zeros((0,), "int32"), 3).shape == (0, 3)
    assert ops.one_hot([[1]], 2, axis=0, dtype="bool").tolist() == [[[False]], [[True]]]


def test_adaptive_pooling_to_more_elements_repeats_them():
    assert ops.adaptive_max_pool([[[1.0], [2.0]]], 3).tolist() == [[[1.0], [2.0], [2.0]]]


def test_dropout_by_a_mask():
    mask = np.array([True, False])
    assert dropout.masked_scale(Tensor([3.0, 5.0]), mask, 2.0).tolist() == [6.0, 0.0]


def test_normalizations_take_any_axis_and_all_of_them():
    x = np.array([[3.0, 4.0]], "float32")
    assert np.allclose(ops.normalize(x, axis=None), [[0.6, 0.8]])
    assert np.allclose(ops.rms_normalization(x, axis=np.int64(1)), ops.rms_normalization(x, axis=None))


def test_dropout_of_integers_gives_floats_of_the_default_type():
    assert ef.random.dropout(np.ones((2, 2), "int32"), 0.5, seed=1).dtype == "float32"


def test_attention_looks_for_large_logits_without_a_warning():
    query, key = np.full((1, 4, 1, 8), 3e19, "float32"), np.zeros((1, 4, 1, 8), "float32")
    with np.errstate(all="raise"):  # the logits are 0, though the squares of queries overflow
        np.testing.assert_array_equal(ops.dot_product_attention(query, key, key + 1).numpy(), key + 1)


def test_transposed_convolutions_take_a_padding_in_capitals_as_the_others_do():
    x, kernel = np.ones((1, 3, 1), "float32"), np.ones((3, 1, 1), "float32")
    found = ops.conv_transpose(x, kernel, 2, padding="SAME")
    np.testing.assert_array_equal(found, ops.conv_transpose(x, kernel, 2, padding="same"))


def test_negative_labels_are_not_answered_with_more_outputs():
    with pytest.raises(ValueError, match="got values from -1 to 2") as told:
        ops.sparse_categorical_crossentropy(np.array([-1, 2]), np.full((2, 3), 0.3, "float32"))
    assert "renumber the classes" in str(told.value)
    assert "more outputs" not in str(told.value)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_probabilities_of_sequences_are_normalized_over_classes(dtype):
    output = np.random.default_rng(0).uniform(0.1, 1.0, (2, 3, 4)).astype(dtype)
    target = np.array([[0, 1, 2], [3, 0, 1]])
    picked = np.take_along_axis(output / output.sum(-1, dtype="float32")[..., None], target[..., None], -1)[..., 0]
    found = ops.sparse_categorical_crossentropy(target, output)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, -np.log(picked), rtol=1e-3 if dtype == "float16" else 1e-6)
