"""The functions of `tensorflow` that scripts use, judged by NumPy."""

from __future__ import annotations

import copy
import math
import pickle
import sys
import time

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.compat.faces import face

tf = face("tensorflow")
RNG = np.random.default_rng(4)
A = RNG.normal(size=(3, 4)).astype("float32")
B = RNG.normal(size=(3, 4)).astype("float32")
IMAGES = RNG.normal(size=(2, 4, 6, 3)).astype("float32")
GRAM = A @ A.T + 3 * np.eye(3, dtype="float32")
LOGITS = np.array([[1.0, 2.0, -1.0]], "float32")
SOFT = np.exp(LOGITS) / np.exp(LOGITS).sum()

EXPECTED = [
    ("reduce_mean", (A,), {"axis": 0}, A.mean(0)),
    ("reduce_sum", (A,), {"axis": [0, 1]}, A.sum()),
    ("reduce_max", (A,), {"axis": 1, "keepdims": True}, A.max(1, keepdims=True)),
    ("math.reduce_std", (A,), {}, A.std()),
    ("argmax", (A,), {}, A.argmax(0)),
    ("argmax", (A,), {"axis": 1}, A.argmax(1)),
    ("math.lgamma", ([5.0],), {}, [np.log(24)]),
    ("math.digamma", ([1.0],), {}, [-0.5772157]),
    ("math.angle", ([1j],), {}, [np.pi / 2]),
    ("math.rint", ([0.5, 1.5],), {}, [0, 2]),
    ("math.reciprocal_no_nan", ([0.0, 2.0],), {}, [0, 0.5]),
    ("math.zero_fraction", ([0, 3, 0, 4],), {}, 0.5),
    ("math.squared_difference", ([1 + 2j], [0j]), {}, [5]),
    ("math.l2_normalize", ([3 + 4j, 0j],), {}, [0.6 + 0.8j, 0]),
    ("math.l2_normalize", ([3, 4],), {}, [0.6, 0.8]),
    ("matmul", (A, B), {"transpose_b": True}, A @ B.T),
    ("matmul", (A, B), {"transpose_a": True}, A.T @ B),
    ("add", (A, B), {"name": "sum"}, A + B),
    ("add_n", ([A, B, B],), {}, A + 2 * B),
    ("math.squared_difference", (A, B), {}, (A - B) ** 2),
    ("clip_by_value", (A, -0.5, 0.5), {}, A.clip(-0.5, 0.5)),
    ("clip_by_norm", (A, 1.0), {}, A / np.linalg.norm(A)),
    ("math.l2_normalize", (A,), {"axis": 1}, A / np.linalg.norm(A, axis=1, keepdims=True)),
    ("cumsum", (A,), {"axis": 1, "exclusive": True}, A.cumsum(1) - A),
    ("cumsum", (A,), {"axis": 1, "reverse": True}, A[:, ::-1].cumsum(1)[:, ::-1]),
    ("math.confusion_matrix", ([0, 1, 1], [0, 1, 0]), {}, [[1, 0], [1, 1]]),
    ("math.count_nonzero", ([0, 3, 4],), {}, 2),
    ("math.multiply_no_nan", ([np.inf, 2.0], [0.0, 3.0]), {}, [0, 6]),
    ("norm", (A,), {}, np.linalg.norm(A)),
    ("norm", (A,), {"ord": 1, "axis": 1}, np.abs(A).sum(1)),
    ("concat", ([A, B], 1), {}, np.concatenate([A, B], 1)),
    ("stack", ([A, B],), {"axis": 1}, np.stack([A, B], 1)),
    ("reshape", (A, [2, -1]), {}, A.reshape(2, -1)),
    ("transpose", (IMAGES,), {"perm": [0, 3, 1, 2]}, IMAGES.transpose(0, 3, 1, 2)),
    ("expand_dims", (A, 0), {}, A[None]),
    ("squeeze", (A[None, :, :, None],), {"axis": [0, 3]}, A),
    ("tile", (A, [1, 2]), {}, np.tile(A, (1, 2))),
    ("gather", (A, [2, 0]), {}, A[[2, 0]]),
    ("gather", (A, [2, 0]), {"axis": 1}, A[:, [2, 0]]),
    ("gather", (A, [[0], [1], [3]]), {"batch_dims": 1}, A[np.arange(3), [0, 1, 3]][:, None]),
    ("gather_nd", (A, [[0, 1], [2, 3]]), {}, A[[0, 2], [1, 3]]),
    ("scatter_nd", ([[1], [3]], [5.0, 6.0], (4,)), {}, [0, 5, 0, 6]),
    ("boolean_mask", (A, [True, False, True]), {}, A[[0, 2]]),
    ("boolean_mask", (A, [True, False, True, False]), {"axis": 1}, A[:, [0, 2]]),
    ("where", ([True, False, True],), {}, [[0], [2]]),
    ("where", (A > 0, A, 0.0), {}, np.where(A > 0, A, 0)),
    ("slice", (A, [1, 0], [-1, 2]), {}, A[1:, :2]),
    ("pad", (A, [[1, 0], [0, 2]]), {}, np.pad(A, ((1, 0), (0, 2)))),
    ("pad", (A, [[1, 0], [0, 2]], "REFLECT"), {}, np.pad(A, ((1, 0), (0, 2)), "reflect")),
    ("one_hot", ([1, 0], 3), {"on_value": 5.0, "off_value": -1.0}, np.eye(3)[[1, 0]] * 6 - 1),
    ("range", (2, 8, 3), {}, [2, 5]),
    ("fill", ([2, 2], 7), {}, [[7, 7], [7, 7]]),
    ("eye", (2,), {}, np.eye(2)),
    ("sort", (A,), {"direction": "DESCENDING"}, -np.sort(-A)),
    ("argsort", (A,), {"direction": "DESCENDING"}, np.argsort(-A)),
    ("reverse", (A, [1]), {}, A[:, ::-1]),
    ("cast", ([1.7, 2.2], "int32"), {}, [1, 2]),
    ("nn.relu", (A,), {}, A.clip(0)),
    ("nn.leaky_relu", (A,), {}, np.where(A > 0, A, 0.2 * A)),
    ("nn.softmax", (LOGITS,), {}, SOFT),
    ("nn.l2_loss", (A,), {}, (A**2).sum() / 2),
    ("nn.softmax_cross_entropy_with_logits", ([[0.0, 1.0, 0.0]], LOGITS), {}, -np.log(SOFT[:, 1])),
    ("nn.sparse_softmax_cross_entropy_with_logits", ([1], LOGITS), {}, -np.log(SOFT[:, 1])),
    ("nn.sigmoid_cross_entropy_with_logits", (np.ones((1, 3)), LOGITS), {}, np.log1p(np.exp(-LOGITS))),
    (
        "nn.weighted_cross_entropy_with_logits",
        (np.full((1, 3), 0.25), LOGITS, 3.0),
        {},
        0.75 * np.log1p(np.exp(-LOGITS)) + 0.75 * np.log1p(np.exp(LOGITS)),
    ),
    ("nn.max_pool2d", (IMAGES, 2, 2, "VALID"), {}, IMAGES.reshape(2, 2, 2, 3, 2, 3).max((2, 4))),
    ("nn.max_pool3d", (IMAGES[:, None], 2, 2, "SAME"), {}, IMAGES.reshape(2, 1, 2, 2, 3, 2, 3).max((3, 5))),
    ("nn.avg_pool3d", (IMAGES[:, None], 1, 2, "SAME"), {}, IMAGES[:, None, ::2, ::2]),
    ("nn.avg_pool", (IMAGES, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), {}, IMAGES.reshape(2, 2, 2, 3, 2, 3).mean((2, 4))),
    ("nn.embedding_lookup", (A, [1, 1]), {}, A[[1, 1]]),
    ("nn.zero_fraction", ([0.0, 1.0, 0.0, 2.0],), {}, 0.5),
    ("nn.bias_add", (IMAGES, [1.0, 2.0, 3.0]), {}, IMAGES + np.arange(1, 4)),
    ("linalg.matvec", (A, [1.0, 2.0, 3.0, 4.0]), {}, A @ [1, 2, 3, 4]),
    ("cumsum", ([1.0, 1e9, math.inf],), {"exclusive": True}, [0.0, 1.0, 1e9]),
    ("cumsum", (A,), {"axis": -1, "exclusive": True, "reverse": True}, A[:, ::-1].cumsum(1)[:, ::-1] - A),
    ("math.cumprod", ([2.0, 0.0, 3.0],), {"exclusive": True}, [1.0, 2.0, 0.0]),
    ("math.cumprod", ([2.0, 0.0, 3.0],), {"reverse": True}, [0.0, 0.0, 3.0]),
    ("asinh", (A,), {}, np.arcsinh(A)),
    ("acosh", (A**2 + 1,), {}, np.arccosh(A**2 + 1)),
    ("math.atanh", (SOFT,), {}, np.arctanh(SOFT)),
    ("math.erfc", ([0.0, 1.0],), {}, [1 - math.erf(0.0), 1 - math.erf(1.0)]),
    ("math.erfinv", ([0.0, math.erf(0.5)],), {}, [0.0, 0.5]),
    ("linalg.cross", (A[:, :3], B[:, :3]), {}, np.cross(A[:, :3], B[:, :3])),
    ("linalg.logdet", (GRAM,), {}, np.log(np.linalg.det(GRAM))),
    ("linalg.triangular_solve", (GRAM, A[:, :2]), {}, np.linalg.solve(np.tril(GRAM), A[:, :2])),
    ("linalg.triangular_solve", (GRAM, A[:, :2]), {"adjoint": True}, np.linalg.solve(np.tril(GRAM).T, A[:, :2])),
    ("linalg.svd", (A,), {"compute_uv": False}, np.linalg.svd(A)[1]),
    ("linalg.diag", ([1.0, 2.0],), {}, np.diag([1, 2])),
    ("linalg.diag_part", (A[:, :3],), {}, np.diag(A)),
    ("linalg.band_part", (A, -1, 0), {}, np.tril(A)),
    ("linalg.band_part", (A, 0, 1), {}, np.triu(A) - np.triu(A, 2)),
    ("image.flip_left_right", (IMAGES,), {}, IMAGES[:, :, ::-1]),
    ("image.adjust_brightness", (IMAGES, 0.5), {}, IMAGES + 0.5),
    ("image.convert_image_dtype", (np.array([0, 255], "uint8"), "float32"), {}, [0, 1]),
]


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "expected"), EXPECTED, ids=[f"{e[0]}-{i}" for i, e in enumerate(EXPECTED)]
)
def test_values(name, args, kwargs, expected):
    function = tf
    for part in name.split("."):
        function = getattr(function, part)
    found = function(*args, **kwargs)
    assert isinstance(found, tf.Tensor)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_lists_are_tensors():
    """As everywhere in TensorFlow."""
    square = [[[[1.0], [2.0]], [[3.0], [4.0]]]]
    assert tf.nn.max_pool2d(square, 2, 2, "VALID").tolist() == [[[[4.0]]]]
    assert tf.nn.avg_pool2d(square, 2, 2, "VALID").tolist() == [[[[2.5]]]]
    assert tf.nn.bias_add([[[1.0, 1.0]]], [10.0], data_format="NCW").tolist() == [[[11.0, 11.0]]]
    assert tf.debugging.assert_all_finite([1.0, 2.0], "weights").tolist() == [1.0, 2.0]


def test_conv2d_is_the_layer():
    layer = ef.layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)
    expected = layer(IMAGES)
    for strides in (2, [2, 2], [1, 2, 2, 1]):
        np.testing.assert_allclose(tf.nn.conv2d(IMAGES, layer.kernel, strides, "SAME"), expected, rtol=1e-5)


def test_split_by_count_and_by_lengths():
    assert [t.shape for t in tf.split(A, 2, axis=1)] == [(3, 2), (3, 2)]
    assert [t.shape for t in tf.split(A, [1, -1], axis=1)] == [(3, 1), (3, 3)]
    np.testing.assert_allclose(tf.split(A, [1, 3], axis=1)[1], A[:, 1:])


def test_unique_keeps_the_order():
    values, places = tf.unique([5, 2, 5, 9, 2])
    assert values.numpy().tolist() == [5, 2, 9]
    assert places.numpy().tolist() == [0, 1, 0, 2, 1]


def test_variables_have_tensorflows_arguments():
    v = tf.Variable(initial_value=lambda: np.zeros((2, 3), "float32"), trainable=False, name="v")
    assert (v.shape, v.dtype, v.trainable, v.name) == ((2, 3), tf.float32, False, "v")
    assert tf.Variable(2.0, True).trainable
    assert isinstance(ef.Variable(1.0), tf.Variable)
    assert not isinstance(tf.constant(1.0), tf.Variable)
    with pytest.raises(ValueError, match="initial_value"):
        tf.Variable()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_variables_can_be_copied(copied):
    v = tf.Variable([1.0, 2.0], name="v")
    again = copied(v)
    v.assign([0.0, 0.0])
    assert again.numpy().tolist() == [1, 2]


def test_symbolic_tensors_are_tensors():
    assert isinstance(tf.keras.Input((3,)), tf.Tensor)
    model = tf.keras.Model(x := tf.keras.Input((4,)), tf.reduce_sum(tf.nn.relu(x), axis=1, keepdims=True))
    np.testing.assert_allclose(model.predict(A, verbose=0), A.clip(0).sum(1, keepdims=True), rtol=1e-5)


def test_functions_are_themselves():
    @tf.function
    def plain(x):
        return x + 1

    @tf.function(jit_compile=True, input_signature=[tf.TensorSpec([None], tf.float32)])
    def configured(x):
        return x + 2

    assert (plain(1), configured(1)) == (2, 3)


def test_a_training_loop():
    tf.random.set_seed(0)
    w, b = tf.Variable(tf.random.normal([4, 1])), tf.Variable(0.0)
    y = tf.reduce_sum(tf.constant(A), axis=1, keepdims=True)
    optimizer = tf.keras.optimizers.SGD(learning_rate=0.05)
    values = []
    for _ in range(20):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.matmul(A, w) + b - y))
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, [w, b]), 5.0)
        optimizer.apply_gradients(zip(gradients, [w, b]))
        values.append(float(loss))
    assert values[-1] < values[0] / 2


def test_modules_know_their_variables():
    class Linear(tf.Module):
        def __init__(self, name=None):
            super().__init__(name=name)
            self.w = tf.Variable(tf.ones([4, 1]))

        def __call__(self, x):
            return tf.matmul(x, self.w)

    linear = Linear()
    assert linear(A).shape == (3, 1)
    assert [v is linear.w for v in linear.trainable_variables] == [True]


def test_data_sets():
    rows = tf.data.Dataset.from_tensor_slices((A, np.arange(3))).map(lambda x, y: (x * 2, y)).batch(2)
    assert isinstance(rows, tf.data.Dataset)
    assert [tuple(x.shape) for x, _ in rows.prefetch(tf.data.AUTOTUNE)] == [(2, 4), (1, 4)]
    made = tf.data.Dataset.from_generator(
        lambda n: iter(range(n)), output_signature=tf.TensorSpec([], tf.int32), args=(3,)
    )
    assert [int(x) for x in made] == [0, 1, 2]
    assert len(list(tf.data.Dataset.from_tensors(A))) == 1


def test_random_numbers():
    assert tf.random.uniform([5], maxval=3, dtype=tf.int32).dtype == tf.int32
    assert tf.random.normal([2, 3]).dtype == tf.float32
    with pytest.raises(ValueError, match="maxval"):
        tf.random.uniform([2], dtype=tf.int64)
    assert sorted(tf.random.shuffle([1, 2, 3]).numpy().tolist()) == [1, 2, 3]


def test_print_shows_values(capsys, tmp_path):
    tf.print("loss", tf.constant(1.5), end="!\n")
    assert capsys.readouterr().err == "loss 1.5!\n"
    tf.print(1, tf.constant(2), sep="|", output_stream=sys.stdout)
    assert capsys.readouterr().out == "1|2\n"
    for _ in range(2):
        tf.print("line", output_stream=f"file://{tmp_path / 'log.txt'}")
    assert (tmp_path / "log.txt").read_text() == "line\nline\n"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([tf.constant("hi")], "hi"),
        (["a", tf.constant("hi")], 'a "hi"'),
        ([tf.constant(["a", "b"])], '["a" "b"]'),
        ([["a", tf.constant("a")]], "['a', \"a\"]"),
        ([{"k": tf.constant("hi"), "n": tf.constant(1.5)}], "{'k': \"hi\", 'n': 1.5}"),
        ([tf.range(10)], "[0 1 2 ... 7 8 9]"),
        ([tf.constant([0.1, 1e-8, 1e8, 3.0, 1 / 3])], "[0.1 1e-08 1e+08 3 0.333333343]"),
        ([tf.constant(1 / 3, tf.float64)], "0.33333333333333331"),
        ([tf.constant([True, False])], "[1 0]"),
        (
            [tf.zeros((2, 2, 7))],
            "[[[0 0 0 ... 0 0 0]\n  [0 0 0 ... 0 0 0]]\n\n [[0 0 0 ... 0 0 0]\n  [0 0 0 ... 0 0 0]]]",
        ),
        ([tf.constant(float("nan")), None], "nan None"),
    ],
)
def test_print_has_the_form_of_tensorflow(capsys, given, shown):
    tf.print(*given)
    assert capsys.readouterr().err == f"{shown}\n"


def test_all_numbers_are_printed_where_that_is_asked_for(capsys):
    tf.print(tf.range(8), summarize=-1)
    tf.print(tf.range(8), summarize=1)
    assert capsys.readouterr().err == "[0 1 2 3 4 5 6 7]\n[0 ... 7]\n"


def test_the_time_is_a_number():
    before = time.time()
    assert before <= float(tf.timestamp()) <= time.time()
    assert tf.timestamp().dtype == tf.float64


def test_assertions():
    tf.debugging.assert_equal([1, 2], [1, 2])
    tf.debugging.assert_shapes([(A, ("rows", 4)), (B, ("rows", "columns"))])
    with pytest.raises(ValueError, match="x == y"):
        tf.debugging.assert_equal([1, 2], [1, 3], message="no")
    with pytest.raises(ValueError, match="shape"):
        tf.debugging.assert_shapes([(A, ("n", "n"))])
    with pytest.raises(ValueError, match="finite"):
        tf.debugging.assert_all_finite([np.nan], "no")


def test_settings_change_nothing():
    assert tf.executing_eagerly()
    tf.compat.v1.disable_eager_execution()
    tf.config.run_functions_eagerly(False)
    assert tf.executing_eagerly()
    for gpu in tf.config.experimental.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    assert tf.config.list_physical_devices("CPU")[0].device_type == "CPU"
    with tf.device("/GPU:0"), tf.name_scope("block"):
        assert float(tf.identity(1.0)) == 1


def test_images():
    assert tf.image.resize(IMAGES, (8, 12)).shape == (2, 8, 12, 3)
    standard = tf.image.per_image_standardization(IMAGES).numpy()
    np.testing.assert_allclose(standard.mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(standard.std((1, 2, 3)), 1, atol=1e-4)
    flipped = tf.image.random_flip_left_right(IMAGES, seed=1).numpy()
    for before, after in zip(IMAGES, flipped):
        assert (after == before).all() or (after == before[:, ::-1]).all()


def test_clipping_zeros_has_a_gradient():
    zeros = tf.Variable(np.zeros((2, 3)))
    with tf.GradientTape(persistent=True) as tape:
        by_norm = tf.clip_by_norm(zeros, 4.0)
        (by_global_norm,), length = tf.clip_by_global_norm([zeros], 4.0)
    for clipped in (by_norm, by_global_norm):
        assert np.array_equal(tape.gradient(clipped, zeros), np.ones((2, 3)))
    assert not np.any(tape.gradient(length, zeros))


def test_factors_come_in_the_order_of_tensorflow():
    s, u, v = tf.linalg.svd(A)
    assert (s.shape, u.shape, v.shape) == ((3,), (3, 3), (4, 3))
    assert np.allclose(u @ tf.linalg.diag(s) @ tf.linalg.matrix_transpose(v), A, atol=1e-5)
    values, vectors = tf.linalg.eigh(GRAM)
    assert np.allclose(GRAM @ vectors, vectors * values, atol=1e-4)
    sign, logarithm = tf.linalg.slogdet(-GRAM)
    assert float(sign) == -1.0
    assert np.isclose(float(logarithm), np.log(np.linalg.det(GRAM)))


def test_generators_of_data_sets_are_functions():
    with pytest.raises(TypeError, match=r"got generator\. Pass the function itself"):
        tf.data.Dataset.from_generator((x for x in [1.0]), output_types="float32")


@pytest.mark.parametrize(
    ("told", "fits"), [((5,), False), ((4, 1), False), ((None,), True), ((4,), True), (None, True)]
)
def test_elements_have_the_shapes_of_the_signature(told, fits):
    signature = (tf.TensorSpec(told, tf.float32), {"y": tf.TensorSpec((), tf.float32)})
    data = tf.data.Dataset.from_generator(lambda: iter([(np.ones(4), {"y": 1.0})]), output_signature=signature)
    if fits:
        assert next(iter(data))[0].shape == (4,)
    else:
        with pytest.raises(ValueError, match=r"shape \(4,\), where output_signature says"):
            next(iter(data))


def test_lists_of_a_generator_are_what_the_signature_says():
    signature = (tf.TensorSpec((), tf.int32), tf.TensorSpec((2,), tf.float32))
    pairs = tf.data.Dataset.from_generator(lambda: ((i, [i] * 2) for i in range(2)), output_signature=signature)
    assert [(int(a), b.numpy().tolist(), b.dtype) for a, b in pairs][1] == (1, [1.0, 1.0], tf.float32)
    rows = tf.data.Dataset.from_generator(lambda: ([1, 2], (3, 4)), output_types=tf.int32)
    assert [row.numpy().tolist() for row in rows] == [[1, 2], [3, 4]]
    words = tf.data.Dataset.from_generator(lambda: [["a", "b"]], output_types=tf.string)
    assert next(iter(words)).numpy().tolist() == [b"a", b"b"]
    named = tf.data.Dataset.from_generator(lambda: [{"x": [1.0]}], output_types={"x": tf.float32})
    assert next(iter(named))["x"].shape == (1,)
    few = tf.data.Dataset.from_generator(lambda: [(1, 2)], output_types=(tf.int32, tf.int32, tf.int32))
    with pytest.raises(ValueError, match=r"gave 2 parts, where .* name 3"):
        next(iter(few))


def test_counts_have_numpy_and_stay_numbers():
    counts = tf.rank(A), tf.size(A), tf.shape(A)[0]
    assert [int(n.numpy()) for n in counts] == [2, 12, 3]
    assert all(isinstance(n, int) for n in counts)
    assert (tf.ones(2) * counts[0]).dtype == tf.float32
    assert tf.zeros((tf.shape(A)[0], 2)).shape == (3, 2)
    assert tf.shape(tf.keras.Input((4,)))[0] is None


def test_what_unique_gives_has_names():
    found = tf.unique(tf.constant([7, 5, 7]))
    assert [x.numpy().tolist() for x in (found.y, found.idx)] == [[7, 5], [0, 1, 0]]
    assert tf.unique([1, 1, 2]).y.numpy().tolist() == [1, 2]


def test_some_values_of_a_variable_are_replaced():
    variable = tf.Variable([1.0, 2.0, 3.0])
    assert variable.scatter_nd_update([[1]], [7.0]).numpy().tolist() == [1.0, 7.0, 3.0]
    assert variable.numpy().tolist() == [1.0, 7.0, 3.0]


def test_tensors_cannot_be_set():
    with pytest.raises(AttributeError, match="Tensors don't change"):
        tf.ones(3).assign_add(1.0)


def test_missing_names_lead_to_what_there_is():
    with pytest.raises(AttributeError, match=r"model\.export\('name\.onnx'\)"):
        tf.lite.TFLiteConverter()


def test_arguments_that_tensorboard_never_had_are_told_of():
    from eagerflow.compat.tensorboard import OlderTensorBoard

    for kind in (ef.callbacks.TensorBoard, OlderTensorBoard):
        with pytest.raises(TypeError, match=r"^TensorBoard has no argument 'write_grad' .*Known: log_dir, "):
            kind("logs", write_grad=True)


def events(folder):
    """What stands in the files of a folder, by tag: `(step, kind)`."""
    from tensorboardX.proto import event_pb2

    found = {}
    for path in sorted(folder.iterdir()):
        data, at = path.read_bytes(), 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 8], "little")
            event = event_pb2.Event.FromString(data[at + 12 : at + 12 + length])
            at += length + 16
            for value in event.summary.value:
                found.setdefault(value.tag, []).append(event.step)
    return found


def test_summaries_are_written_where_a_writer_is_told_to(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path / "run"))
    assert not tf.summary.scalar("nowhere", 1.0, step=0)
    with writer.as_default():
        for step in range(2):
            assert tf.summary.scalar("loss", tf.constant(0.5), step=tf.constant(step))
        tf.summary.histogram("weights", tf.constant(A), step=1)
        tf.summary.image("pictures", RNG.random((5, 4, 4, 1)), step=1, max_outputs=2)
        tf.summary.text("notes", tf.constant(["one", "two"]), step=1)
        with tf.summary.record_if(lambda: False):
            assert not tf.summary.scalar("left out", 1.0, step=1)
        with pytest.raises(ValueError, match=r"no step is known for 'late'. Pass step=\.\.\."):
            tf.summary.scalar("late", 1.0)
    with writer.as_default(step=7):
        tf.summary.scalar("late", 1.0)
        with tf.summary.create_noop_writer().as_default():
            tf.summary.scalar("left out", 1.0)
    assert tf.summary.experimental.get_step() is None
    writer.close()
    found = events(tmp_path / "run")
    assert found["loss"] == [0, 1]
    assert found["late"] == [7]
    assert {tag.partition("/")[0] for tag in found} >= {"loss", "weights", "pictures", "notes", "late"}
    assert "left out" not in found
    assert "nowhere" not in found


@pytest.mark.parametrize("name", ["FileWriter", "graph"])
def test_summaries_of_graphs_are_told_apart(name):
    with pytest.raises(AttributeError, match=r"create_file_writer|trace_on"):
        getattr(tf.summary, name)


def test_a_mask_can_be_taken_away_from_a_tensor():
    words = tf.keras.layers.Embedding(5, 2, mask_zero=True)(tf.constant([[1, 0]]))
    assert words._keras_mask.numpy().tolist() == [[True, False]]
    del words._keras_mask
    assert words._keras_mask is None
    with pytest.raises(AttributeError, match="no mask"):
        del words._keras_mask
