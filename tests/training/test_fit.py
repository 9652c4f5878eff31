"""`fit`, `evaluate`, `predict`: what they give, for all kinds of data and settings."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import callbacks, data, layers
from eagerflow.utils import set_random_seed


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(0)


def blobs(n=120, classes=3):
    """Points around as many centres as there are classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, n)
    return (np.eye(classes)[y] * 3 + rng.normal(size=(n, classes))).astype("float32"), y


def classifier(classes=3, **settings):
    model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(classes, activation="softmax")])
    chosen = {"optimizer": ef.optimizers.Adam(0.02), "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    model.compile(**{**chosen, **settings})
    return model


def line(**settings):
    """A model of one number, whose steps are easily computed by hand."""
    model = ef.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(**{"optimizer": ef.optimizers.SGD(0.5), "loss": "mse", **settings})
    return model


ONES = np.ones((4, 1), "float32")


def test_it_learns(device):
    x, y = blobs()
    model = classifier()
    history = model.fit(x, y, epochs=15, verbose=0, validation_data=(x[:20], y[:20]))
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert [len(v) for v in history.history.values()] == [15] * 4
    assert history.epoch == list(range(15))
    assert history.history["accuracy"][-1] > 0.9
    assert history is model.history
    assert all(isinstance(v, float) for v in history.history["loss"])
    _, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy > 0.9
    found = model.predict(x, verbose=0)
    assert isinstance(found, np.ndarray)
    assert found.shape == (120, 3)
    assert (found.argmax(1) == y).mean() == pytest.approx(accuracy)


def test_the_same_seed_gives_the_same_run():
    x, y = blobs()
    found = []
    for _ in range(2):
        set_random_seed(7)
        model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dropout(0.3), layers.Dense(3)])
        loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss)
        model.fit(x, y, epochs=3, verbose=0, validation_split=0.2)
        found.append(model.get_weights())
    assert all((a == b).all() for a, b in zip(*found))


def test_a_step_by_hand():
    """The loss is (w - 1)² with w = 0; its gradient -2, so that w becomes 1 with the rate 0.5."""
    model = line()
    history = model.fit(ONES, ONES, batch_size=4, verbose=0)
    assert history.history == {"loss": [1.0]}
    assert model.get_weights()[0].item() == 1.0


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("acc", "acc"),
        ("accuracy", "accuracy"),
        ("mse", "mse"),
        ("AUC", "AUC"),
        ("auc", "auc"),
        (ef.metrics.BinaryAccuracy(name="mine"), "mine"),
        ("binary_accuracy", "binary_accuracy"),
    ],
)
def test_names_in_history(metric, name):
    model = ef.Sequential([layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=[metric])
    history = model.fit(ONES, ONES, verbose=0, validation_data=(ONES, ONES))
    assert set(history.history) == {name, "loss", f"val_{name}", "val_loss"}


def test_a_function_as_metric_goes_by_its_name():
    def distance(y_true, y_pred):
        return ef.ops.abs(y_true - y_pred)

    history = line(metrics=[distance]).fit(ONES, ONES, verbose=0)
    assert history.history["distance"] == [1.0]


@pytest.mark.parametrize(
    ("units", "activation", "loss", "y"),
    [
        (1, "sigmoid", "binary_crossentropy", np.array([0, 1, 1, 0])),
        (2, "softmax", "sparse_categorical_crossentropy", np.array([0, 1, 1, 0])),
        (2, "softmax", "sparse_categorical_crossentropy", np.array([[0], [1], [1], [0]])),
        (2, "softmax", "categorical_crossentropy", np.eye(2)[[0, 1, 1, 0]]),
    ],
)
def test_accuracy_follows_from_the_shapes(units, activation, loss, y):
    model = ef.Sequential([layers.Dense(units, activation=activation)])
    model.compile("sgd", loss, metrics=["accuracy"])
    x = np.arange(4.0)[:, None]
    model.fit(x, y, verbose=0)
    predicted = model.predict(x, verbose=0)
    right = (predicted[:, 0] > 0.5) == y if units == 1 else predicted.argmax(1) == np.array([0, 1, 1, 0])
    assert model.evaluate(x, y, verbose=0)[1] == pytest.approx(right.mean())


def test_generators_that_end_stop_training():
    model = line()
    with pytest.warns(UserWarning, match="ran out"):
        history = model.fit(iter([(ONES, ONES)] * 3), steps_per_epoch=2, epochs=5, verbose=0)
    assert len(history.epoch) == 2
    model = line()
    with pytest.warns(UserWarning, match="no batch in epoch 2: training ends after 1 epoch\\."):
        history = model.fit(iter([(ONES, ONES)]), epochs=3, verbose=0)
    assert history.epoch == [0]
    with pytest.raises(ValueError, match="no batch in epoch 1"):
        line().fit(iter([]), epochs=2, verbose=0)


def test_data_sets():
    dataset = data.Dataset.from_tensor_slices((ONES, ONES)).shuffle(4).batch(2).prefetch(1)
    model = line()
    history = model.fit(dataset, epochs=2, verbose=0, validation_data=dataset)
    assert len(history.history["val_loss"]) == 2
    assert model.predict(dataset, verbose=0).shape == (4, 1)
    assert isinstance(model.evaluate(dataset, verbose=0), float)


def test_batches_by_number():
    class Numbers(data.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return ONES, ONES

    history = line().fit(Numbers(workers=2), epochs=2, verbose=0)
    assert len(history.epoch) == 2


def test_a_list_of_metrics_of_another_length_serves_all_outputs():
    x = ef.Input((2,))
    model = ef.Model(x, [layers.Dense(1, name="p")(x), layers.Dense(1, name="q")(x)])
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(np.ones((4, 2)), [np.ones(4), 3 * np.ones(4)], verbose=0).history
    assert set(history) == {"loss", "p_loss", "q_loss", "p_mae", "q_mae"}
    assert history["p_mae"] != history["q_mae"]
    with pytest.raises(ValueError, match="metrics: 1 given for 2 outputs"):  # one object can't gather for both
        model.compile("sgd", "mse", metrics=[ef.metrics.MeanAbsoluteError()])


def test_dicts_of_outputs():
    class Both(ef.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = layers.Dense(1), layers.Dense(1)

        def call(self, inputs):
            return {"one": self.one(inputs), "two": self.two(inputs)}

    model = Both()
    model.compile("sgd", {"one": "mse", "two": None}, metrics={"two": ["mae"]})
    with pytest.warns(UserWarning, match="No gradient for"):
        history = model.fit(ONES, {"one": ONES, "two": ONES}, verbose=0)
    assert set(history.history) == {"loss", "two_mae"}  # one loss alone is the whole
    assert set(model.predict(ONES, verbose=0)) == {"one", "two"}


def test_the_only_output_of_a_subclass_goes_by_any_name():
    class One(ef.Model):
        def __init__(self):
            super().__init__()
            self.last = layers.Dense(1)

        def call(self, inputs):
            return self.last(inputs)

    model = One()
    model.compile("sgd", "mse", metrics={"price": ["mae"]})
    assert set(model.fit(ONES, ONES, verbose=0).history) == {"loss", "mae"}
    named = ef.Sequential([ef.Input((1,)), layers.Dense(1, name="price")])
    with pytest.raises(ValueError, match=r"there is no output 'prise'\. Did you mean 'price'"):
        named.compile("sgd", "mse", metrics={"prise": ["mae"]})


def test_a_step_that_tracks_nothing_reports_what_it_returns():
    class Mine(ef.Sequential):
        def train_step(self, data):
            x, y = data
            y_pred = self(x, training=True)
            return {"loss": 7.0, **self.compute_metrics(x, y, y_pred)}

    model = Mine([layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile("sgd", "mse", metrics=["mae"])
    assert model.fit(ONES, ONES, verbose=0).history == {"loss": [7.0], "mae": [1.0]}


def test_metrics_that_the_model_holds():
    class Mine(ef.Model):
        def __init__(self):
            super().__init__()
            self.last = layers.Dense(1, use_bias=False, kernel_initializer="zeros")
            self.tracker = ef.metrics.Mean(name="loss")

        def call(self, inputs):
            return self.last(inputs)

        @property
        def metrics(self):
            return [self.tracker]

        def train_step(self, data):
            x, y = data
            with ef.GradientTape() as tape:
                loss = ef.ops.mean((self(x) - y) ** 2)
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            self.tracker.update_state(loss)
            return {"loss": self.tracker.result()}

    model = Mine()
    model.compile(ef.optimizers.SGD(0.25))
    assert model.fit(ONES, ONES, epochs=2, verbose=0).history == {"loss": [1.0, 0.25]}


def test_optimizer_and_loss_may_be_set():
    model = line()
    model.optimizer = ef.optimizers.SGD(0.25)
    model.loss = "mae"
    model.fit(ONES, ONES, batch_size=4, verbose=0)
    assert model.get_weights()[0].item() == 0.25


def test_single_batches_within_a_callback():
    seen = []

    class Extra(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(self.model.test_on_batch(ONES, ONES, return_dict=True))

    line(metrics=["mae"]).fit(ONES, ONES, callbacks=Extra(), verbose=0)
    assert set(seen[0]) == {"loss", "mae"}


def test_evaluations_with_averaged_weights():
    """After one step w is 0.5 and the average 0.5; after two 0.75 and 0.625: the loss is (1 - 0.625)²."""
    model = line(optimizer=ef.optimizers.SGD(0.25, use_ema=True, ema_momentum=0.5))
    swap = callbacks.SwapEMAWeights()
    history = model.fit(ONES, ONES, epochs=2, validation_data=(ONES, ONES), callbacks=swap, verbose=0)
    assert history.history["val_loss"] == [0.25, 0.375**2]
    assert history.history["loss"] == [1.0, 0.25]
    assert model.get_weights()[0].item() == 0.625
    with pytest.raises(ValueError, match="use_ema=True"):
        line().fit(ONES, ONES, callbacks=callbacks.SwapEMAWeights(), verbose=0)


@pytest.mark.parametrize("stops", [False, True], ids=["whole", "stopped"])
def test_weights_swapped_at_each_epoch_end_as_averages(stops):
    seen = []

    class Watch(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.get_weights()[0].item())
            self.model.stop_training = stops and epoch == 1

    model = line(optimizer=ef.optimizers.SGD(0.25, use_ema=True, ema_momentum=0.5))
    model.fit(ONES, ONES, epochs=3 if stops else 2, callbacks=[callbacks.SwapEMAWeights(True), Watch()], verbose=0)
    assert seen == [0.5, 0.625]
    assert model.get_weights()[0].item() == 0.625


def test_half_precision_scales_its_loss(device):
    x, y = blobs(32, 2)
    inputs = ef.Input((2,))
    outputs = layers.Dense(1, dtype="mixed_float16")(inputs)
    model = ef.Model(inputs, outputs, dtype="mixed_float16")
    model.compile("sgd", "mse")
    assert isinstance(model.optimizer, ef.optimizers.LossScaleOptimizer)
    before = model.get_weights()[0]
    model.fit(x, y, epochs=8, verbose=0)  # the first steps may overflow, until the scale is small enough
    assert (model.get_weights()[0] != before).any()
    assert model.get_weights()[0].dtype == "float32"


def test_a_model_without_weights_to_train_warns():
    model = ef.Sequential([layers.Flatten()])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="no trainable weights"):
        model.fit(ONES, ONES, verbose=0)


def test_predictions_do_not_share_the_memory_of_the_input():
    model = ef.Sequential([layers.Activation("linear")])
    found = model.predict(ONES, verbose=0)
    assert not np.shares_memory(found, ONES)
    assert not np.shares_memory(model.predict_on_batch(ONES), ONES)


def test_weights_and_slots_are_changed_in_place():
    model = ef.Sequential([layers.Dense(4), layers.BatchNormalization(), layers.Dense(3)])
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    x, y = blobs()
    model.fit(x, y, verbose=0)
    state = [*model.weights, *model.optimizer.variables]
    before = [v.data.__array_interface__["data"] for v in state]
    model.fit(x, y, epochs=2, verbose=0, validation_data=(x, y))
    assert [v.data.__array_interface__["data"] for v in state] == before


def test_steps_leave_no_cycles(own_garbage):
    model = classifier()
    x, y = blobs()
    model.fit(x, y, epochs=3, verbose=0)
    before = len(gc.get_objects())
    model.fit(x, y, epochs=10, verbose=0)
    assert len(gc.get_objects()) - before < 200
