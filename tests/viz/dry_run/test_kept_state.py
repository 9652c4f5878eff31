"""Training that is taken back leaves nothing behind."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.core import random
from viz.dry_run.kept_state import put_back

X, Y = np.random.default_rng(0).normal(size=(32, 6, 4)).astype("float32"), np.arange(32) % 3


def built(optimizer="adam"):
    ef.utils.set_random_seed(1)
    model = ef.Sequential(
        [
            layers.Input((6, 4), batch_size=16),
            layers.GRU(5, stateful=True),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def state(model):
    """Everything that another training could notice."""
    variables = [*model.variables, *model.optimizer.variables, *[v for m in model.metrics for v in m.variables]]
    return [v.numpy().tobytes() for v in variables], random.get_state(), model.optimizer.built, model.history


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adafactor", "muon"])
def test_everything_is_as_before(trained, optimizer):
    model = built(optimizer)
    if trained:
        model.fit(X, Y, batch_size=16, verbose=0)
    before = state(model)
    with put_back(model):
        model.fit(X[16:], Y[16:], batch_size=16, epochs=2, verbose=0)
        model.optimizer.learning_rate = 0.5
        assert state(model)[0] != before[0]
    assert state(model) == before
