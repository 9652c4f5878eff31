"""Times of the step that is shown, instead of the medians of all: in boxes, lists, colours, tables and the address."""

from __future__ import annotations

import json

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.nets import Trainer, mlp
from tests.viz.page.test_page_data import long_record
from viz.facts import formatting
from viz.page import data

pytestmark = pytest.mark.slow

USUAL, SLOW = 1_000, 700_000  # nanoseconds that an op takes in the first two steps, and in the last


def last_is_slow(steps=3):
    trainer = Trainer()
    trainer.step()
    with viz.trace("last is slow") as t:
        for _ in range(steps):
            trainer.step()
    now = 0
    for op in t.ops:
        op.start = now
        op.end = op.start + (SLOW if op.step == steps - 1 else USUAL)
        now = op.end + USUAL  # what runs between ops
    for timed in (*t.scopes, *t.steps):
        timed.start = timed.end = None  # from their first op to their last one
    return t


@pytest.fixture
def slow(shown, pages):
    shown.show(pages("slow", last_is_slow))
    return shown


BOXES = "[...v.scene.nodes.values()].filter(n => n.ops.length).map(n => [n.ops.length, n.lines.join(' ')])"
LONGEST = ".panel .bars b"
FRAMES = "[...v.scene.frames.values()].map(f => f.subtitle).filter(s => s.includes('→')).join()"


def test_the_switch_beside_the_step_tells_its_times_everywhere_and_back(slow):
    usual, told = formatting.seconds(USUAL), formatting.seconds(SLOW)
    assert slow.texts(".steps .segments button") == ["median\xa0of 3 steps", "this\xa0step"]
    assert all(formatting.seconds(n * USUAL) in text for n, text in slow.run(BOXES))
    assert set(slow.texts(LONGEST)) == {usual}
    slow.click(".steps [data-value=step]")
    assert all(formatting.seconds(n * SLOW) in text for n, text in slow.run(BOXES))
    assert set(slow.texts(LONGEST)) == {told}
    tips = "[...document.querySelectorAll('.node title')].map(e => e.textContent).filter(t => t.includes('time: '))"
    assert all(" in this step; " in tip.split("time: ")[1] for tip in slow.run(tips))
    assert "ms" in slow.run(FRAMES)
    assert "µs ←" not in slow.run(FRAMES)
    assert slow.texts(".legend .note") == ["times: step 2 alone"]
    assert slow.texts(".panel h3 small") == ["step 2 alone"]
    slow.run("v.setColour('time')")
    most = max(n for n, _ in slow.run(BOXES))
    assert slow.texts(".legend .swatch")[2] == f"time {formatting.seconds(most * SLOW)}"
    slow.press("m")
    assert all(formatting.seconds(n * USUAL) in text for n, text in slow.run(BOXES))
    assert slow.texts(".legend .note") == ["times: median of 3 steps"]


def test_closed_layers_and_the_table_of_layers_tell_the_times_of_the_step(slow):
    slow.press("m")
    slow.run("eagerflowViewer.openTab('layers')")
    assert slow.texts(".dock-note") == ["times: step 2 alone"]
    ops, forward, backward = slow.run(
        "(() => { const b = v.index.blocks.get('/mlp'), {forward, backward} = b.figures;"
        "return [b.ownOps.length, forward, backward / b.backOps.length]; })()"
    )
    assert forward == ops * SLOW
    assert backward == SLOW
    assert formatting.seconds(forward) in slow.run("document.querySelector('.layers tbody tr').textContent")
    slow.run("v.setOpen(new Set())")
    closed = slow.run("v.scene.nodes.get('box:/mlp').lines.join(' ')")
    assert formatting.seconds(forward) in closed


def test_the_address_keeps_which_times_are_told(slow, pages):
    slow.press("m")
    slow.rest()
    address = slow.run("location.hash")
    assert "times=step" in address
    slow.show(pages("slow", last_is_slow), address)
    assert set(slow.texts(LONGEST)) == {formatting.seconds(SLOW)}


def test_where_a_step_is_alone_there_is_nothing_to_switch(shown, pages):
    def alone():
        trainer = Trainer()
        with viz.trace() as t:
            trainer.step()
        return t

    shown.show(pages("alone", alone))
    shown.press("m")
    assert shown.run("[v.state.times, document.querySelector('.steps .segments').hidden]") == ["median", True]


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
