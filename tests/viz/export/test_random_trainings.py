"""Programs drawn at random: a recording has each training step once, with its loss, and so has what is exported."""

from __future__ import annotations

import random

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops

pytest.importorskip("tensorboard")

from tests.viz.export.test_tensorboard_graph import curves

pytestmark = pytest.mark.slow
X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = X[:, :1] * 2


class Notes(ef.callbacks.Callback):
    def __init__(self, losses):
        super().__init__()
        self.losses = losses

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


class Clips(ef.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        for weight in self.model.trainable_variables:
            weight.assign(ops.clip(weight, -1, 1))


class Averages(ef.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.set_weights([0.9 * weight for weight in self.model.get_weights()])


class Explains(ef.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        x = ef.Variable(X[:2])
        with ef.GradientTape() as tape:
            answer = ops.sum(self.model(x))
        tape.gradient(answer, x)


class Program:
    """What a script does with one or two models, and the losses that it should have been seen to have."""

    def __init__(self, seed):
        self.rng, self.losses = random.Random(seed), []
        self.models = [self.model() for _ in range(self.rng.choice([1, 1, 2]))]

    def model(self):
        between = [layers.BatchNormalization()] if self.rng.random() < 0.3 else []
        model = ef.Sequential([layers.Dense(self.rng.choice([2, 3]), "relu"), *between, layers.Dense(1)])
        model.compile(self.rng.choice(["sgd", "adam", "rmsprop"]), "mse")
        model(X[:1])
        return model

    def run(self):
        for _ in range(self.rng.choice([1, 2, 3, 4])):
            self.rng.choice([self.fit, self.single_batches, self.own_loop, self.other])(self.rng.choice(self.models))

    def fit(self, model):
        losses = []
        chosen = [kind() for kind in (Clips, Averages, Explains) if self.rng.random() < 0.4]
        if self.rng.random() < 0.3:
            chosen.append(ef.callbacks.EarlyStopping("loss", patience=0, restore_best_weights=True))
        callbacks = [Notes(losses), *chosen]
        self.rng.shuffle(callbacks)
        held = {"validation_data": (X[:8], Y[:8])} if self.rng.random() < 0.5 else {}
        size, epochs = self.rng.choice([8, 12]), self.rng.choice([1, 2, 3])
        model.fit(X, Y, batch_size=size, epochs=epochs, verbose=0, callbacks=callbacks, **held)
        self.losses += [("of a model", loss) for loss in losses]

    def single_batches(self, model):
        for _ in range(self.rng.choice([1, 3, 10])):
            self.losses.append(("of a model", model.train_on_batch(X[:8], Y[:8])))
            if self.rng.random() < 0.3:
                for weight in model.trainable_variables:
                    weight.assign(weight * 0.9)
            if self.rng.random() < 0.3:
                model.test_on_batch(X, Y)

    def own_loop(self, model):
        optimizer, clips = ef.optimizers.SGD(0.01), self.rng.random() < 0.4
        for _ in range(self.rng.choice([2, 4, 10])):
            with ef.GradientTape() as tape:
                loss = ops.mean(ops.square(model(X[:8], training=True) - Y[:8]))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            self.losses.append(("of a loop", float(loss)))
            if clips:
                for weight in model.trainable_variables:
                    weight.assign(ops.clip(weight, -1, 1))

    def other(self, model):
        ways = [
            lambda: model.evaluate(X, Y, verbose=0),
            lambda: model.predict(X, verbose=0),
            lambda: model.set_weights(model.get_weights()),
            lambda: model(X),
        ]
        self.rng.choice(ways)()


@pytest.mark.parametrize("seed", range(24))
def test_each_training_step_is_there_once_with_its_loss(tmp_path, seed):
    program = Program(seed)
    with viz.trace(stats="basic") as t:
        program.run()
    steps = [t.scopes[step.scope] for step in t.steps if t.scopes[step.scope].name == "train_step"]
    assert ["of a loop" if scope.owner is None else "of a model" for scope in steps] == [k for k, _ in program.losses]
    expected = [loss for _, loss in program.losses]
    told = [loss for log in t.logs if log.kind in ("batch", "step") for loss in log.values.values()]
    np.testing.assert_allclose(told, expected, rtol=1e-4)
    if not expected:
        return
    t.to_tensorboard(tmp_path)
    found = curves(tmp_path)
    losses = [point for tag in found if tag.startswith(("batch_loss", "loss")) for point in found[tag]]
    np.testing.assert_allclose(sorted(loss for _, loss in losses), sorted(expected), rtol=1e-4)
    for tag, points in found.items():
        at = [step for step, _ in points]
        assert len(at) == len(set(at)), tag
