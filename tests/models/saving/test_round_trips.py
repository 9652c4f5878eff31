"""What is saved comes back: weights, architecture, compiled state, optimizer, random states; in every format."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.models import load_model, save_model
from tests.fixtures.cases import model_cases

WHOLE = ["keras", "h5", "safetensors"]
SOME = ["mlp_regularized", "siamese", "many_ends", "transformer", "stacked_cells", "ops_between", "normalizations"]


def small(optimizer="adam"):
    made = ef.Sequential([ef.Input((3,)), ef.layers.Dense(4, "relu"), ef.layers.Dropout(0.5), ef.layers.Dense(2)])
    made.compile(optimizer, "mse", metrics=["mae"])
    return made


X = np.random.RandomState(1).standard_normal((8, 3)).astype("float32")
Y = np.ones((8, 2), "float32")


def same_weights(a, b):
    return all(np.array_equal(v.numpy(), w.numpy()) for v, w in zip(a.variables, b.variables, strict=True))


@pytest.mark.parametrize("ending", WHOLE)
@pytest.mark.parametrize("name", SOME)
def test_models(tmp_path, name, ending):
    made = model_cases.MODELS[name](ef)
    model_cases.perturb(name, made)
    made.compile(model_cases.optimizer_for(ef, name), "mse")
    made.optimizer.build(made.trainable_variables)
    model_cases.perturb_optimizer(name, made.optimizer)
    made.save(tmp_path / f"m.{ending}")
    again = load_model(tmp_path / f"m.{ending}")
    assert same_weights(made.optimizer, again.optimizer)
    assert again.optimizer.get_config() == made.optimizer.get_config()
    x = model_cases.inputs_of(name, made)
    one, two = made.predict(x, verbose=0), again.predict(x, verbose=0)
    for a, b in zip(one if isinstance(one, list) else [one], two if isinstance(two, list) else [two]):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("ending", ["keras", "safetensors"])
def test_training_goes_on_as_if_nothing_had_happened(tmp_path, ending):
    """Dropout included: the states of its random generator are saved."""
    made = small()
    made.fit(X, Y, verbose=0)
    made.save(tmp_path / f"m.{ending}")
    again = load_model(tmp_path / f"m.{ending}")
    for model in (made, again):
        model.fit(X, Y, shuffle=False, epochs=3, verbose=0)
    assert same_weights(made, again)
    assert again.metrics_names == made.metrics_names


def test_an_optimizer_that_has_not_begun_keeps_its_settings(tmp_path):
    made, again = small(ef.optimizers.Adam(0.5)), small(ef.optimizers.Adam(0.001))
    made.fit(X, Y, verbose=0)
    made.save_weights(tmp_path / "m.weights.h5")
    again.load_weights(tmp_path / "m.weights.h5")
    assert float(again.optimizer.learning_rate) == pytest.approx(0.001)
    again.fit(X, Y, verbose=0)
    again.load_weights(tmp_path / "m.weights.h5")
    assert same_weights(made.optimizer, again.optimizer)


def test_open_files(tmp_path):
    target = io.BytesIO()
    made = small()
    save_model(made, target)
    target.seek(0)
    assert same_weights(made, load_model(target))


def test_what_a_keras_file_holds(tmp_path):
    small().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert sorted(archive.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
        config = json.loads(archive.read("config.json"))
        assert json.loads(archive.read("metadata.json"))["keras_version"].startswith("3.")
    assert config["class_name"] == "Sequential"
    assert config["compile_config"]["loss"] == "mse"


def test_uncompiled_models_and_compile_false(tmp_path):
    made = small()
    made.save(tmp_path / "m.keras")
    assert not load_model(tmp_path / "m.keras", compile=False).compiled
    type(made).from_config(made.get_config()).save(tmp_path / "n.keras")
    assert not load_model(tmp_path / "n.keras").compiled
    made.save(tmp_path / "o.h5", include_optimizer=False)
    assert not load_model(tmp_path / "o.h5").compiled


def test_classes_and_functions_of_ones_own(tmp_path):
    def bent(y_true, y_pred):
        return ef.ops.mean(ef.ops.abs(y_true - y_pred))

    block = model_cases.CUSTOM["classes_of_ones_own"](ef)["Block"]
    inputs = ef.Input((4,))
    made = ef.Model(inputs, block(3)(inputs))
    made.compile("sgd", bent)
    made.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras", custom_objects={"Block": block, "bent": bent})
    assert same_weights(made, again)
    assert again.loss is bent
    with pytest.raises(ValueError, match=r"Block"):
        load_model(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match=r"couldn't be compiled .*bent"):
        assert not load_model(tmp_path / "m.keras", custom_objects={"Block": block}).compiled


def test_variables_that_a_layer_saves_itself(tmp_path):
    @ef.saving.register_keras_serializable("tests")
    class Counted(ef.layers.Layer):
        def build(self, input_shape):
            self.total = self.add_weight(shape=(), initializer="zeros", name="total")

        def call(self, x):
            return x + self.total

        def save_own_variables(self, store):
            store["sum"] = self.total.numpy() + 1

        def load_own_variables(self, store):
            self.total.assign(store["sum"] - 1)

    made = ef.Sequential([ef.Input((2,)), Counted(), ef.layers.Dense(1)])
    made.layers[0].total.assign(5.0)
    made.save(tmp_path / "m.keras")
    assert float(load_model(tmp_path / "m.keras").layers[0].total) == 5.0


def test_files_that_a_layer_keeps(tmp_path):
    @ef.saving.register_keras_serializable("tests")
    class Words(ef.layers.Layer):
        words = ()

        def call(self, x):
            return x

        def save_assets(self, folder):
            with open(f"{folder}/words.txt", "w", encoding="utf-8") as file:
                file.write("\n".join(self.words))

        def load_assets(self, folder):
            with open(f"{folder}/words.txt", encoding="utf-8") as file:
                self.words = tuple(file.read().split())

    made = ef.Sequential([ef.Input((2,)), Words()])
    made.layers[0].words = ("a", "b")
    made.save(tmp_path / "m.keras")
    assert load_model(tmp_path / "m.keras").layers[0].words == ("a", "b")


def test_layers_that_are_frozen_stay_so(tmp_path):
    made = model_cases.frozen_backbone(ef)
    made.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    assert len(again.trainable_weights) == len(made.trainable_weights) == 2


def test_optimizers_as_attributes(tmp_path):
    @ef.saving.register_keras_serializable("tests")
    class Two(ef.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = ef.layers.Dense(1)
            self.other = ef.optimizers.SGD(0.5, momentum=0.9)

        def call(self, x):
            return self.dense(x)

    made = Two()
    made(X)
    made.other.build(made.trainable_variables)
    made.other.variables[2].assign(np.full((3, 1), 7.0))
    made.save_weights(tmp_path / "m.weights.h5")
    again = Two()
    again(X)
    again.other.build(again.trainable_variables)
    again.load_weights(tmp_path / "m.weights.h5")
    assert again.other.variables[2].numpy().max() == 7.0


def test_a_lambda_can_not_be_saved(tmp_path):
    made = ef.Sequential([ef.Input((2,)), ef.layers.Lambda(lambda x: x, name="nameless")])
    with pytest.raises(TypeError, match=r"'nameless' holds a function without a name"):
        made.save(tmp_path / "m.keras")
    assert list(tmp_path.iterdir()) == []
