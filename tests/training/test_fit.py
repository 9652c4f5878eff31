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


def test_sample_weights_count_in_the_loss():
    model = line()
    y = np.array([1.0, 100.0, 100.0, 1.0])
    model.fit(ONES, y, sample_weight=np.array([1.0, 0.0, 0.0, 1.0]), batch_size=4, verbose=0)
    assert model.get_weights()[0].item() == 0.5  # half of the weights are zero, the mean is over all


def test_sample_weights_count_in_weighted_metrics_only():
    model = line(metrics=["mae"], weighted_metrics=[ef.metrics.MeanAbsoluteError(name="weighted")])
    y = np.array([1.0, 9.0, 9.0, 1.0])
    found = model.evaluate(ONES, y, sample_weight=np.array([1.0, 0.0, 0.0, 1.0]), verbose=0, return_dict=True)
    model_error = model.evaluate(ONES, y, verbose=0, return_dict=True)["mae"]
    assert found["mae"] == model_error == 5.0
    assert found["weighted"] == 1.0


def test_class_weights_count_in_the_loss():
    x, y = blobs(60, 2)
    biased = classifier(2)
    biased.fit(x, y, epochs=10, class_weight={0: 0.001, 1: 1.0}, verbose=0)
    assert (biased.predict(x, verbose=0).argmax(1) == 1).mean() > 0.9


def test_the_last_part_is_held_back():
    seen = []
    model = line()

    class Watch(callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            seen.append(batch)

    x = np.arange(10.0)[:, None]
    model.fit(x, x, validation_split=0.25, batch_size=2, verbose=0, callbacks=Watch())
    assert seen == [0, 1]  # three of ten rows


def test_validation_only_now_and_then():
    history = line().fit(ONES, ONES, epochs=4, validation_data=(ONES, ONES), validation_freq=2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    history = line().fit(ONES, ONES, epochs=4, validation_data=(ONES, ONES), validation_freq=[1, 2, 4], verbose=0)
    assert len(history.history["val_loss"]) == 3


def test_epochs_go_on_from_initial_epoch():
    history = line().fit(ONES, ONES, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]


def test_generators_and_steps():
    def forever():
        while True:
            yield ONES, ONES

    history = line().fit(
        forever(), steps_per_epoch=3, epochs=2, verbose=0, validation_data=forever(), validation_steps=1
    )
    assert len(history.history["val_loss"]) == 2


def test_a_generator_that_ends_stops_training():
    model = line()
    with pytest.warns(UserWarning, match="ran out"):
        history = model.fit(iter([(ONES, ONES)] * 3), steps_per_epoch=2, epochs=5, verbose=0)
    assert len(history.epoch) == 2


def test_a_generator_serves_one_epoch():
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


def test_several_inputs_and_outputs_by_place_and_name():
    a, b = ef.Input((2,), name="a"), ef.Input((3,), name="b")
    both = layers.Concatenate()([a, b])
    model = ef.Model(
        [a, b], [layers.Dense(1, name="value")(both), layers.Dense(2, activation="softmax", name="kind")(both)]
    )
    losses = {"value": "mse", "kind": "sparse_categorical_crossentropy"}
    model.compile(
        "sgd", losses, loss_weights={"value": 0.5, "kind": 2.0}, metrics={"kind": ["accuracy"], "value": "mae"}
    )
    x, kinds = [np.ones((4, 2)), np.ones((4, 3))], np.array([0, 1, 1, 0])
    history = model.fit({"a": x[0], "b": x[1]}, {"value": np.ones(4), "kind": kinds}, verbose=0)
    assert set(history.history) == {"loss", "value_loss", "kind_loss", "value_mae", "kind_accuracy"}
    found = model.evaluate(x, [np.ones(4), kinds], verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(0.5 * found["value_loss"] + 2 * found["kind_loss"], rel=1e-5)
    value, kind = model.predict(x, verbose=0)
    assert (value.shape, kind.shape) == ((4, 1), (4, 2))


def test_one_loss_serves_all_outputs():
    x = ef.Input((2,))
    model = ef.Model(x, [layers.Dense(1, name="p")(x), layers.Dense(1, name="q")(x)])
    model.compile("sgd", "mse")
    history = model.fit(np.ones((4, 2)), [np.ones(4), np.ones(4)], verbose=0)
    assert set(history.history) == {"loss", "p_loss", "q_loss"}


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


def test_added_losses_are_minimized():
    class Pulled(layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(), initializer="ones")

        def call(self, inputs):
            self.add_loss(self.w * self.w)
            return inputs * self.w

    model = ef.Sequential([Pulled()])
    model.compile(ef.optimizers.SGD(0.5))
    history = model.fit(ONES, batch_size=4, verbose=0)
    assert history.history["loss"] == [1.0]
    assert model.get_weights()[0].item() == 0.0


def test_a_training_step_of_ones_own():
    class Mine(ef.Sequential):
        def train_step(self, data):
            x, y = data
            with ef.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred)
            return {**{m.name: m.result() for m in self.metrics}, "twice": 2 * loss}

    model = Mine([layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(ef.optimizers.SGD(0.5), "mse", metrics=["mae"])
    history = model.fit(ONES, ONES, batch_size=4, verbose=0)
    assert history.history == {"loss": [1.0], "mae": [1.0], "twice": [2.0]}


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


def test_two_models_and_two_optimizers_in_one():
    class Pair(ef.Model):
        def __init__(self):
            super().__init__()
            self.maker = layers.Dense(2, name="maker")
            self.judge = layers.Dense(1, name="judge")

        def compile(self, maker, judge):
            super().compile()
            self.maker_optimizer, self.judge_optimizer = maker, judge

        def train_step(self, data):
            with ef.GradientTape() as tape:
                verdict = ef.ops.mean(self.judge(data)) - ef.ops.mean(self.judge(self.maker(data)))
            weights = self.judge.trainable_variables
            self.judge_optimizer.apply(tape.gradient(verdict, weights), weights)
            with ef.GradientTape() as tape:
                loss = ef.ops.mean(self.judge(self.maker(data)))
            weights = self.maker.trainable_variables
            self.maker_optimizer.apply(tape.gradient(loss, weights), weights)
            return {"verdict": verdict, "loss": loss}

    pair = Pair()
    pair.compile(ef.optimizers.Adam(0.01), ef.optimizers.SGD(0.01))
    history = pair.fit(np.ones((8, 2), "float32"), epochs=3, verbose=0)
    assert len(history.history["verdict"]) == 3
    assert len(pair.maker_optimizer.variables) == 6


def test_optimizer_and_loss_may_be_set():
    model = line()
    model.optimizer = ef.optimizers.SGD(0.25)
    model.loss = "mae"
    model.fit(ONES, ONES, batch_size=4, verbose=0)
    assert model.get_weights()[0].item() == 0.25


def test_single_batches():
    model = line(metrics=["mae"])
    assert model.train_on_batch(ONES, ONES) == [1.0, 1.0]
    model.train_on_batch(ONES, 3 * ONES)  # metrics start over with each batch
    assert model.test_on_batch(ONES, ONES, return_dict=True) == {"loss": 4.0, "mae": 2.0}
    model.set_weights([np.ones((1, 1))])
    assert model.test_on_batch(ONES, ONES) == [0.0, 0.0]
    assert model.predict_on_batch(ONES).tolist() == ONES.tolist()
    assert model.metrics_names == ["loss", "mae"]


def test_single_batches_within_a_callback():
    seen = []

    class Extra(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(self.model.test_on_batch(ONES, ONES, return_dict=True))

    line(metrics=["mae"]).fit(ONES, ONES, callbacks=Extra(), verbose=0)
    assert set(seen[0]) == {"loss", "mae"}


def test_averages_of_weights_are_used_in_the_end():
    model = line(optimizer=ef.optimizers.SGD(0.25, use_ema=True, ema_momentum=0.5))
    model.fit(ONES, ONES, epochs=2, batch_size=4, verbose=0)
    assert model.get_weights()[0].item() == 0.625  # of 0.5 and 0.75


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


def test_frozen_layers_stay():
    x, y = blobs()
    model = classifier()
    model.build((None, 3))
    model.layers[0].trainable = False
    before = [w.copy() for w in model.get_weights()]
    model.fit(x, y, verbose=0)
    after = model.get_weights()
    assert (before[0] == after[0]).all()
    assert (before[2] != after[2]).any()


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


def test_compile_configs():
    model = line(metrics=["mae"])
    again = ef.Sequential([layers.Dense(1)])
    again.compile_from_config(model.get_compile_config())
    again.fit(ONES, ONES, verbose=0)
    assert again.metrics_names == ["loss", "mae"]
    assert float(again.optimizer.learning_rate) == 0.5


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
