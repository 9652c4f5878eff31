"""Functions of TensorFlow that few programs need, but whole kinds of them: word vectors, detectors, records."""

from __future__ import annotations

import gzip

import numpy
import pytest

from eagerflow.compat.faces import face

pytestmark = pytest.mark.usefixtures("keras_2")
tf = face("tensorflow")


def test_non_max_suppression():
    boxes = [[0, 0, 10, 10], [1, 1, 11, 11], [0, 20, 10, 30], [0, 0, 10, 9], [50, 50, 60, 60]]
    boxes, scores = numpy.array(boxes, "float32"), numpy.array([0.6, 0.9, 0.3, 0.8, 0.1], "float32")
    keep = tf.image.non_max_suppression
    assert keep(boxes, scores, 10).tolist() == [1, 2, 4]
    assert keep(boxes, scores, 10, iou_threshold=0.4).tolist() == [1, 2, 4]
    assert keep(boxes, scores, 2, iou_threshold=0.4).tolist() == [1, 2]
    assert keep(boxes, scores, 10, 0.4, score_threshold=0.2).tolist() == [1, 2]
    assert keep(boxes, scores, 10, iou_threshold=1.0).tolist() == [1, 3, 0, 2, 4]
    assert keep(boxes[:, [2, 3, 0, 1]], scores, 10, iou_threshold=0.4).tolist() == [1, 2, 4]  # corners the other way
    assert keep(numpy.zeros((0, 4), "float32"), numpy.zeros(0, "float32"), 3).shape == (0,)


def test_scan():
    x = tf.constant([1.0, 2.0, 3.0])
    assert tf.scan(lambda a, b: a * b, x).tolist() == [1.0, 2.0, 6.0]
    assert tf.scan(lambda a, b: a + b, x, initializer=10.0).tolist() == [11.0, 13.0, 16.0]
    assert tf.scan(lambda a, b: a + b, x, reverse=True).tolist() == [6.0, 5.0, 3.0]
    pairs = tf.scan(lambda a, b: (a[0] + b[0], a[1] * b[1]), (x, x), initializer=(0.0, 1.0))
    assert [p.tolist() for p in pairs] == [[1.0, 3.0, 6.0], [1.0, 2.0, 6.0]]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.scan(lambda a, b: a * b, x)[-1]
    assert tape.gradient(y, x).tolist() == [6.0, 3.0, 2.0]


def test_strided_slice():
    x = numpy.arange(24).reshape(4, 6)
    assert tf.strided_slice(x, [1, 0], [4, 6], [2, 3]).tolist() == x[1:4:2, 0:6:3].tolist()
    assert tf.strided_slice(x, tf.constant([0]), tf.constant([2])).tolist() == x[:2].tolist()
    with pytest.raises(ValueError, match="masks aren't possible"):
        tf.strided_slice(x, [0], [2], begin_mask=1)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "bool", "float16"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_tensors_as_bytes(dtype, shape):
    x = tf.cast(numpy.arange(numpy.prod(shape, dtype=int)).reshape(shape), dtype)
    found = tf.io.parse_tensor(tf.io.serialize_tensor(x), dtype)
    assert (found.dtype, found.shape, found.tolist()) == (x.dtype, x.shape, x.tolist())


def test_texts_as_bytes_and_what_fits_no_type():
    x = tf.constant([["a", "b"]])
    assert tf.io.parse_tensor(tf.io.serialize_tensor(x), tf.string).tolist() == [[b"a", b"b"]]
    assert (
        tf.io.serialize_tensor(tf.constant([1.0])).numpy() == b"\x08\x01\x12\x04\x12\x02\x08\x01\x22\x04\x00\x00\x80?"
    )
    with pytest.raises(ValueError, match=r"out_type=int32.*float32"):
        tf.io.parse_tensor(tf.io.serialize_tensor(tf.constant([1.0])), tf.int32)
    with pytest.raises(ValueError, match="these bytes"):
        tf.io.parse_tensor(b"abc", tf.int32)


def test_features_as_bytes():
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a"]))
    assert feature.SerializeToString() == b"\n\x03\n\x01a"
    assert feature.WhichOneof("kind") == "bytes_list"
    assert tf.train.Feature().WhichOneof("kind") is None
    feature = tf.train.Feature()
    feature.float_list.value.append(0.5)
    assert feature.WhichOneof("kind") == "float_list"


def test_functions_have_what_is_asked_of_them():
    @tf.function
    def double(x):
        return 2 * x

    concrete = double.get_concrete_function(tf.TensorSpec((None,), tf.float32))
    assert concrete(tf.constant([1.0])).tolist() == [2.0]
    assert double.python_function(3) == 6
    assert "return 2 * x" in tf.autograph.to_code(double.python_function)

    class Counter:
        def next(self, x):
            return x + 1

    assert tf.function(Counter().next).get_concrete_function()(1) == 2
    assert tf.function(input_signature=[tf.TensorSpec((), tf.int32)])(Counter().next)(1) == 2

    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    assert tf.function(model) is model
    assert tf.function(model)(tf.ones((1, 2))).shape == (1, 1)

    @tf.autograph.experimental.do_not_convert
    def same(x):
        return x

    assert same(1) == 1


def test_modules_without_init_and_what_is_in_them():
    class Linear(tf.Module):
        def __init__(self, size):
            self.w = tf.Variable(tf.ones((size,)), name="w")

    class Two(tf.Module):
        def __init__(self, name=None):
            super().__init__(name=name)
            with self.name_scope as scope:
                self.scope = scope
            self.parts = [Linear(2), Linear(3)]

    model = Two(name="two")
    assert model.name == "two"
    assert model.scope == "two/"
    assert model.submodules == (model.parts[0], model.parts[1])
    assert [v.shape for v in model.trainable_variables] == [(2,), (3,)]


def test_variables_and_devices_speak_tensorflow():
    v = tf.Variable([1.0, 2.0])
    assert v.value().tolist() == v.value.tolist() == [1.0, 2.0]
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(v.value() * 3.0)
    assert tape.gradient(y, v).tolist() == [3.0, 3.0]
    assert v.value().device.endswith("CPU:0")
    assert "CPU" in v.value().device
    with tf.control_dependencies([v]):
        tf.compat.v1.assign_add(v, [1.0, 1.0])
    assert v.numpy().tolist() == [2.0, 3.0]


def test_data_sets_take_tensorflows_words(tmp_path):
    data = tf.data.Dataset.range(4).map(map_func=lambda x: x + 1).filter(predicate=lambda x: x > 1)
    assert [int(x) for x in data.as_numpy_iterator()] == [2, 3, 4]
    assert data.as_numpy_iterator().next() == 2
    assert tf.data.experimental.cardinality(tf.data.Dataset.range(4)).numpy() == 4
    counter = tf.data.Dataset.range(2)
    assert [(int(a), (int(b), int(c))) for a, (b, c) in tf.data.Dataset.zip((counter, (counter, counter)))] == [
        (0, (0, 0)),
        (1, (1, 1)),
    ]
    assert tf.py_function(lambda: None, [], ()) == []

    @tf.py_function(Tout=tf.float32)
    def half(x):
        return x / 2

    assert float(half(tf.constant(3.0))) == 1.5


def test_compressed_lines(tmp_path):
    with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
        file.write("1,2\n3,4\n")
    path = str(tmp_path / "a.csv.gz")
    assert [x.numpy() for x in tf.data.TextLineDataset(path, compression_type="GZIP")] == [b"1,2", b"3,4"]


def test_settings_of_devices_are_accepted():
    tf.debugging.set_log_device_placement(True)
    tf.config.experimental.set_virtual_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.experimental.VirtualDeviceConfiguration(memory_limit=64)]
    )
    assert tf.config.optimizer.get_experimental_options() == {}
    assert tf.debugging.check_numerics([1.0], "loss").tolist() == [1.0]
    assert tf.nn.moments(tf.ones((2, 3)), [0], keep_dims=True)[0].shape == (1, 3)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("equal", ([1, 2], [1, 2]), ([1, 2], [1, 3])),
        ("none_equal", ([1, 2], [2, 3]), ([1, 2], [1, 3])),
        ("less", ([1, 2], 3), ([1, 3], 3)),
        ("less_equal", ([1, 3], 3), ([1, 4], 3)),
        ("greater", ([4, 5], 3), ([3, 5], 3)),
        ("greater_equal", ([3, 5], 3), ([2, 5], 3)),
        ("near", ([1.0], [1.000001]), ([1.0], [1.1])),
        ("positive", ([1, 2],), ([0, 2],)),
        ("non_negative", ([0, 2],), ([-1, 2],)),
        ("negative", ([-1],), ([0],)),
        ("non_positive", ([0],), ([1],)),
    ],
)
def test_assertions(name, good, bad):
    check = getattr(tf.debugging, f"assert_{name}")
    assert check(*good) is None
    with pytest.raises(ValueError, match=r"doesn't hold\. labels"):
        check(*bad, message="labels")


def test_the_rates_of_a_schedule_at_many_steps():
    schedule = tf.keras.optimizers.schedules.InverseTimeDecay(1.0, 10, 1.0)
    assert schedule(numpy.array([[0, 10], [30, 0]])).tolist() == [[1.0, 0.5], [0.25, 1.0]]
    assert schedule(tf.constant([10.0])).tolist() == [0.5]
