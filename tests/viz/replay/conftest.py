"""Trainings of which one step goes wrong, kept in files."""

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from viz.replay.keeping import Keeping
from viz.replay.player import Player
from viz.replay.verdict import verdict

ROWS = 40


def data(bad_row=None, value=3e38):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 4)).astype("float32")
    if bad_row is not None:
        x[bad_row, 2] = value
    return x, x.sum(1, keepdims=True)


def network():
    inner = [layers.Dense(5, activation="relu", name="first"), layers.Dropout(0.2, name="drop")]
    return ef.Sequential([layers.Input((4,)), *inner, layers.Dense(1, name="last")])


def quiet(keep, path):
    """Holds steps, and says nothing."""
    return Keeping(keep, path, say=lambda line: None)


def judged(kept):
    """How the steps of a file compare with themselves when they run again."""
    player = Player(kept)
    return verdict(kept, player, player.run_to(len(kept.steps) - 1))


def train(path, x, y, keep=3, rate=0.01, epochs=2, callbacks=(), loss="mse", model=None):
    """What was said while a training was kept, and the keeping."""
    ef.utils.set_random_seed(1)
    said = []
    model = model or network()
    model.compile(ef.optimizers.SGD(rate), loss)
    with Keeping(keep, path, "train.py", said.append) as keeping:
        model.fit(x, y, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return keeping, said


@pytest.fixture
def nan_file(tmp_path):
    """Of a training on data of which row 17 overflows."""
    with pytest.warns(UserWarning, match="the loss is"):
        keeping, _ = train(tmp_path / "train.efr", *data(17))
    return keeping.written[0][0]


@pytest.fixture
def good_file(tmp_path):
    """Of a training in which nothing is wrong, asked for in its last step."""
    import viz

    ask = ef.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, _: viz.keep_step() if batch == 4 else None)
    keeping, _ = train(tmp_path / "good.efr", *data(), epochs=1, callbacks=[ask])
    return keeping.written[0][0]


class Raising(layers.Layer):
    """Refuses large numbers."""

    def call(self, x):
        if float(ops.max(ops.abs(x))) > 100:
            ops.reshape(x, (3, 7))
        return x
