"""Files that real Keras wrote (tests/fixtures/make_keras_files.py) load here and predict the same."""

from __future__ import annotations

import json
import pathlib
import shutil

import h5py
import numpy as np
import pytest

import eagerflow as ef
from eagerflow.models import load_model
from tests.fixtures.cases import model_cases

FOLDER = pathlib.Path(__file__).parents[2] / "fixtures" / "keras_files"
EXPECTED = dict(np.load(FOLDER / "expected.npz"))
MODELS = sorted(p.name for p in FOLDER.glob("*.*") if p.stem.partition(".")[0] in model_cases.MODELS)


def inputs(name, made):
    if name == "subclassed":
        return model_cases.generator(name).standard_normal((4, 4)).astype("float32")
    return model_cases.inputs_of(name, made)


def agree(name, made):
    found = made.predict(inputs(name, made), verbose=0)
    for i, output in enumerate(found if isinstance(found, list) else [found]):
        expected = EXPECTED[f"{name} {i}"]
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-5 * abs(expected).max())


@pytest.mark.parametrize("file", [n for n in MODELS if not n.endswith(".weights.h5")])
def test_models(file):
    name = file.partition(".")[0]
    custom = model_cases.CUSTOM[name](ef) if name in model_cases.CUSTOM else None
    made = load_model(FOLDER / file, custom_objects=custom)
    agree(name, made)
    sums = [float(np.sum(v.numpy().astype("float64"))) for v in made.optimizer.variables]
    np.testing.assert_allclose(sums, EXPECTED[f"{name} optimizer"], rtol=1e-9, atol=1e-12)
    assert made.loss is not None
    assert "mae" in [m.name for m in made.metrics] or file.endswith(".h5")


@pytest.mark.parametrize("file", [n for n in MODELS if n.endswith(".weights.h5")])
def test_weights(file):
    name = file.partition(".")[0]
    made = model_cases.MODELS[name](ef)
    made.load_weights(FOLDER / file)
    agree(name, made)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_weights_out_of_whole_models(ending):
    made = model_cases.mlp_regularized(ef)
    made.load_weights(FOLDER / f"mlp_regularized.{ending}")
    agree("mlp_regularized", made)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_code_in_lambda_layers_is_never_run(ending):
    path = FOLDER / f"code.{ending}"
    for settings in ({}, {"safe_mode": False}, {"custom_objects": {"twice": lambda x: x}}):
        with pytest.raises(ValueError, match=r"Lambda layer 'twice' holds code, which is never run"):
            load_model(path, **settings)
    made = load_model(path, safe_mode=False, custom_objects={"twice": lambda x: x * 2})
    assert made(np.ones((1, 3), "float32")).tolist() == [[2.0, 2.0, 2.0]]


KERAS_2 = dict(np.load(FOLDER / "keras2.npz"))


@pytest.mark.parametrize("name", "sequential cnn text functional functions states".split())
def test_files_of_keras_2(name):
    """Calls as lists, functions of TensorFlow between layers, states of old optimizers."""
    made = load_model(FOLDER / f"keras2_{name}.h5")
    x = [KERAS_2[k] for k in sorted(KERAS_2) if k.startswith(f"{name} x")]
    found = made.predict(x if len(x) > 1 else x[0], verbose=0)
    for i, output in enumerate(found if isinstance(found, list) else [found]):
        expected = KERAS_2[f"{name} y{i}"]
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-5 * abs(expected).max())
    rate = made.optimizer.learning_rate.numpy()
    total = sum(float(np.sum(v.numpy().astype("float64"))) for v in made.optimizer.variables) - rate
    np.testing.assert_allclose(total, KERAS_2[f"{name} state"], rtol=1e-6)
    assert "mean_absolute_error" in [m.name for m in made.metrics]


@pytest.mark.parametrize("again", [None, "again.keras", "again.h5", "again.safetensors"])
@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_the_hard_sigmoid_of_keras_2_keeps_its_slope(ending, again, tmp_path):
    expected = np.load(FOLDER / "keras2_gates.npz")
    made = load_model(FOLDER / f"keras2_gates.{ending}")
    if again is not None:
        made.save(tmp_path / again)
        made = load_model(tmp_path / again)
    np.testing.assert_allclose(made.predict(expected["x"], verbose=0), expected["y"], rtol=1e-5)


def test_the_hard_sigmoid_of_files_of_the_present_has_that_of_keras_3(tmp_path):
    made = ef.Sequential([ef.Input((1,)), ef.layers.Activation("hard_sigmoid")])
    for name in ("m.keras", "m.h5"):
        made.save(tmp_path / name)
        found = load_model(tmp_path / name)(np.ones((1, 1), "float32"))
        np.testing.assert_allclose(found, [[2 / 3]], rtol=1e-6)


def test_arrays_in_configurations_of_keras(tmp_path):
    """Keras 3 writes arrays that are settings as `__numpy__` and `__tensor__`."""
    held = {"value": [[1.0, 2.0], [3.0, 4.0]], "dtype": "float64"}
    for kind in ("__numpy__", "__tensor__"):
        found = ef.saving.deserialize_keras_object({"class_name": kind, "config": held})
        assert (found.dtype, found.tolist()) == ("float64", held["value"])
        found = ef.saving.deserialize_keras_object({"class_name": kind, "config": {**held, "dtype": "S99999999"}})
        assert found.tolist() == held["value"]


def test_losses_and_metrics_of_keras_2_by_the_names_of_outputs(tmp_path):
    shutil.copyfile(FOLDER / "keras2_functional.h5", tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        config = json.loads(file.attrs["training_config"])
        wrapped = {"class_name": "MeanSquaredError", "config": {"reduction": "auto", "name": "mean_squared_error"}}
        losses, metrics = {"p": wrapped, "q": "mae"}, dict(zip("pq", config["metrics"], strict=True))
        file.attrs["training_config"] = json.dumps({**config, "loss": losses, "metrics": metrics})
    made = load_model(tmp_path / "m.h5")
    x = [KERAS_2[k] for k in sorted(KERAS_2) if k.startswith("functional x")]
    y = {"p": KERAS_2["functional y0"] + 0.5, "q": KERAS_2["functional y1"] + 0.25}
    found = made.evaluate(x, y, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(0.5**2 + 0.25, rel=1e-5)
    assert (found["p_mean_absolute_error"], found["q_mean_absolute_error"]) == pytest.approx((0.5, 0.25), rel=1e-5)


def test_files_from_before_models_had_weights_beside_those_of_layers(tmp_path):
    shutil.copyfile(FOLDER / "keras2_sequential.h5", tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        del file["model_weights/top_level_model_weights"]
    made, whole = load_model(tmp_path / "m.h5"), load_model(FOLDER / "keras2_sequential.h5")
    for found, expected in zip(made.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
