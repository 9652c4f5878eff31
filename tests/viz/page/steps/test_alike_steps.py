"""Steps that ran the same as an earlier one have its boxes, which must be those that they have by themselves."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz import page
from viz.page import views
from viz.page.alike_steps import steps_patterns


class Drawn(ef.Model):
    """Two calls of one layer, and an op of the code that is several."""

    def __init__(self):
        super().__init__()
        self.shared, self.head = layers.Dense(4, activation="tanh"), layers.Dense(3)
        self.norm, self.drop = layers.BatchNormalization(), layers.Dropout(0.5)

    def call(self, x, training=None):
        x = self.shared(self.shared(x))
        return self.head(self.drop(self.norm(ops.normalize(x), training=training), training=training))


def recurrent():
    inner = [layers.Embedding(9, 4, mask_zero=True), layers.LSTM(4), layers.Dense(3)]
    return ef.Sequential([layers.Input((4,), dtype="int32"), *inner])


def penalized():
    penalty = ef.regularizers.L2(0.01)
    return ef.Sequential([layers.Dense(4, kernel_regularizer=penalty, activity_regularizer=penalty), layers.Dense(3)])


def convolutional():
    inner = [layers.Conv2D(2, 3), layers.BatchNormalization(), layers.ReLU()]
    return ef.Sequential([layers.Reshape((4, 4, 1)), *inner, layers.Flatten(), layers.Dense(3)])


def recorded(make, columns=4, rows=20, **more):
    ef.utils.set_random_seed(0)
    model = make()
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"], **more)
    x, y = np.arange(rows * columns).reshape(rows, columns) % 9, np.arange(rows) % 3
    with viz.trace() as t:
        model.fit(x, y, batch_size=8, epochs=2, validation_data=(x, y), verbose=0)
    return t


def loop():
    """A step of one's own whose learning rate goes down, and that reads its loss."""
    model, optimizer = penalized(), ef.optimizers.SGD(ef.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5))
    x, y = np.ones((8, 4), "float32"), np.ones((8, 3), "float32")
    with viz.trace() as t:
        for _ in range(4):
            with viz.step(), ef.GradientTape() as tape:
                loss = ops.mean(ops.square(model(x) - y)) + sum(model.losses)
            float(loss)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    return t


PROGRAMS = {
    "drawn": lambda: recorded(Drawn),
    "recurrent": lambda: recorded(recurrent),
    "penalized": lambda: recorded(penalized),
    "convolutional": lambda: recorded(convolutional, 16),
    "loop": loop,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_they_are_shown_as_if_each_were_looked_at_by_itself(name, monkeypatch):
    recording = PROGRAMS[name]()
    looked_at = []
    view = views.Views._view
    monkeypatch.setattr(views.Views, "_view", lambda self, selection: (looked_at.append(1), view(self, selection))[1])
    found = page.data(recording)
    count, looked_at[:] = len(looked_at), []
    monkeypatch.setattr(views, "steps_patterns", lambda *_: lambda _: None)
    alone = page.data(recording)
    assert len(looked_at) == len(alone["views"])
    assert count < len(looked_at) or name == "loop"
    texts, texts_alone = found["texts"], alone["texts"]
    assert texts == texts_alone
    assert found == alone


def test_what_ran_otherwise_has_another_pattern():
    recording = recorded(penalized)
    pattern_of = steps_patterns(recording, [0] * len(recording.scopes), {}, {}, [0] * len(recording.ops))
    steps = [[op for op in recording.ops if op.step == step.index] for step in recording.steps]
    keys = {pattern_of(ops).key for ops in steps}
    assert 2 <= len(keys) < len(steps)  # smaller last batches and evaluations
    assert pattern_of([]) is None
    steps[0][0].error = "it failed"
    assert pattern_of(steps[0]) is None
