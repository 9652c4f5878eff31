"""What Keras 2 and TensorFlow take, beside what Keras 3 does."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest

from eagerflow import Input, Model, Sequential, compat, initializers, layers, ops, utils
from eagerflow.compat.faces import face

tf = face("tensorflow")

pytestmark = pytest.mark.usefixtures("keras_2")


@pytest.mark.parametrize(
    ("kind", "rank"), [("AveragePooling1D", 1), ("AveragePooling2D", 2), ("AveragePooling3D", 3), ("AvgPool2D", 2)]
)
def test_average_pooling_has_a_default_size(kind, rank):
    assert getattr(tf.keras.layers, kind)().pool_size == (2,) * rank
    assert getattr(tf.keras.layers, kind)(3).pool_size == (3,) * rank


def test_average_pooling_has_none_in_keras_3():
    compat.uninstall()
    with pytest.raises(TypeError, match="pool_size"):
        layers.AveragePooling2D()


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN", "LSTMCell", "GRUCell"])
def test_states_are_made_for_inputs(kind):
    layer = getattr(layers, kind)(3)
    wanted = [state.shape for state in layer.get_initial_state(batch_size=2)]
    assert [state.shape for state in layer.get_initial_state(ops.zeros((2, 4, 5)))] == wanted
    assert [state.shape for state in layer.get_initial_state(inputs=np.zeros((2, 5)), dtype="float32")] == wanted
    assert [state.shape for state in layer.get_initial_state(2)] == wanted


def test_a_constant_of_as_many_values_takes_another_shape():
    assert initializers.Constant([1.0, 2.0, 3.0, 4.0])((2, 2)).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert initializers.Constant([1.0, 2.0])((2, 2)).tolist() == [[1.0, 2.0]] * 2
    with pytest.raises(ValueError, match=r"shape \(3,\) doesn't fill a weight of shape \(2, 2\)"):
        initializers.Constant([1.0, 2.0, 3.0])((2, 2))


def test_a_seed_may_be_a_whole_float():
    tf.random.set_seed(1.0)
    first = tf.random.normal((3,)).tolist()
    tf.random.set_seed(1)
    assert tf.random.normal((3,)).tolist() == first
    with pytest.raises(ValueError, match=r"seed=1\.5"):
        tf.random.set_seed(1.5)


def test_whole_numbers_in_floats_are_looked_up():
    table = layers.Embedding(3, 1, embeddings_initializer=initializers.Constant([[0.0], [1.0], [2.0]]))
    assert table(np.array([[2.0, 1.0]])).tolist() == [[[2.0], [1.0]]]


def test_an_archive_is_unpacked_beside_it_too(tmp_path):
    (tmp_path / "flower_photos").mkdir()
    (tmp_path / "flower_photos" / "x.txt").write_text("x")
    with tarfile.open(tmp_path / "flower_photos.tgz", "w:gz") as archive:
        archive.add(tmp_path / "flower_photos", "flower_photos")
    address = (tmp_path / "flower_photos.tgz").as_uri()
    found = Path(utils.get_file("flower_photos.tgz", address, extract=True, cache_dir=tmp_path / "cache"))
    assert (found / "flower_photos" / "x.txt").read_text() == "x"  # Keras 3
    assert (found.parent / "flower_photos" / "x.txt").read_text() == "x"  # tf.keras


def test_lines_of_another_encoding_are_named(tmp_path):
    (tmp_path / "gbk.txt").write_bytes(b"first\n" + "中文\n".encode("gbk"))
    with pytest.raises(ValueError, match=r"filenames=.*gbk\.txt.*line 2 isn't UTF-8 \(byte 0xd6\).*encoding='gbk'"):
        list(tf.data.TextLineDataset(str(tmp_path / "gbk.txt")))
    (tmp_path / "utf.txt").write_bytes("a\r\n中文".encode())
    assert [line.numpy().decode() for line in tf.data.TextLineDataset(str(tmp_path / "utf.txt"))] == ["a", "中文"]


def two_outputs(named):
    inputs = Input((2,))
    made = {name: layers.Dense(2, activation="softmax", kernel_initializer="zeros", name=name)(inputs) for name in "ab"}
    model = Model(inputs, made if named else list(made.values()))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("named", [False, True])
def test_each_output_has_weights_of_its_classes(named):
    y = {"a": np.array([0, 1]), "b": np.array([1, 1])}
    weights = {"a": {0: 1.0, 1: 3.0}, "b": {1: 5.0}}
    x, given = np.ones((2, 2)), y if named else list(y.values())
    asked = weights if named else list(weights.values())
    history = two_outputs(named).fit(x, given, class_weight=asked, verbose=0).history
    np.testing.assert_allclose(history["a_loss"] + history["b_loss"], np.log(2) * np.array([2.0, 5.0]), rtol=1e-5)
    partly = {"b": {1: 5.0}} if named else [None, {1: 5.0}]
    history = two_outputs(named).fit(x, given, class_weight=partly, verbose=0).history
    np.testing.assert_allclose(history["loss"], np.log(2) * 6.0, rtol=1e-5)


@pytest.mark.parametrize("asked", [[{0: 1.0}], {"c": {0: 1.0}}, {0: 1.0}])
def test_weights_of_other_outputs_are_refused(asked):
    with pytest.raises(ValueError, match="for several outputs weights of each"):
        two_outputs(False).fit(np.ones((2, 2)), [np.array([0, 1])] * 2, class_weight=asked, verbose=0)


def test_a_drawing_is_written_as_pydot_does_it(tmp_path):
    drawing = utils.model_to_dot(Sequential([Input((2,)), layers.Dense(1)]))
    assert drawing.write_png(tmp_path / "m.png")
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
