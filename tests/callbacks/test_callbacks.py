"""Callbacks: what each does, and what mistakes say. Most use a stand-in for a model."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import get_args, get_type_hints

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import callbacks
from eagerflow.optimizers import SGD


class Model:
    """As much of a model as callbacks look at."""

    def __init__(self):
        self.stop_training = False
        self.optimizer = SGD(1.0)
        self.weights = 0
        self.metrics = []

    def get_weights(self):
        return [np.array(self.weights)]

    def set_weights(self, weights):
        self.weights = int(weights[0])


def run(callback, numbers, name="val_loss", model=None):
    """Tell the callback of one number per epoch, as `fit` does; gives the number of epochs and all logs."""
    model = model or Model()
    callback.set_model(model)
    callback.set_params({"epochs": len(numbers), "verbose": 0})
    callback.on_train_begin()
    kept = []
    for epoch, number in enumerate(numbers):
        model.weights = epoch
        callback.on_epoch_begin(epoch)
        logs = {name: number}
        callback.on_epoch_end(epoch, logs)
        kept.append(logs)
        if model.stop_training:
            break
    callback.on_train_end()
    return len(kept), kept


def test_how_long_early_stopping_waits():
    stop = callbacks.EarlyStopping(patience=2)
    assert run(stop, [3, 2, 1, 2, 2, 0])[0] == 5
    assert (stop.stopped_epoch, stop.best) == (4, 1)
    assert run(callbacks.EarlyStopping(patience=1, min_delta=0.5), [3, 2.9, 2.8])[0] == 2
    assert run(callbacks.EarlyStopping(patience=2, baseline=1.0), [5, 5, 5, 5])[0] == 2
    assert run(callbacks.EarlyStopping(patience=2, baseline=9.0), [5, 5, 5, 5])[0] == 3
    assert run(callbacks.EarlyStopping(patience=1, start_from_epoch=3), [1, 2, 3, 4, 5, 6])[0] == 5


def test_early_stopping_gives_the_best_weights_back_with_and_without_stopping():
    model = Model()
    run(callbacks.EarlyStopping(patience=1, restore_best_weights=True), [3, 1, 2, 2], model=model)
    assert model.weights == 1
    model = Model()
    run(callbacks.EarlyStopping(patience=10, restore_best_weights=True), [3, 1, 2], model=model)
    assert model.weights == 1


@pytest.mark.parametrize(("name", "direction"), [("val_acc", "max"), ("auc", "max"), ("mae", "min"), ("loss", "min")])
def test_the_direction_follows_from_the_name(name, direction):
    assert callbacks.EarlyStopping(name).direction() == direction


def test_the_direction_follows_from_the_metric():
    class Metric:
        name = "odd"
        _direction = "up"

    callback = callbacks.EarlyStopping("val_odd")
    model = Model()
    model.metrics = [Metric()]
    callback.set_model(model)
    assert callback.direction() == "max"


@pytest.mark.parametrize(("name", "direction"), [("accuracy", "max"), ("crossentropy", "min")])
def test_the_direction_of_metrics_that_shapes_choose(name, direction):
    model, callback = ef.Sequential([ef.layers.Dense(1)]), callbacks.EarlyStopping(name)
    model.compile("sgd", "mse", metrics=[name])
    model.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0)
    callback.set_model(model)
    assert callback.direction() == direction


def test_an_unknown_direction_must_be_given():
    with pytest.raises(ValueError, match="pass mode='max' or mode='min'"):
        callbacks.EarlyStopping("odd").direction()


def test_a_missing_number_is_reported_once():
    with pytest.warns(UserWarning, match="Did you mean 'val_loss'") as seen:
        run(callbacks.EarlyStopping("val_los"), [1, 2, 3])
    assert len(seen) == 1
    with pytest.warns(UserWarning, match="no validation_data"):
        run(callbacks.EarlyStopping("val_loss"), [1], name="loss")
    words = "'val_acuracy'.* Did you mean 'val_accuracy'\\? It needs validation data, and fit has no validation_data"
    with pytest.warns(UserWarning, match=words):
        run(callbacks.EarlyStopping("val_acuracy"), [1], name="accuracy")


def test_plateaus_lower_the_learning_rate():
    model = Model()
    callback = callbacks.ReduceLROnPlateau(factor=0.5, patience=2, min_lr=0.3)
    _, logs = run(callback, [1, 1, 1, 1, 1, 1, 1], model=model)
    assert [round(log["learning_rate"], 3) for log in logs] == [1, 1, 1, 0.5, 0.5, 0.3, 0.3]


def test_a_cooldown_lets_the_new_rate_work():
    model = Model()
    run(callbacks.ReduceLROnPlateau(factor=0.5, patience=1, cooldown=3), [1, 1, 1, 1, 1], model=model)
    assert float(model.optimizer.learning_rate) == 0.25


def test_schedules_of_epochs():
    model = Model()
    _, logs = run(callbacks.LearningRateScheduler(lambda epoch: 0.1 * (epoch + 1)), [1, 1], model=model)
    assert [round(log["learning_rate"], 3) for log in logs] == [0.1, 0.2]
    run(callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2), [1, 1], model=model)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.05)


def test_what_schedules_must_give():
    with pytest.raises(TypeError, match="must give a number"):
        run(callbacks.LearningRateScheduler(lambda epoch: "fast"), [1])
    with pytest.raises(TypeError, match=r"it gave None\. Was a `return` forgotten"):
        run(callbacks.LearningRateScheduler(lambda epoch: None), [1])


def test_not_a_number_ends_training(capsys):
    callback = callbacks.TerminateOnNaN()
    callback.set_model(Model())
    callback.on_train_batch_end(0, {"loss": 1.0})
    assert not callback.model.stop_training
    callback.on_train_batch_end(1, {"loss": float("nan")})
    assert callback.model.stop_training
    assert "Batch 1" in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="batch 2"):
        callbacks.TerminateOnNaN(raise_error=True).on_train_batch_end(2, {"loss": float("inf")})


def test_csv_has_a_line_per_epoch(tmp_path):
    file = tmp_path / "log.csv"
    run(callbacks.CSVLogger(file), [1.0, 0.5], name="loss")
    assert file.read_text(encoding="utf-8") == "epoch,loss\n0,1.0\n1,0.5\n"
    run(callbacks.CSVLogger(file, append=True), [0.25], name="loss")
    assert file.read_text(encoding="utf-8").splitlines()[-1] == "0,0.25"
    assert file.read_text(encoding="utf-8").count("epoch") == 1


def test_only_hooks_that_somebody_overrides_are_called():
    class Old(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            self.batch = batch

    old = Old()
    group = callbacks.CallbackList([old, callbacks.EarlyStopping()])
    assert len(group.hooks("on_train_batch_end")) == 1
    assert group.hooks("on_train_batch_begin") == []
    group.on_train_batch_end(5, {})
    assert old.batch == 5


def test_a_callback_needs_no_super_init():
    class Mine(callbacks.Callback):
        def __init__(self):
            self.seen = []

    mine = Mine()
    assert mine.model is None
    callbacks.CallbackList(mine, model=Model(), epochs=2)
    assert mine.params == {"epochs": 2}


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: callbacks.CallbackList(["early_stopping"]), TypeError, r"mean [\w.]*callbacks\.EarlyStopping\("),
        (lambda: callbacks.CallbackList([viz.trace()]), TypeError, r"mean [\w.]*callbacks\.Trace\("),
        (lambda: callbacks.CallbackList([viz.live]), TypeError, r"mean [\w.]*callbacks\.Live\("),
        (lambda: callbacks.CallbackList(["x"]), TypeError, "got str 'x'.$"),
        (lambda: callbacks.LambdaCallback(on_epoch_ends=print), TypeError, "Did you mean 'on_epoch_end'"),
        (lambda: callbacks.LambdaCallback(on_epoch_end=3), TypeError, "expected a function"),
        (lambda: callbacks.EarlyStopping(3), TypeError, "name of a number"),
        (lambda: callbacks.ReduceLROnPlateau(factor=1.0), ValueError, "factor=1.0"),
        (lambda: callbacks.Nothing, AttributeError, "has no attribute 'Nothing'"),
    ],
)
def test_mistakes_have_clear_errors(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_tensorboard_comes_from_viz_only_when_asked():
    program = (
        "import sys, eagerflow.callbacks as c; assert 'viz' not in sys.modules; "
        "from eagerflow.callbacks import TensorBoard, Trace; assert issubclass(TensorBoard, c.Callback)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_list_passes_hooks_on_with_logs():
    told = []
    group = callbacks.CallbackList(
        [
            callbacks.LambdaCallback(
                on_epoch_end=lambda *given: told.append(given), on_train_begin=lambda *given: told.append(given)
            )
        ]
    )
    group.on_train_begin()
    group.on_epoch_end(epoch=3, logs={"loss": 1.0})
    group.on_epoch_end(4)
    assert told == [({},), (3, {"loss": 1.0}), (4, {})]


def test_the_comparison_can_be_looked_up():
    callback = callbacks.EarlyStopping("val_loss")
    callback.set_model(Model())
    assert callback.monitor_op is ef.ops.less
    assert callbacks.EarlyStopping("something", mode="max").monitor_op is ef.ops.greater


def test_the_best_model_is_saved_where_nothing_tells_which_it_is(tmp_path):
    path = tmp_path / "m.keras"
    model = ef.Sequential([ef.Input((1,)), ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    best = callbacks.ModelCheckpoint(path, monitor="absent", save_best_only=True, mode="min")
    with pytest.warns(UserWarning, match="absent"):
        model.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0, callbacks=[best])
    assert path.exists()


def test_a_backup_needs_a_folder():
    with pytest.raises(ValueError, match="backup_dir=None"):
        callbacks.BackupAndRestore(None)


def test_type_checkers_know_every_hook_of_a_lambda_callback():
    named = {name for name in inspect.signature(callbacks.LambdaCallback).parameters if name.startswith("on_")}
    (others,) = get_args(get_type_hints(callbacks.LambdaCallback.__init__)["kwargs"])
    assert named | others.__annotations__.keys() == {
        name for name in vars(callbacks.Callback) if name.startswith("on_")
    }
