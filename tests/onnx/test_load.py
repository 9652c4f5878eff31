"""Models of ONNX files: the same numbers as what was exported, trained, traced, saved and exported again."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import Input, Sequential, layers as L, ops
from eagerflow.models import load_onnx
from tests.hostile.onnx_files import node, of, tensor
from tests.onnx.cases import MODELS

QUICK = ("cnn", "residual", "transformer", "masked lstm", "gru, reset before", "transposed", "two inputs and outputs")


def given_to(model, batch, length):
    """Something for the inputs of a loaded model."""
    rng = np.random.default_rng([batch, length])
    found = {}
    for name, spec in zip(model.input_names, model.input if isinstance(model.input, list) else [model.input]):
        shape = [batch if axis == 0 else n or length for axis, n in enumerate(spec.shape)]
        kind = str(spec.dtype)
        numbers = rng.normal(size=shape) if kind.startswith("float") else rng.integers(0, 9, shape)
        found[name] = numbers.astype(kind)
    return found


def flat(found):
    if isinstance(found, dict):
        return [x for key in sorted(found) for x in flat(found[key])]
    return [x for each in found for x in flat(each)] if isinstance(found, (list, tuple)) else [np.asarray(found)]


def assert_equal(ours, theirs):
    for one, other in zip(flat(ours), flat(theirs), strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-6 * max(np.abs(other).max(initial=0), 1e-6))


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]
)
def test_what_was_exported_comes_back_and_is_exported_again(name, tmp_path):
    model = MODELS[name]()
    for variable in model.weights:
        if variable.dtype == "float32" and "seed" not in variable.path:
            variable.assign(variable + 0.1 * np.random.default_rng(1).random(variable.shape, dtype="float32"))
    model.export(tmp_path / "m.onnx")
    loaded = load_onnx(tmp_path / "m.onnx")
    loaded.export(tmp_path / "again.onnx")
    again = load_onnx(tmp_path / "again.onnx")
    assert again.input_names == loaded.input_names
    assert again.output_names == loaded.output_names
    for batch, length in ((3, 8), (1, 12)):
        given = given_to(loaded, batch, length)
        arrays = given if name == "dictionaries" else [*given.values()]
        theirs = model(arrays if len(arrays) > 1 else arrays[0], training=False)
        assert_equal(loaded(given), theirs)
        assert_equal(again([*given.values()]), theirs)


@pytest.fixture
def digits(tmp_path):
    """A small network for images, and what was loaded of its file."""
    ef.utils.set_random_seed(3)
    model = Sequential(
        [
            Input((8, 8, 1)),
            L.Conv2D(4, 3, activation="relu", name="edges"),
            L.BatchNormalization(name="norm"),
            L.Flatten(),
            L.Dense(3, name="head"),
        ],
        name="digits",
    )
    model.export(tmp_path / "m.onnx")
    return model, load_onnx(tmp_path / "m.onnx")


def test_weights_are_variables_under_the_files_names(digits):
    _, loaded = digits
    paths = [variable.path for variable in loaded.weights]
    assert {"digits/edges/kernel", "digits/head/kernel", "digits/head/bias"} <= set(paths)
    assert all(variable.trainable for variable in loaded.weights if variable.path in paths[:2])
    assert loaded.name == "digits"


def test_layers_are_the_parts_of_the_files_names(digits):
    _, loaded = digits
    assert {"edges", "head"} <= {layer.name for layer in loaded.layers}
    assert [layer.name for layer in loaded.get_layer("head").parts.values()] == ["MatMul", "Add"]


def test_training_goes_on(digits):
    _, loaded = digits
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 32)
    loaded.compile(ef.optimizers.Adam(0.02), ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = [w.numpy() for w in loaded.trainable_weights]
    losses = loaded.fit(x, y, epochs=4, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all(not np.array_equal(a, w.numpy()) for a, w in zip(before, loaded.trainable_weights))
    assert loaded.predict(x, verbose=0).shape == (32, 3)


def test_gradients_are_those_of_the_model_that_was_exported(digits):
    model, loaded = digits
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype("float32")
    found = []
    for each in (model, loaded):
        with ef.GradientTape() as tape:
            loss = ops.sum(each(x, training=False) ** 2)
        kernel = next(w for w in each.trainable_weights if w.path.endswith("head/kernel"))
        found.append(tape.gradient(loss, kernel).numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


def test_weights_are_saved_and_loaded_and_whole_models_are_not(digits, tmp_path):
    _, loaded = digits
    other = load_onnx(tmp_path / "m.onnx")
    for variable in loaded.trainable_weights:
        variable.assign(variable * 1.5)
    for name in ("w.weights.h5", "w.safetensors"):
        loaded.save_weights(tmp_path / name)
        other.load_weights(tmp_path / name)
        for one, two in zip(loaded.weights, other.weights, strict=True):
            np.testing.assert_array_equal(one, two)
    with pytest.raises(NotImplementedError, match=r"export\('m.onnx'\)"):
        loaded.save(tmp_path / "m.keras")


def test_a_loaded_model_is_a_part_of_others(digits):
    _, loaded = digits
    x = Input((8, 8, 1))
    whole = ef.Model(x, L.Dense(2, name="new")(ops.relu(loaded(x))))
    assert whole.output_shape == (None, 2)
    assert loaded.trainable_weights[0].path in {w.path for w in whole.trainable_weights}
    loaded.trainable = False
    assert [w.path.rpartition("/")[2] for w in whole.trainable_weights] == ["kernel", "bias"]


def test_values_inside_are_outputs_when_they_are_asked_for(digits, tmp_path):
    onnx = pytest.importorskip("onnx")
    name = next(n for n in onnx.load(tmp_path / "m.onnx").graph.node if n.op_type == "Relu").output[0]
    features = load_onnx(tmp_path / "m.onnx", outputs=[name])
    assert features(np.zeros((2, 8, 8, 1), "float32")).shape == (2, 4, 6, 6)
    assert len(features.weights) == 2
    with pytest.raises(ef.onnx.LoadError, match="no node gives the output 'nothing'"):
        load_onnx(tmp_path / "m.onnx", outputs=["nothing"])


def test_viz_sees_the_parts_and_not_what_finds_shapes(digits):
    _, loaded = digits
    with viz.trace("loaded") as recording:
        loaded(np.zeros((2, 8, 8, 1), "float32"))
    names = [scope.name for scope in recording.scopes]
    assert {"edges", "head", "MatMul"} <= set(names)
    assert len(names) == len({recording.path(scope.id) for scope in recording.scopes})  # each part once
    assert "digits (OnnxModel)" in recording.summary()
    assert all(scope.end > scope.start for scope in recording.scopes)


def test_a_summary_shows_shapes_and_parameters(digits, capsys):
    _, loaded = digits
    loaded.summary(expand_nested=True)
    printed = capsys.readouterr().out
    assert "(None, 4, 6, 6)" in printed
    assert f"{sum(int(np.prod(w.shape)) for w in loaded.weights):,}" in printed


def test_inputs_are_checked(digits):
    _, loaded = digits
    with pytest.raises(ValueError, match=r"expected the shape \(any, 8, 8, 1\); got \(2, 7, 8, 1\)"):
        loaded(np.zeros((2, 7, 8, 1), "float32"))
    with pytest.raises(ValueError, match="the file takes 1"):
        loaded([np.zeros((2, 8, 8, 1), "float32")] * 2)
    with pytest.raises(ValueError, match="expected \\['input_layer"):
        loaded({"nothing": np.zeros((2, 8, 8, 1), "float32")})


def test_wider_types_are_cast_to_those_of_the_file(digits):
    model, loaded = digits
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 1))
    assert loaded(x).dtype == "float32"
    assert_equal(loaded(x), model(x.astype("float32"), training=False))


def test_both_names_are_the_same_function():
    assert ef.onnx.load_onnx is ef.models.load_onnx
    assert "load_onnx" in dir(ef.onnx)
    with pytest.raises(AttributeError, match="no attribute 'load_on'"):
        _ = ef.onnx.load_on


def test_what_takes_short_inputs_only_is_exported_with_open_lengths(tmp_path):
    table = ef.Variable(np.arange(24, dtype="float32").reshape(12, 2))

    def with_places(x):
        return x + ops.take(table, ops.arange(ops.shape(x)[1]), axis=0)

    ef.onnx.export(with_places, tmp_path / "m.onnx", [(None, None, 2)])
    loaded = load_onnx(tmp_path / "m.onnx")
    np.testing.assert_array_equal(loaded(np.zeros((1, 12, 2), "float32"))[0], table)
    with pytest.raises(ef.onnx.LoadError, match="an index beyond"):
        loaded(np.zeros((1, 13, 2), "float32"))


def test_copies_and_pickles_give_the_same_and_are_traced(digits):
    _, loaded = digits
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32")
    for other in (copy.deepcopy(loaded), pickle.loads(pickle.dumps(loaded))):
        with viz.trace("copy") as recording:
            np.testing.assert_array_equal(other(x), loaded(x))
        assert "edges" in {scope.name for scope in recording.scopes}
        other.trainable_weights[0].assign(other.trainable_weights[0] * 2)
        assert not np.array_equal(other(x), loaded(x))


def test_weights_under_two_names_are_one(tmp_path):
    shared = tensor("w", np.eye(3), "float32")
    nodes = [node("MatMul", "x w", "a"), node("Identity", "w", "v"), node("MatMul", "a v", "y")]
    (tmp_path / "m.onnx").write_bytes(of(*nodes, arrays=[shared]).SerializeToString())
    loaded = load_onnx(tmp_path / "m.onnx")
    assert [w.path for w in loaded.weights] == ["w"]
    loaded.weights[0].assign(3 * loaded.weights[0])
    assert loaded(np.ones((1, 3), "float32")).tolist() == [[9.0, 9.0, 9.0]]


def test_the_doctor_looks_at_a_loaded_model(digits):
    _, loaded = digits
    loaded.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).normal(size=(32, 8, 8, 1)).astype("float32")
    found = viz.diagnose(loaded, x, np.arange(32) % 3)
    assert "memory_growth" not in str(found)
