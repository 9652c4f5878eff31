"""Private attributes that published tools read: shap, visualkeras, keras-tuner, wandb."""

from __future__ import annotations

import numpy
import pytest

from eagerflow import layers, models, saving
from eagerflow.base.errors import UnknownNameError
from eagerflow.callbacks import ModelCheckpoint
from eagerflow.compat.faces import face

pytestmark = pytest.mark.usefixtures("keras_2")


def test_calls_and_the_layers_before_them():
    x = layers.Input((3,))
    first, second, joined = layers.Dense(2), layers.Dense(2), layers.Add()
    model = models.Model(x, joined([first(x), second(x)]))
    (node,) = joined._inbound_nodes
    assert node.inbound_layers == [first, second]
    assert node.outbound_layer is joined
    assert [parent.operation for parent in node.parent_nodes] == [first, second]
    assert [tuple(t.shape) for t in node.input_tensors] == [(None, 2), (None, 2)]
    assert node.output_tensors.shape == (None, 2)
    assert first._inbound_nodes[0].inbound_layers is model.layers[0]
    assert model._layers == model._self_tracked_trackables == model.layers
    assert model.distribute_strategy is face("tensorflow").distribute.get_strategy()


def test_a_model_may_have_an_attribute_of_that_name():
    class Own(models.Model):
        def __init__(self):
            super().__init__()
            self._layers = [layers.Dense(2), layers.Dense(1)]

        def call(self, x):
            for layer in self._layers:
                x = layer(x)
            return x

    model = Own()
    assert model(numpy.ones((1, 3), "float32")).shape == (1, 1)
    assert len(model._layers) == 2
    assert len(model.weights) == 4


def test_a_callback_that_uploads_what_was_saved(tmp_path):
    told = []

    class Uploading(ModelCheckpoint):
        def on_train_batch_end(self, batch, logs=None):
            if self._should_save_on_batch(batch):
                self._save_model(epoch=self._current_epoch, batch=batch, logs=logs)
                told.append(self._get_file_path(epoch=self._current_epoch, batch=batch, logs=logs))

    model = models.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    path = str(tmp_path / "{epoch}-{batch}.keras")
    model.fit(numpy.ones((8, 2)), numpy.ones(8), 2, 1, 0, [Uploading(path, save_freq=2)])
    assert told == [str(tmp_path / "1-2.keras"), str(tmp_path / "1-4.keras")]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1-2.keras", "1-4.keras"]


def test_objects_of_a_module():
    class Scaled(layers.Layer):
        def call(self, x):
            return 2 * x

    def twice(x):
        return 2 * x

    found = {"Scaled": Scaled, "twice": twice}
    get = saving.deserialize_keras_object
    assert get("twice", module_objects=found) is twice
    assert isinstance(get("Scaled", module_objects=found), Scaled)
    made = get({"class_name": "Scaled", "config": {"name": "a"}}, module_objects=found, printable_module_name="layer")
    assert (type(made), made.name) == (Scaled, "a")
    assert get("twice", module_objects=found, custom_objects={"twice": abs}) is abs
    with pytest.raises(UnknownNameError, match="thrice"):
        get("thrice", module_objects=found)
    assert get("thrice") == "thrice"
    older = face("keras.utils.legacy").deserialize_keras_object  # the arguments in another order
    assert older("twice", None, found) is older("twice", found) is twice
    assert isinstance(older({"class_name": "Dense", "config": {"units": 1}}), layers.Dense)


def test_kernels_of_theano():
    model = models.Sequential([layers.Input((3, 3, 1)), layers.Conv2D(1, 2), layers.Flatten(), layers.Dense(1)])
    before = model.get_weights()
    face("keras.utils.layer_utils").convert_all_kernels_in_model(model)
    numpy.testing.assert_array_equal(model.get_weights()[0], before[0][::-1, ::-1])
    numpy.testing.assert_array_equal(model.get_weights()[2], before[2])
