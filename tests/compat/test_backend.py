"""`keras.backend` as Keras 2 had it, judged by NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.compat.faces import face

K = face("keras.backend")
RNG = np.random.default_rng(3)
A = RNG.normal(size=(3, 4)).astype("float32")
B = RNG.normal(size=(3, 4)).astype("float32")
C = RNG.normal(size=(4, 5)).astype("float32")
IMAGES = RNG.normal(size=(2, 4, 5, 3)).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


EXPECTED = [
    ("mean", (A,), {"axis": 0}, A.mean(0)),
    ("mean", (A > 0,), {}, (A > 0).mean()),
    ("sum", (A,), {"axis": 1, "keepdims": True}, A.sum(1, keepdims=True)),
    ("prod", (A,), {"axis": -1}, A.prod(-1)),
    ("std", (A,), {"axis": 0}, A.std(0)),
    ("var", (A,), {}, A.var()),
    ("max", (A,), {"axis": 1}, A.max(1)),
    ("min", (A,), {"axis": 1}, A.min(1)),
    ("argmax", (A,), {}, A.argmax(-1)),
    ("argmin", (A,), {"axis": 0}, A.argmin(0)),
    ("any", (A > 1,), {"axis": 0}, (A > 1).any(0)),
    ("all", (A > -1,), {"axis": 0}, (A > -1).all(0)),
    ("cumsum", (A,), {}, A.cumsum(0)),
    ("cumprod", (A,), {"axis": 1}, A.cumprod(1)),
    ("logsumexp", (A,), {"axis": 1}, np.log(np.exp(A).sum(1))),
    ("sqrt", (np.array([-1.0, 4.0]),), {}, np.array([0.0, 2.0])),
    ("square", (A,), {}, A**2),
    ("pow", (np.abs(A), 1.5), {}, np.abs(A) ** 1.5),
    ("round", (A,), {}, A.round()),
    ("clip", (A, -0.5, None), {}, A.clip(-0.5)),
    ("clip", (A, None, 0.5), {}, A.clip(max=0.5)),
    ("maximum", (A, B), {}, np.maximum(A, B)),
    ("not_equal", (A, A), {}, np.zeros_like(A, bool)),
    ("dot", (A, C), {}, A @ C),
    ("dot", (A, IMAGES[0].reshape(5, 4, 3)), {}, np.dot(A, IMAGES[0].reshape(5, 4, 3))),
    ("batch_dot", (A, B), {"axes": 1}, (A * B).sum(1, keepdims=True)),
    ("batch_dot", (IMAGES[:, 0], IMAGES[:, 1]), {"axes": (2, 2)}, IMAGES[:, 0] @ IMAGES[:, 1].swapaxes(1, 2)),
    ("batch_dot", (IMAGES[:, 0], IMAGES[:, :3, 0]), {}, IMAGES[:, 0] @ IMAGES[:, :3, 0]),
    ("transpose", (A,), {}, A.T),
    ("gather", (A, np.array([2, 0])), {}, A[[2, 0]]),
    ("l2_normalize", (A,), {"axis": 1}, A / np.linalg.norm(A, axis=1, keepdims=True)),
    ("concatenate", ([A, B],), {}, np.concatenate([A, B], -1)),
    ("permute_dimensions", (IMAGES, (0, 3, 1, 2)), {}, IMAGES.transpose(0, 3, 1, 2)),
    ("reshape", (A, (2, -1)), {}, A.reshape(2, -1)),
    ("expand_dims", (A,), {}, A[..., None]),
    ("squeeze", (A[:1], 0), {}, A[0]),
    ("flatten", (A,), {}, A.ravel()),
    ("batch_flatten", (IMAGES,), {}, IMAGES.reshape(2, -1)),
    ("repeat", (A, 2), {}, np.stack([A, A], 1)),
    ("repeat_elements", (A, 2, 1), {}, A.repeat(2, 1)),
    ("tile", (A, (2, 1)), {}, np.tile(A, (2, 1))),
    ("reverse", (A, [0, 1]), {}, A[::-1, ::-1]),
    ("slice", (A, (1, 0), (2, -1)), {}, A[1:3]),
    ("stack", ([A, B],), {"axis": 1}, np.stack([A, B], 1)),
    ("one_hot", (np.array([1, 0]), 3), {}, np.eye(3)[[1, 0]]),
    ("temporal_padding", (IMAGES[0], (1, 2)), {}, np.pad(IMAGES[0], ((0, 0), (1, 2), (0, 0)))),
    ("spatial_2d_padding", (IMAGES, ((1, 0), (2, 1))), {}, np.pad(IMAGES, ((0, 0), (1, 0), (2, 1), (0, 0)))),
    (
        "spatial_2d_padding",
        (IMAGES, ((1, 0), (2, 1)), "channels_first"),
        {},
        np.pad(IMAGES, ((0, 0), (0, 0), (1, 0), (2, 1))),
    ),
    ("resize_images", (IMAGES, 2, 3, "channels_last"), {}, IMAGES.repeat(2, 1).repeat(3, 2)),
    ("relu", (A,), {"alpha": 0.1, "max_value": 1.0}, np.minimum(np.where(A > 0, A, 0.1 * A), 1)),
    ("relu", (A,), {"threshold": 0.5}, np.where(A >= 0.5, A, 0)),
    ("hard_sigmoid", (A,), {}, (0.2 * A + 0.5).clip(0, 1)),
    ("sigmoid", (A,), {}, sigmoid(A)),
    ("softmax", (A,), {}, np.exp(A) / np.exp(A).sum(-1, keepdims=True)),
    ("bias_add", (IMAGES, np.arange(3.0)), {}, IMAGES + np.arange(3.0)),
    ("bias_add", (IMAGES, np.arange(4.0), "channels_first"), {}, IMAGES + np.arange(4.0)[:, None, None]),
    ("pool2d", (IMAGES, (2, 2)), {"strides": (2, 2)}, IMAGES[:, :, :4].reshape(2, 2, 2, 2, 2, 3).max((2, 4))),
    (
        "pool2d",
        (IMAGES, (2, 2)),
        {"strides": (2, 2), "pool_mode": "avg"},
        IMAGES[:, :, :4].reshape(2, 2, 2, 2, 2, 3).mean((2, 4)),
    ),
    ("batch_normalization", (A, A.mean(0), A.var(0), None, None), {}, (A - A.mean(0)) / np.sqrt(A.var(0) + 1e-3)),
    ("binary_crossentropy", (np.ones(1), np.array([0.25])), {}, -np.log([0.25])),
    ("sparse_categorical_crossentropy", (np.array([[1]]), np.array([[0.2, 0.8]])), {}, -np.log([0.8])),
    ("in_top_k", (np.array([[0.1, 0.9]]), np.array([1]), 1), {}, np.array([True])),
    ("constant", (3,), {"shape": (2, 2)}, np.full((2, 2), 3.0)),
    ("arange", (1, 7, 2), {}, np.arange(1, 7, 2)),
    ("eye", (2,), {}, np.eye(2)),
    ("zeros", ((2, 3),), {}, np.zeros((2, 3))),
    ("ones_like", (A,), {}, np.ones_like(A)),
]


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "expected"), EXPECTED, ids=[f"{e[0]}-{i}" for i, e in enumerate(EXPECTED)]
)
def test_values(name, args, kwargs, expected):
    found = getattr(K, name)(*args, **kwargs)
    assert tuple(found.shape) == np.shape(expected)
    np.testing.assert_allclose(K.eval(found), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_conv1d_is_the_layer(padding):
    layer = ef.layers.Conv1D(4, 2, padding=padding, dilation_rate=2, use_bias=False)
    x = IMAGES[0]
    np.testing.assert_allclose(
        K.conv1d(x, layer(x) is not None and layer.kernel, padding=padding, dilation_rate=2), layer(x), rtol=1e-5
    )


LISTS = [
    ("batch_dot", ([[1.0, 2.0]], [[3.0, 4.0]]), {"axes": 1}, [[11.0]]),
    ("batch_normalization", ([[1.0], [5.0]], [3.0], [4.0], None, None), {"epsilon": 1e-12}, [[-1.0], [1.0]]),
    ("sparse_categorical_crossentropy", ([1], [[0.5, 0.5]]), {}, [np.log(2)]),
    ("hard_sigmoid", ([-3.0, 0.0],), {}, [0.0, 0.5]),
    ("relu", ([-1.0, 3.0],), {"threshold": 2.0}, [0.0, 3.0]),
    ("bias_add", ([[[1.0, 1.0]]], [10.0]), {"data_format": "channels_first"}, [[[11.0, 11.0]]]),
    ("batch_flatten", ([[[1, 2], [3, 4]]],), {}, [[1, 2, 3, 4]]),
    ("resize_images", ([[[[3.0]]]], 1, 2, "channels_last", "bilinear"), {}, [[[[3.0], [3.0]]]]),
    ("slice", ([[1, 2, 3], [4, 5, 6]], [0, 1], [2, -1]), {}, [[2, 3], [5, 6]]),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "expected"), LISTS, ids=[case[0] for case in LISTS])
def test_lists_are_tensors(name, args, kwargs, expected):
    np.testing.assert_allclose(K.eval(getattr(K, name)(*args, **kwargs)), expected, rtol=1e-5, atol=1e-6)


def test_lists_of_sequences_are_tensors():
    even = [[[0.5, 0.5], [0.5, 0.5]]]
    np.testing.assert_allclose(np.exp(-K.eval(K.ctc_batch_cost([[0]], even, [[2]], [[1]]))), [[0.75]], rtol=1e-5)
    labels, _ = K.ctc_decode([[[0.9, 0.1], [0.1, 0.9]]], [2])
    assert labels[0].tolist() == [[0, -1]]
    normed, mean, variance = K.normalize_batch_in_training([[1.0], [5.0]], [1.0], [0.0], [0])
    assert (normed.numpy().round(2).tolist(), mean.tolist(), variance.tolist()) == ([[-1.0], [1.0]], [3.0], [4.0])


def test_conv2d_transpose_refuses_a_shape_that_does_not_fit():
    kernel = np.ones((3, 3, 2, 3), "float32")
    assert K.conv2d_transpose(IMAGES, kernel, (2, 8, 10, 2), (2, 2), "same").shape == (2, 8, 10, 2)
    with pytest.raises(ValueError, match="output_shape"):
        K.conv2d_transpose(IMAGES, kernel, (2, 9, 10, 2), (2, 2), "same")


def test_variables():
    v = K.variable([[1, 2]], name="v")
    assert (K.dtype(v), K.int_shape(v), K.ndim(v), K.count_params(v)) == ("float32", (1, 2), 2, 2)
    K.set_value(v, [[3, 4]])
    K.update_add(v, K.ones_like(v))
    assert K.get_value(v).tolist() == [[4, 5]]
    K.batch_set_value([(v, [[0, 8]])])
    K.moving_average_update(v, K.zeros((1, 2)), 0.5)
    assert K.batch_get_value([v])[0].tolist() == [[0, 4]]
    assert K.is_variable(v)
    assert K.is_tensor(v)
    assert not K.is_placeholder(v)
    assert not K.is_sparse(v)


def test_the_learning_rate_is_set_as_callbacks_do(keras_2):
    optimizer = ef.optimizers.SGD(lr=0.5)
    K.set_value(optimizer.lr, 0.25 * K.get_value(optimizer.lr))
    assert float(K.get_value(optimizer.lr)) == 0.125
    with pytest.raises(TypeError, match="learning_rate"):
        K.set_value(0.5, 1)


def test_random_numbers_have_the_moments_that_were_asked_for():
    ef.utils.set_random_seed(1)
    assert abs(K.eval(K.random_normal((4000,), 2.0, 0.5)).mean() - 2) < 0.05
    drawn = K.eval(K.random_uniform((4000,), -1, 3))
    assert drawn.min() >= -1
    assert drawn.max() < 3
    assert abs(drawn.mean() - 1) < 0.1
    assert abs(K.eval(K.random_binomial((4000,), 0.25)).mean() - 0.25) < 0.05
    assert np.abs(K.eval(K.truncated_normal((4000,)))).max() <= 2
    assert K.random_normal_variable((2, 3), 0, 1).shape == K.random_uniform_variable((2, 3), 0, 1).shape


def test_settings():
    assert K.backend() == "tensorflow"
    assert K.image_dim_ordering() == "tf"
    K.set_image_dim_ordering("th")
    assert K.image_data_format() == "channels_first" == K.normalize_data_format(None)
    with pytest.raises(ValueError, match="'tf' or 'th'"):
        K.set_image_dim_ordering("channels_last")
    K.set_floatx("float64")
    assert K.cast_to_floatx([1]).dtype == "float64"
    assert K.variable(1).dtype == "float64"


def test_loops():
    rows = np.arange(6.0, dtype="float32").reshape(3, 2)
    assert K.eval(K.map_fn(lambda r: r * 2, rows)).tolist() == (rows * 2).tolist()
    assert K.eval(K.foldl(lambda a, r: a * 2 + r, rows)).tolist() == [4 * 0 + 2 * 2 + 4, 4 * 1 + 2 * 3 + 5]
    assert K.eval(K.foldr(lambda a, r: a - r, rows)).tolist() == [4 - 2 - 0, 5 - 3 - 1]


@pytest.mark.parametrize("go_backwards", [False, True])
def test_rnn_runs_the_steps_in_order_and_masks_hold_the_state(go_backwards):
    x = np.arange(1.0, 7.0, dtype="float32").reshape(1, 3, 2)

    def step(inputs, states):
        total = states[0] + inputs + states[1]
        return total, [total]

    last, outputs, states = K.rnn(
        step, x, [np.zeros((1, 2), "float32")], go_backwards, mask=[[True, False, True]], constants=[10.0]
    )
    first, second = (x[0, 2], x[0, 0]) if go_backwards else (x[0, 0], x[0, 2])
    expected = [first + 10, first + 10, first + second + 20]
    np.testing.assert_allclose(outputs[0], expected)
    np.testing.assert_allclose(last[0], expected[-1])
    np.testing.assert_allclose(states[0][0], expected[-1])


def test_switch():
    assert float(K.switch(True, lambda: K.constant(1), lambda: K.constant(2))) == 1
    assert K.eval(K.switch(K.greater([1.0, -1.0], 0), [1.0, 1.0], [2.0, 2.0])).tolist() == [1, 2]
    x = ef.Input((2,))
    model = ef.Model(x, K.switch(K.greater(x, 0), x, -x))
    assert model.predict(np.array([[-1.0, 2.0]]), verbose=0).tolist() == [[1, 2]]
    again = ef.Model.from_config(model.get_config())
    assert again.predict(np.array([[-1.0, 2.0]]), verbose=0).tolist() == [[1, 2]]


def test_switch_of_whole_rows():
    x = ef.Input((2,))
    model = ef.Model(x, K.switch(K.greater(K.sum(x, axis=1), 0), x, -x))
    assert model.predict(np.array([[-3.0, 2.0], [3.0, -2.0]]), verbose=0).tolist() == [[3, -2], [3, -2]]


def test_the_learning_phase_is_that_of_the_call():
    class Doubling(ef.layers.Layer):
        def call(self, inputs, training=False):
            return K.in_train_phase(inputs * 2, inputs)

    layer = Doubling()
    assert layer([[1.0]], training=True).tolist() == [[2]]
    assert layer([[1.0]]).tolist() == [[1]]
    assert K.in_test_phase(1, 2, training=True) == 2
    with K.learning_phase_scope(0):
        assert K.learning_phase() == 0


def test_a_learning_phase_that_layers_would_not_follow_is_warned_of():
    with pytest.warns(UserWarning, match="training=True"), K.learning_phase_scope(1):
        assert K.learning_phase() == 1
    assert K.learning_phase() == 0
    with pytest.raises(ValueError, match="0 or 1"):
        K.set_learning_phase(2)


def test_ctc():
    probabilities = np.full((1, 2, 3), 0.25, "float32")
    probabilities[..., 2] = 0.5  # the blank
    cost = K.ctc_batch_cost(np.array([[0]]), probabilities, np.array([[2]]), np.array([[1]]))
    ways = 0.25 * 0.5 + 0.5 * 0.25 + 0.25 * 0.25
    np.testing.assert_allclose(cost, [[-np.log(ways)]], rtol=1e-4)
    sure = np.array([[[0.9, 0.05, 0.05], [0.05, 0.05, 0.9], [0.05, 0.9, 0.05]]], "float32")
    paths, _ = K.ctc_decode(sure, np.array([3]))
    assert [n for n in K.eval(paths[0])[0].tolist() if n >= 0] == [0, 1]


def test_numbers_of_symbolic_tensors_are_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"K\.function"):
        K.eval(ef.Input((2,)))
