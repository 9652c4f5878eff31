"""A training that was interrupted goes on, on as many ranks or fewer; replicas and files have the same bytes."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import distribution, layers
from tests.distribution.exact import FEATURES, ROWS, numbers


class Broken(Exception):
    """What ends a training in the middle."""


class Break(ef.callbacks.Callback):
    """Ends training at a batch, counted over all epochs of this process."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if not self.left:
            raise Broken
        self.left -= 1


def training(folder: str, after: int, backup: dict[str, Any]) -> Any:
    """Train, for some batches or (after < 0) to the end; go on where the last training with this folder was."""
    ef.config.set_floatx("float64")
    try:
        with distribution.DataParallel().scope():
            model = ef.Sequential(
                [layers.Input((FEATURES,)), layers.Dense(8, "tanh"), layers.Dropout(0.3), layers.Dense(2)]
            )
            optimizer = ef.optimizers.Adam(0.01, gradient_accumulation_steps=2)
            model.compile(optimizer, "mse", metrics=["mae", ef.metrics.AUC(name="auc")])
            ended = ef.callbacks.BackupAndRestore(folder, delete_checkpoint=False, **backup)
            y = (numbers(ROWS, 2, seed=1) > 0).astype(float)
            try:
                history = model.fit(
                    numbers(ROWS, FEATURES),
                    y,
                    batch_size=5,
                    epochs=3,
                    verbose=0,
                    validation_split=0.2,
                    callbacks=[ended, Break(after)],
                ).history
            except Broken:
                return None
            return model.get_weights(), {k: v[-1] for k, v in history.items()}
    finally:
        ef.config.set_floatx("float32")


@pytest.mark.parametrize(
    "backup",
    [{"save_freq": 1}, pytest.param({"save_freq": "epoch"}, marks=pytest.mark.slow)],
    ids=["batches", "epochs"],
)
def test_a_training_on_four_ranks_goes_on_on_three_and_on_one(ranks, tmp_path, backup):
    ((weights, last),) = ranks(1, training, str(tmp_path / "whole"), -1, backup)
    folder = str(tmp_path / "parts")
    assert ranks(4, training, folder, 8, backup) == [None] * 4
    assert ranks(3, training, folder, 8, backup) == [None] * 3
    ((found, numbers_found),) = ranks(1, training, folder, -1, backup)
    for a, b in zip(found, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
    assert numbers_found == pytest.approx(last, rel=1e-11)


@pytest.mark.slow
def test_a_training_goes_on_with_the_same_bits_on_as_many_ranks(ranks, tmp_path):
    whole = ranks(4, training, str(tmp_path / "whole"), -1, {"save_freq": 1})
    assert ranks(4, training, str(tmp_path / "parts"), 7, {"save_freq": 1}) == [None] * 4
    found = ranks(4, training, str(tmp_path / "parts"), -1, {"save_freq": 1})
    for rank in range(4):
        for a, b in zip(found[rank][0], whole[0][0], strict=True):
            assert a.tobytes() == b.tobytes()


def written(folder: str) -> Any:
    """What callbacks and `save` write, on every rank into the same folder; what each rank's callbacks saw."""
    seen: list[Any] = []
    place = Path(folder)
    with distribution.DataParallel().scope():
        model = ef.Sequential(
            [layers.Input((FEATURES,)), layers.Dense(8, "tanh"), layers.BatchNormalization(), layers.Dense(2)]
        )
        model.compile(ef.optimizers.Adam(0.01), "mse", metrics=["mae"])
        callbacks = [
            ef.callbacks.CSVLogger(place / "log.csv"),
            ef.callbacks.ModelCheckpoint(place / "best.keras", save_best_only=True),
            ef.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs))),
        ]
        x, y = numbers(ROWS, FEATURES), numbers(ROWS, 2, seed=1)
        history = model.fit(x, y, batch_size=7, epochs=3, verbose=0, validation_split=0.2, callbacks=callbacks).history
        if distribution.rank() == 0:
            model.save(place / "by_rank_0.keras")  # no other rank takes part
        model.save_weights(place / "last.weights.h5")  # all ranks call it
        distribution.barrier()
        loaded = ef.models.load_model(place / "best.keras")
        return seen, history, model.get_weights(), loaded.get_weights()[0].tolist()


def test_rank_0_writes_files_that_have_the_same_bytes_each_time(ranks, tmp_path):
    folders = [tmp_path / "first", tmp_path / "second"]
    results = []
    for folder in folders:
        folder.mkdir()
        results.append(ranks(2, written, str(folder)))
    for name in ("last.weights.h5", "log.csv"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    assert sorted(p.name for p in folders[0].iterdir()) == [
        "best.keras",
        "by_rank_0.keras",
        "last.weights.h5",
        "log.csv",
    ]
    first, second = results[0]
    assert first[:2] == second[:2]  # callbacks of all ranks are told the same
    for a, b in zip(first[2], second[2], strict=True):
        assert a.tobytes() == b.tobytes()
    assert len((folders[0] / "log.csv").read_text().splitlines()) == 4


class StopOnRank(ef.callbacks.Callback):
    """Stops, or interrupts, on one rank only."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 2 and distribution.rank() == 1:
            if self.how == "stops":
                self.model.stop_training = True
            else:
                os.kill(os.getpid(), signal.SIGINT)


def stopped(how: str) -> Any:
    steps = []
    with distribution.DataParallel().scope():
        model = ef.Sequential([layers.Input((FEATURES,)), layers.Dense(2)])
        model.compile("sgd", "mse")
        noting = ef.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(batch))
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            model.fit(
                numbers(ROWS, FEATURES),
                numbers(ROWS, 2),
                batch_size=5,
                epochs=2,
                verbose=0,
                callbacks=[StopOnRank(how), noting],
            )
        except KeyboardInterrupt:
            steps.append("interrupted")
        finally:
            signal.signal(signal.SIGINT, before)
    return steps


def test_what_stops_one_rank_stops_all_after_the_same_step(ranks):
    assert ranks(3, stopped, "stops") == [[0, 1, 2]] * 3
    assert ranks(3, stopped, "interrupts") == [[0, 1, 2, "interrupted"]] * 3


class Diverge(ef.callbacks.Callback):
    """Changes a weight on one rank."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1 and distribution.rank() == 1:
            self.model.layers[0].bias.assign_add([1e-3, 0.0])


def diverging() -> str:
    with distribution.DataParallel().scope():
        model = ef.Sequential([layers.Input((FEATURES,)), layers.Dense(2, name="last")])
        model.compile("sgd", "mse")
        with pytest.raises(RuntimeError) as caught:
            model.fit(numbers(ROWS, FEATURES), numbers(ROWS, 2), epochs=3, verbose=0, callbacks=[Diverge()])
    return str(caught.value)


def test_replicas_that_differ_are_told_after_the_epoch(ranks):
    for told in ranks(2, diverging):
        assert "epoch 2" in told
        assert "last/bias" in told
        assert "rank 1" in told


def otherwise(what: str) -> Any:
    """Ranks that begin with other models."""
    rank = distribution.rank()
    with distribution.DataParallel().scope():
        units = 3 if what == "shape" and rank else 2
        model = ef.Sequential([layers.Input((FEATURES,)), layers.Dense(units), layers.Dense(2, name="last")])
        model.compile(ef.optimizers.SGD(0.1 * (1 + (what == "optimizer") * rank)), "mse")
        if what == "values":
            model.layers[-1].bias.assign([1.0 * rank, 0.0])
            model.fit(numbers(ROWS, FEATURES), numbers(ROWS, 2), verbose=0)
            return [w.tobytes() for w in model.get_weights()]
        with pytest.raises(RuntimeError) as caught:
            model.fit(numbers(ROWS, FEATURES), numbers(ROWS, 2), verbose=0)
    return str(caught.value)


@pytest.mark.parametrize(("what", "words"), [("shape", "(6, 3) float32"), ("optimizer", "learning_rate")])
def test_models_that_differ_are_told_before_training(ranks, what, words):
    first, second = ranks(2, otherwise, what)
    assert first == second
    assert words in first


def test_other_values_are_replaced_by_those_of_rank_0(ranks):
    first, second = ranks(2, otherwise, "values")
    assert first == second
