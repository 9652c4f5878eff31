"""The same runs, tags and steps as real Keras' callback writes (`tests/fixtures/make_tensorboard.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from tests.fixtures.cases.tensorboard_cases import CASES
from viz.callbacks import TensorBoard

pytest.importorskip("tensorboard")

from tests.viz.export.test_tensorboard_graph import read

EXPECTED = json.loads((Path(__file__).parents[2] / "fixtures" / "tensorboard.json").read_text(encoding="utf-8"))
KINDS = {"scalars": "Scalars", "histograms": "Histograms", "tensors": "Tensors"}


def model_for(case):
    first = [layers.Embedding(7, 4, name="words"), layers.Flatten(name="flat")] if "embeddings_freq" in case else []
    inner = [*first, layers.Dense(4, activation="tanh", name="a"), layers.Dense(3, name="b")]
    model = ef.Sequential([ef.Input((5,)), *inner], name="net")
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def fitted(folder, case):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 7, (12, 5)) if "embeddings_freq" in case else rng.normal(size=(12, 5)).astype("float32")
    y = rng.integers(0, 3, 12)
    callback = TensorBoard(folder, **case)
    model_for(case).fit(x, y, batch_size=4, epochs=2, verbose=0, validation_data=(x, y), callbacks=[callback])
    return {path.name: steps_by_tag(path) for path in sorted(folder.iterdir()) if path.is_dir()}


def steps_by_tag(folder):
    found = read(folder)
    return {
        tag: [event.step for event in getattr(found, method)(tag)]
        for kind, method in KINDS.items()
        for tag in found.Tags()[kind]
    }


def expected(name):
    runs = EXPECTED["cases"][name]["runs"]
    return {run: {tag: s for tags in about["tags"].values() for tag, s in tags.items()} for run, about in runs.items()}


@pytest.mark.parametrize("name", [name for name in CASES if name != "every_second"])
def test_runs_tags_and_steps_are_those_of_keras(tmp_path, name):
    assert fitted(tmp_path, CASES[name]) == expected(name)
    ours = {path.name for path in tmp_path.iterdir()}
    assert ours == set(EXPECTED["cases"][name]["top"])


def test_with_a_frequency_no_epoch_is_left_out(tmp_path):
    """Keras thins out the epochs' numbers by the same rule as the batches'; ours are all there."""
    found, theirs = fitted(tmp_path, CASES["every_second"]), expected("every_second")
    for run, tags in theirs.items():
        assert set(found[run]) == set(tags)
        for tag, steps in tags.items():
            assert set(steps) <= set(found[run][tag])
    assert found["train"]["batch_loss"] == theirs["train"]["batch_loss"] == [2, 4, 6]
    assert found["train"]["epoch_loss"] == [0, 1]
