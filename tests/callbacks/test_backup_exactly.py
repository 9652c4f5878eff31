"""`BackupAndRestore`: a training that is broken off anywhere ends bit for bit as one that isn't."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, optimizers
from eagerflow.callbacks import BackupAndRestore, Callback, EarlyStopping, ReduceLROnPlateau
from tests.sources import ROOT

RNG = np.random.default_rng(1)
X, Y = RNG.normal(size=(22, 4)).astype("float32"), RNG.normal(size=(22, 2)).astype("float32")
SERIES = RNG.normal(size=(16, 3, 2)).astype("float32")
EPOCHS, STEPS = 3, 6


class Stop(Callback):
    """Breaks off after so many batches, as a failing machine does."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def on_train_batch_begin(self, batch, logs=None):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1


class Logs(Callback):
    """What each batch and epoch reported."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(("batch", batch, logs))

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(("epoch", epoch, logs))


def plain():
    return ef.Sequential(
        [layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.4), layers.GaussianNoise(0.1), layers.Dense(2)]
    )


def compiled(made, optimizer="adam", **settings):
    made.compile(optimizer, **{"loss": "mse", "metrics": ["mae", ef.metrics.RootMeanSquaredError()], **settings})
    return made


def arrays(**options):
    return lambda: {"x": X, "y": Y, "batch_size": 4, **options}


def dataset(seed=None, **options):
    def make():
        data = ef.data.Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (x, y)).shuffle(30, seed=seed)
        return {"x": data.batch(4), **options}

    return make


def generator():
    def rows():
        own = np.random.default_rng(5)
        while True:
            chosen = own.integers(0, 22, 4)
            yield X[chosen], Y[chosen]

    return {"x": rows(), "steps_per_epoch": STEPS}


class Sequence(ef.utils.PyDataset):
    def __len__(self):
        return STEPS

    def __getitem__(self, i):
        return X[i * 4 : i * 4 + 4], Y[i * 4 : i * 4 + 4]


class Stream:
    """Tells where it is, so that nothing needs to be drawn again."""

    def __init__(self):
        self.at, self.drawn = 0, 0

    def get_state(self):
        return self.at

    def set_state(self, state):
        self.at = state

    def __iter__(self):
        while True:
            chosen = np.random.default_rng(self.at).integers(0, 22, 4)
            self.at += 1
            self.drawn += 1
            yield X[chosen], Y[chosen]


DATA = {
    "arrays": arrays(),
    "in_order": arrays(shuffle=False),
    "whole_batches": arrays(shuffle="batch"),
    "fewer_steps": arrays(steps_per_epoch=4),
    "parts_of_a_sequence": lambda: {"x": Sequence(), "steps_per_epoch": 4},
    "validation": arrays(validation_split=0.2),
    "dataset": dataset(),
    "seeded_dataset": dataset(seed=3),
    "endless_dataset": lambda: {"x": dataset()()["x"].repeat(), "steps_per_epoch": 5},
    "generator": generator,
    "sequence": lambda: {"x": Sequence()},
    "stream": lambda: {"x": Stream(), "steps_per_epoch": STEPS},
}
SCHEDULE = optimizers.schedules.ExponentialDecay(0.05, 3, 0.7)
OPTIMIZERS = {
    **{
        name: lambda name=name: getattr(optimizers, name)(0.01)
        for name in (
            "SGD",
            "RMSprop",
            "Adam",
            "AdamW",
            "Adagrad",
            "Adadelta",
            "Adamax",
            "Adafactor",
            "Nadam",
            "Ftrl",
            "Lion",
            "Lamb",
            "Muon",
        )
    },
    "momentum": lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True),
    "schedule": lambda: optimizers.Adam(SCHEDULE),
    "average": lambda: optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=4),
    "accumulation": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=3),
    "clipping": lambda: optimizers.SGD(0.01, global_clipnorm=0.5, weight_decay=0.01),
    "scaling": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01), dynamic_growth_steps=4),
}


def state_of(made):
    variables = [*made.variables, *made.optimizer.variables]
    return [np.array(v.numpy()) for v in variables]


def check(tmp_path, make, data, stops, save_freq=None, more=()):
    """Train without a break, and with one after each of `stops` batches, where the last backup is made by default."""
    ef.utils.set_random_seed(7)
    whole, logs = make(), Logs()
    whole.fit(**data(), epochs=EPOCHS, verbose=0, callbacks=[logs, *[m() for m in more]])
    wanted = state_of(whole)
    for after in stops:
        folder = tmp_path / str(after)
        ef.utils.set_random_seed(7)
        broken = make()
        options = {"epochs": EPOCHS, "verbose": 0}
        backup = BackupAndRestore(folder, save_freq=save_freq or after)
        with pytest.raises(KeyboardInterrupt):
            broken.fit(**data(), **options, callbacks=[backup, Stop(after), Logs(), *[m() for m in more]])
        ef.utils.set_random_seed(99)
        again, rest = make(), Logs()
        backup = BackupAndRestore(folder, save_freq=1000)
        again.fit(**data(), **options, callbacks=[backup, Stop(-1), rest, *[m() for m in more]])
        assert all(np.array_equal(a, b) for a, b in zip(wanted, state_of(again), strict=True)), after
        assert rest.seen == logs.seen[-len(rest.seen) :], after
        assert len(rest.seen) >= 1
    return whole


OFTEN = ("arrays", "fewer_steps", "seeded_dataset", "generator", "SGD", "Adam", "Muon")


def some(names):
    """A few kinds in every run, the others in the slow one."""
    return [pytest.param(name, marks=() if name in OFTEN else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", some(DATA))
def test_broken_off_anywhere(tmp_path, name):
    check(tmp_path, lambda: compiled(plain()), DATA[name], (1, 3, 5, 6, 7, 11))


@pytest.mark.parametrize("save_freq", [2, 4, 5])
def test_backups_now_and_then(tmp_path, save_freq):
    check(tmp_path, lambda: compiled(plain()), DATA["arrays"], (5, 7, 11, 13), save_freq)


@pytest.mark.parametrize("name", some(OPTIMIZERS))
def test_every_optimizer(tmp_path, name):
    check(tmp_path, lambda: compiled(plain(), OPTIMIZERS[name]()), DATA["arrays"], (1, 4, 7))


def test_stateful_recurrent_layers(tmp_path):
    def make():
        kinds = (layers.LSTM, layers.GRU)
        inner = [kind(3, stateful=True, return_sequences=True, recurrent_dropout=0.2) for kind in kinds]
        return compiled(ef.Sequential([ef.Input(batch_shape=(4, 3, 2)), *inner, layers.Dense(1)]))

    targets = SERIES[:, :, :1]
    check(tmp_path, make, lambda: {"x": SERIES, "y": targets, "batch_size": 4, "shuffle": False}, (1, 3, 4, 6, 9))


def test_callbacks_go_on_too(tmp_path):
    reduce = lambda: ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10.0)  # noqa: E731
    stop = lambda: EarlyStopping("loss", patience=2, min_delta=10.0, restore_best_weights=True)  # noqa: E731
    whole = check(tmp_path, lambda: compiled(plain()), DATA["arrays"], (7, 9, 13), more=(reduce, stop))
    assert float(whole.optimizer.learning_rate.numpy()) < 0.001


def test_schedules_of_epochs_are_not_applied_twice(tmp_path):
    halve = lambda: ef.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)  # noqa: E731
    check(tmp_path, lambda: compiled(plain()), DATA["arrays"], (2, 8), more=(halve,))


def test_callbacks_of_ones_own_tell_their_state(tmp_path):
    class Warm(Callback):
        """Lets the learning rate grow."""

        def __init__(self):
            super().__init__()
            self.steps = 0

        def get_state(self):
            return self.steps

        def set_state(self, state):
            self.steps = state

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1
            self.model.optimizer.learning_rate = 0.001 * self.steps

    check(tmp_path, lambda: compiled(plain()), DATA["arrays"], (3, 7), more=(Warm,))


def test_a_state_that_no_file_can_hold_is_named(tmp_path):
    class Odd(Callback):
        def get_state(self):
            return object()

        def set_state(self, state):
            pass

    with pytest.raises(TypeError, match=r"Odd\.get_state\(\) must give numbers"):
        compiled(plain()).fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path), Odd()])


def test_a_stream_that_tells_where_it_is_draws_nothing_twice(tmp_path):
    first, second = Stream(), Stream()
    options = {"steps_per_epoch": STEPS, "epochs": 2, "verbose": 0}
    with pytest.raises(KeyboardInterrupt):
        compiled(plain()).fit(first, callbacks=[BackupAndRestore(tmp_path, save_freq=1), Stop(8)], **options)
    compiled(plain()).fit(second, callbacks=[BackupAndRestore(tmp_path, save_freq=1)], **options)
    assert second.drawn <= 2 * STEPS - 8 + 1


def test_an_own_training_step(tmp_path):
    class Own(ef.Sequential):
        def train_step(self, data):
            return {**super().train_step(data), "twice": 2.0}

    inner = plain().layers
    assert len(inner) == 5
    check(tmp_path, lambda: compiled(Own(plain().layers)), DATA["arrays"], (3, 6, 7))


KILLED = """
    import sys, numpy as np, eagerflow as ef
    from eagerflow import layers
    ef.utils.set_random_seed(3)
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(64, 5)), rng.normal(size=(64, 1))
    inner = [layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.3), layers.Dense(1)]
    model = ef.Sequential(inner)
    rate = ef.optimizers.schedules.CosineDecay(0.01, 200)
    model.compile(ef.optimizers.Adam(rate, use_ema=True), "mse")
    backup = ef.callbacks.BackupAndRestore(sys.argv[1], save_freq=1)
    model.fit(x, y, batch_size=4, epochs=12, verbose=0, callbacks=[backup] if sys.argv[1] else [])
    print(model.optimizer.iterations.numpy(), [w.tobytes().hex() for w in model.get_weights()])
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_program_that_is_killed_again_and_again_ends_as_one_that_is_not(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(KILLED), encoding="utf-8")

    def start(folder):
        command = [sys.executable, str(script), str(folder)]
        return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)

    wanted = start(tmp_path / "never").communicate()[0]
    assert wanted.startswith(b"192 ")
    delays, kills = np.random.default_rng(0), 0
    backup = tmp_path / "backups" / "training.weights.h5"
    while kills < 12:
        program, seen = start(tmp_path / "backups"), backup.stat().st_mtime_ns if backup.exists() else 0
        while program.poll() is None and (not backup.exists() or backup.stat().st_mtime_ns == seen):
            time.sleep(0.002)
        time.sleep(float(delays.uniform(0, 0.05)))
        if program.poll() is not None:
            break
        program.send_signal(signal.SIGKILL)
        program.communicate()
        kills += 1
    assert start(tmp_path / "backups").communicate()[0] == wanted
    assert kills >= 5
