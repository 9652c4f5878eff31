"""Around the steps: callbacks, the progress bar, Ctrl-C, observers, threads."""

from __future__ import annotations

import os
import signal
import threading
import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import callbacks, layers
from eagerflow.core import observe

X = np.ones((8, 2), "float32")
Y = np.ones((8, 1), "float32")


def model(**settings):
    made = ef.Sequential([layers.Dense(1, name="last")])
    made.compile(**{"optimizer": "sgd", "loss": "mse", **settings})
    return made


class Diary(callbacks.Callback):
    """Notes every call of every hook."""

    def __init__(self):
        super().__init__()
        self.notes = []


def _noting(name):
    def hook(self, *arguments):
        self.notes.append((name[3:], *[a for a in arguments if isinstance(a, int)]))

    return hook


for _name in [
    n for n in vars(callbacks.Callback) if n.startswith("on_") and n not in ("on_batch_begin", "on_batch_end")
]:
    setattr(Diary, _name, _noting(_name))


def test_the_order_of_hooks():
    diary = Diary()
    model().fit(X, Y, batch_size=4, validation_data=(X, Y), callbacks=[diary], verbose=0)
    batches = [(f"train_batch_{when}", i) for i in (0, 1) for when in ("begin", "end")]
    tests = [
        ("test_begin",),
        ("test_batch_begin", 0),
        ("test_batch_end", 0),
        ("test_batch_begin", 1),
        ("test_batch_end", 1),
        ("test_end",),
    ]
    assert diary.notes == [("train_begin",), ("epoch_begin", 0), *batches, *tests, ("epoch_end", 0), ("train_end",)]


def test_hooks_of_prediction():
    class Watch(callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            self.outputs = logs["outputs"]

    watch = Watch()
    found = model().predict(X, callbacks=watch, verbose=0)
    assert (watch.outputs == found).all()


def test_logs_of_batches_are_numbers_so_far():
    class Watch(callbacks.Callback):
        losses = []

        def on_train_batch_end(self, batch, logs=None):
            self.losses.append(logs["loss"])

    made = model(optimizer=ef.optimizers.SGD(0.0))
    made.fit(X, Y * np.arange(8)[:, None], batch_size=4, shuffle=False, callbacks=Watch(), verbose=0)
    assert all(isinstance(v, float) for v in Watch.losses)
    assert made.history.history["loss"][0] == Watch.losses[-1] != Watch.losses[0]


def test_callbacks_hear_of_every_second_batch():
    diary = Diary()
    model(steps_per_execution=2).fit(X, Y, batch_size=2, callbacks=diary, verbose=0)
    assert [n for n in diary.notes if "batch" in n[0]] == [
        ("train_batch_begin", 0),
        ("train_batch_end", 1),
        ("train_batch_begin", 2),
        ("train_batch_end", 3),
    ]


def test_a_callback_can_stop_training_in_the_middle():
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    made = model()
    made.fit(X, Y, batch_size=2, epochs=3, callbacks=Stop(), verbose=0)
    assert int(made.optimizer.iterations) == 2
    made.fit(X, Y, batch_size=4, verbose=0)
    assert int(made.optimizer.iterations) == 4


def test_the_learning_rate_is_in_the_history():
    history = model().fit(X, Y, epochs=2, callbacks=callbacks.LearningRateScheduler(lambda e: 0.1 / (e + 1)), verbose=0)
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.05])


def test_two_lines_per_epoch_as_keras_writes_them(capsys):
    model().fit(X, Y, epochs=2, batch_size=4, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/2", "2/2", "Epoch 2/2", "2/2"]
    assert " - loss: " in lines[1]


@pytest.mark.parametrize("verbose", [1, "auto"])
def test_logs_have_a_title_and_a_line_per_epoch(verbose, capsys):
    model().fit(X, Y, epochs=2, batch_size=4, verbose=verbose)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ")[:2] for line in lines[::2]] == [["Epoch", "1/2"], ["Epoch", "2/2"]]
    assert all(line.startswith("2/2 ━━━") and " - loss: " in line for line in lines[1::2])


def test_silence(capsys):
    made = model()
    made.fit(X, Y, verbose=0)
    made.evaluate(X, Y, verbose=0)
    made.predict(X, verbose=0)
    assert capsys.readouterr().out == ""


def test_evaluation_and_prediction_show_their_steps(capsys):
    made = model()
    made.evaluate(X, Y)
    made.predict(X, batch_size=4)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("1/1 ━━━")
    assert second.startswith("2/2 ━━━")


class _Interrupt(callbacks.Callback):
    """Sends Ctrl-C during a step of the first epoch."""

    def __init__(self, times=1):
        super().__init__()
        self.times = times
        self.after = 0

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 1:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)
            self.after += 1


@pytest.fixture
def plain_handler():
    """As in a program that a user started; tests may run under another."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("plain_handler")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_lets_the_step_finish():
    made, interrupt = model(), _Interrupt()
    with pytest.raises(KeyboardInterrupt):
        made.fit(X, Y, batch_size=2, callbacks=interrupt, verbose=0)
    assert interrupt.after == 1
    assert int(made.optimizer.iterations) == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    made.fit(X, Y, batch_size=2, verbose=0)
    assert int(made.optimizer.iterations) == 6


@pytest.mark.usefixtures("plain_handler")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_second_ctrl_c_does_not_wait():
    made, interrupt = model(), _Interrupt(times=2)
    with pytest.raises(KeyboardInterrupt):
        made.fit(X, Y, batch_size=2, callbacks=interrupt, verbose=0)
    assert interrupt.after == 0


@pytest.mark.usefixtures("plain_handler")
def test_a_handler_of_the_users_own_is_left_alone():
    def mine(number, frame):
        return None

    signal.signal(signal.SIGINT, mine)
    seen = []

    class Look(callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(signal.getsignal(signal.SIGINT))

    model().fit(X, Y, callbacks=Look(), verbose=0)
    assert seen == [mine]


def test_training_in_another_thread():
    made = model()
    thread = threading.Thread(target=made.fit, args=(X, Y), kwargs={"verbose": 0})
    thread.start()
    thread.join()
    assert int(made.optimizer.iterations) == 1


def test_what_an_observer_sees_of_a_step():
    kinds, told = [], []

    class Watcher(observe.Observer):
        def on_scope_begin(self, scope):
            kinds.append((scope.kind, scope.name))

        def on_logs(self, kind, step, logs):
            told.append((kind, step, sorted(logs)))

    made = model(metrics=["mae"])
    made.fit(X, Y, verbose=0)
    with observe.observing(Watcher()):
        made.fit(X, Y, verbose=0)
    expected = [
        ("data", "batch"),
        ("step", "train_step"),
        ("model", made.name),
        ("layer", "last"),
        ("loss", "mean_squared_error"),
        ("optimizer", "sgd"),
        ("metric", "mae"),
    ]
    assert [k for k in kinds if k in expected] == expected
    assert told == [("batch", 0, ["loss", "mae"]), ("epoch", 0, ["loss", "mae"])]


def test_numpy_does_not_warn_of_overflow_in_steps():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.warns(UserWarning, match="learning rate"):
            model(optimizer=ef.optimizers.SGD(1e30)).fit(X, Y, epochs=5, verbose=0)


def test_no_epochs_give_an_empty_history_and_leave_the_weights(tmp_path):
    net = model()
    net.build((None, 2))
    before = net.get_weights()
    asked = [callbacks.EarlyStopping(restore_best_weights=True), callbacks.ModelCheckpoint(tmp_path / "a.keras")]
    history = net.fit(X, Y, epochs=0, validation_split=0.25, callbacks=asked, verbose=1)
    assert (history.history, history.epoch) == ({}, [])
    np.testing.assert_array_equal(net.get_weights()[0], before[0])
    assert not list(tmp_path.iterdir())
