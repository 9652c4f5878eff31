"""Weights in fewer bits: sizes, what is rounded, and what it does to the outputs."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import Input, Model, Sequential, layers as L
from eagerflow.onnx import convert, export, rounding
from tests.onnx.cases import MODELS
from tests.onnx.test_export import session

onnx = pytest.importorskip("onnx")


def run(path, *arrays):
    made = session(path)
    return made.run(None, dict(zip([each.name for each in made.get_inputs()], arrays)))[0]


def wide():
    return Sequential([Input((256,)), L.Dense(512, activation="relu"), L.Dense(256)], name="net")


@pytest.mark.parametrize(("weights", "share"), [("int8", 0.27), ("float16", 0.52)])
def test_files_are_small(weights, share, tmp_path):
    model = wide()
    whole = export(model, tmp_path / "whole.onnx").stat().st_size
    assert export(model, tmp_path / "m.onnx", weights=weights).stat().st_size <= share * whole


@pytest.mark.parametrize(("weights", "most"), [("int8", 0.03), ("float16", 1e-3)])
@pytest.mark.parametrize("name", ["residual", "transposed", "lstm", "transformer"])
def test_outputs_are_near(name, weights, most, tmp_path, monkeypatch):
    monkeypatch.setattr(rounding, "_SMALL", 0)
    ef.utils.set_random_seed(1)  # of some weights more is lost
    model = MODELS[name]()
    made = convert(model, weights=weights)
    path = made.write(tmp_path / "m.onnx")
    about = session(path).get_inputs()[0]
    shape = [{"batch": 4}.get(n, 8) if isinstance(n, str) else n for n in about.shape]
    data = np.random.default_rng(0).normal(size=shape)
    data = (abs(data) * 5).astype("int32") if "int32" in about.type else data.astype("float32")
    found, wanted = run(path, data), model(data, training=False).numpy()
    apart = np.abs(found - wanted).max() / np.abs(wanted).max()
    assert 0 < apart < most
    assert 0 < made.rounding < most


def test_digits_are_read_as_well(tmp_path):
    ef.utils.set_random_seed(3)
    (x, y), (x_test, y_test) = ef.datasets.digits.load_data()
    x, x_test = (each[..., None].astype("float32") / 16 for each in (x, x_test))
    layers = [Input((8, 8, 1)), L.Conv2D(16, 3, activation="relu"), L.Flatten(), L.Dense(32, "relu"), L.Dense(10)]
    model = Sequential(layers)
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=4, verbose=0)
    right = (model.predict(x_test, verbose=0).argmax(-1) == y_test).mean()
    assert right > 0.9
    for weights in ("int8", "float16"):
        found = run(export(model, tmp_path / "m.onnx", weights=weights), x_test)
        assert abs((found.argmax(-1) == y_test).mean() - right) <= 0.005


def test_biases_normalization_and_small_weights_stay(tmp_path):
    model = Sequential([Input((300,)), L.Dense(300, name="d"), L.LayerNormalization(name="n"), L.Dense(2, name="s")])
    graph = onnx.load(export(model, tmp_path / "m.onnx", weights="int8")).graph
    kinds = {
        tensor.name.rsplit("/", 2)[-2] + "/" + tensor.name.rsplit("/")[-1]: tensor.data_type
        for tensor in graph.initializer
        if "/" in tensor.name
    }
    assert kinds["d/kernel:int8"] == onnx.TensorProto.INT8
    assert kinds["n/gamma"] == kinds["d/bias"] == onnx.TensorProto.FLOAT
    assert {tensor.data_type for tensor in graph.initializer if tensor.name.endswith("scale")} == {1}


def test_a_column_of_zeros_stays_zero(tmp_path):
    model = wide()
    model.layers[-1].kernel.assign(model.layers[-1].kernel * np.float32([0, 1] * 128))
    found = run(export(model, tmp_path / "m.onnx", weights="int8"), np.ones((2, 256), "float32"))
    assert np.abs(found[:, ::2]).max() <= 1e-5 * np.abs(found).max()
    assert found[:, 1::2].all()


def test_numbers_beyond_float16_keep_their_type(tmp_path):
    model = Sequential([Input((40,)), L.Dense(40)])
    model.layers[0].kernel.assign(model.layers[0].kernel * 1e6)
    found = run(export(model, tmp_path / "m.onnx", weights="float16"), np.ones((2, 40), "float32"))
    np.testing.assert_allclose(found, model(np.ones((2, 40), "float32")), rtol=1e-4, atol=1)


def test_a_shared_embedding_is_stored_once(tmp_path):
    embedding = L.Embedding(500, 80)
    a, b = Input((4,), dtype="int32"), Input((4,), dtype="int32")
    path = export(Model([a, b], embedding(a) + embedding(b)), tmp_path / "m.onnx", weights="int8")
    assert path.stat().st_size < 500 * 80 * 1.2
    ids = np.arange(8, dtype="int32").reshape(2, 4)
    rows = embedding(ids).numpy()
    assert np.abs(run(path, ids, ids) - 2 * rows).max() <= np.abs(rows).max() / 120


def test_a_wrong_rounding_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(rounding.numpy, "rint", np.floor)
    with pytest.raises(ef.onnx.ExportError, match="nearest"):
        export(wide(), tmp_path / "m.onnx", weights="int8")
    assert not list(tmp_path.iterdir())


def test_unknown_kinds_are_refused(tmp_path):
    with pytest.raises(ValueError, match="int8"):
        wide().export(tmp_path / "m.onnx", weights="int4")


def test_the_difference_is_said_when_asked(tmp_path, capsys):
    wide().export(tmp_path / "m.onnx", weights="int8", verbose=True)
    assert "int8" in capsys.readouterr().out
