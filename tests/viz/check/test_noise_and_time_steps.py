"""Noise that a model is to remove is no fault; weights that a single time step leaves alone have their own reason."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from viz.check.inputs import check_augmentation
from viz.check.subject import Subject
from viz.dry_run.first_step import FirstStep


class Drawn(layers.Layer):
    """Noise of the user's own."""

    def call(self, inputs, training=False):
        return inputs + ef.random.normal(inputs.shape, stddev=0.4) if training else inputs


def before_the_first_step(model, x, y):
    model.compile("adam", "mse")
    return Subject(FirstStep("fit", model, (x, y), model.optimizer, None, None))


@pytest.mark.parametrize(
    ("layer", "verdict"),
    [
        (layers.GaussianNoise(0.25, seed=1), "ok"),
        (layers.GaussianNoise(1.0, seed=1), "fault"),
        (Drawn(), "ok"),
        (layers.RandomBrightness(0.5, seed=1), "fault"),
    ],
)
def test_noise_may_leave_the_range_of_the_data_until_it_drowns_them(layer, verdict):
    ef.utils.set_random_seed(1)
    pictures = np.random.default_rng(1).random((16, 6, 6, 1)).astype("float32") * 0.8
    model = ef.Sequential([layer, layers.Conv2D(2, 3, padding="same"), layers.Conv2D(1, 3, padding="same")])
    row, _ = check_augmentation(before_the_first_step(model, pictures, pictures))
    assert row.verdict == verdict, row
    assert ("value_range" in row.fix) == (verdict == "fault" and hasattr(layer, "value_range"))
