"""ModelCheckpoint and BackupAndRestore."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.callbacks import BackupAndRestore, Callback, ModelCheckpoint

X = np.random.RandomState(0).standard_normal((24, 3)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


def model(seed=3):
    ef.utils.set_random_seed(seed)
    made = ef.Sequential([ef.layers.Dense(8, "relu"), ef.layers.Dropout(0.4), ef.layers.Dense(1, "sigmoid")])
    made.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return made


def fit(made, *callbacks, epochs=3, **kwargs):
    return made.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks), **kwargs)


def test_a_file_per_epoch(tmp_path):
    made = model()
    fit(made, ModelCheckpoint(tmp_path / "sub" / "at{epoch:02d}-{loss:.2f}.keras"))
    assert sorted(p.name[:4] for p in (tmp_path / "sub").iterdir()) == ["at01", "at02", "at03"]
    last = ef.models.load_model(next((tmp_path / "sub").glob("at03*")))
    assert np.array_equal(last.predict(X, verbose=0), made.predict(X, verbose=0))


def test_only_the_best_is_kept(tmp_path):
    class Logs(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = [3.0, 1.0, 2.0][epoch]

    kept = ModelCheckpoint(
        tmp_path / "{epoch}.weights.h5", "score", save_best_only=True, save_weights_only=True, mode="min"
    )
    fit(model(), Logs(), kept)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.weights.h5", "2.weights.h5"]
    assert kept.best == 1.0


def test_every_so_many_batches(tmp_path):
    fit(model(), ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=4))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2-1.keras", "3-2.keras"]


def test_messages_when_saving(tmp_path, capsys):
    fit(model(), ModelCheckpoint(tmp_path / "a.keras", "loss", 1, save_best_only=True, initial_value_threshold=-1.0))
    assert "loss did not improve from -1.00000" in capsys.readouterr().out
    fit(model(), ModelCheckpoint(tmp_path / "a.keras", verbose=1), epochs=1)
    assert "Epoch 1: saving model to" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ModelCheckpoint("model.weights.h5"), "save_weights_only=True"),
        (lambda: ModelCheckpoint("model"), "'model.keras'"),
        (lambda: ModelCheckpoint("m.keras", save_freq="batch"), "'epoch' or a number"),
        (lambda: BackupAndRestore("x", save_freq=0), "'epoch' or a number"),
        (lambda: BackupAndRestore(""), "folder"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_unknown_number_in_the_path():
    with pytest.raises(KeyError, match="no number 'val_los'"):
        fit(model(), ModelCheckpoint("{val_los}.keras"))


class Stop(Callback):
    """Breaks off, as a failing machine does."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def test_a_training_goes_on_bit_for_bit(tmp_path):
    """Dropout, the order of the samples and the optimizer go on as if nothing had happened."""
    whole = model()
    expected = fit(whole, epochs=5).history["loss"]
    with pytest.raises(KeyboardInterrupt):
        fit(model(), BackupAndRestore(tmp_path), Stop(2), epochs=5)
    again = model(seed=99)
    found = fit(again, BackupAndRestore(tmp_path), epochs=5).history["loss"]
    assert found == expected[2:]
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), again.get_weights()))
    assert all(
        np.array_equal(a.numpy(), b.numpy()) for a, b in zip(whole.optimizer.variables, again.optimizer.variables)
    )
    assert list(tmp_path.iterdir()) == []


def test_backups_by_batches_begin_the_epoch_anew(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fit(model(), BackupAndRestore(tmp_path, save_freq=2, delete_checkpoint=False), Stop(2), epochs=3)
    history = fit(model(), BackupAndRestore(tmp_path, save_freq=2, delete_checkpoint=False), epochs=3)
    assert history.epoch == [1, 2]
    assert (tmp_path / "training.weights.h5").exists()


def test_a_backup_of_another_model_is_refused(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fit(model(), BackupAndRestore(tmp_path), Stop(1))
    other = ef.Sequential([ef.layers.Dense(5), ef.layers.Dense(1)])
    other.compile("sgd", "mse")
    with pytest.raises(ValueError, match="doesn't fit the model"):
        fit(other, BackupAndRestore(tmp_path))
