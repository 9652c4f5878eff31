"""Pages of many steps: the browser has all that was recorded, and shows each step."""

from __future__ import annotations

import json

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.nets import Trainer, mlp
from tests.viz.page.test_page_data import long_record
from viz.page import data

pytestmark = pytest.mark.slow
EPOCHS, ROWS, BATCH = 3, 44, 8  # the last batch of an epoch is smaller


def trained(stats="full", epochs=EPOCHS):
    named = [layers.BatchNormalization(name="normalizes"), layers.Dropout(0.5, seed=1, name="drops")]
    model = ef.Sequential([layers.Input((4,)), layers.Dense(8, "relu"), *named, layers.Dense(2)])
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    x, y = np.random.default_rng(0).normal(size=(ROWS, 4)).astype("float32"), np.arange(ROWS) % 2
    with viz.trace("trained", stats=stats) as t:
        model.fit(x, y, batch_size=BATCH, epochs=epochs, validation_data=(x[:20], y[:20]), verbose=0)
    return t


def gone_wrong():
    """Of which some numbers are NaN, and an op fails."""
    trainer = Trainer(mlp("wrong", 8))
    with viz.trace(stats="basic") as t, np.errstate(all="ignore"):
        for step in range(6):
            trainer.x = trainer.x * (np.nan if step == 3 else 1)
            trainer.step()
        with pytest.raises(ValueError, match="matmul"):
            ef.ops.matmul(np.ones((2, 3)), np.ones((2, 3)))
    return t


def untimed():
    t = viz.Recording.pending()
    t.fill(long_record(5, 100))
    for op in t.ops[120:]:
        op.start = op.end = None
    return t


MADE = {
    "training and evaluation": trained,
    "steps alike": lambda: trained("none"),
    "NaN and an error": gone_wrong,
    "ops that weren't timed": untimed,
}


@pytest.mark.parametrize("name", MADE)
def test_the_browser_has_all_that_was_recorded(shown, pages, name):
    made = {}
    shown.show(pages(name, lambda: made.setdefault(name, MADE[name]())))
    wanted = json.loads(json.dumps(data(made[name])))
    for key, value in wanted.items():
        assert json.loads(shown.run(f"JSON.stringify(eagerflowViewer.data[{key!r}])")) == value, key


def test_each_step_is_shown_when_it_is_looked_at(shown, pages):
    shown.show(pages("training and evaluation", trained))
    boxes = shown.boxes()
    for step in (0, 1, 5, 6, 20):
        shown.run(f"v.setStep({step})")
        assert {"dense", "normalizes"} & {title.split(" ")[0] for title in shown.boxes()}
    shown.run("v.setStep(v.data.step)")
    assert shown.boxes() == boxes
