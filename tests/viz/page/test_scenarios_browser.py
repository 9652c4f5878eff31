"""What a person does with pages, each way with pictures of what is seen on it, compared with those that are kept.

`EAGERFLOW_PICTURES=renew` keeps the pictures of now instead.
"""

from __future__ import annotations

import os
import pathlib

import numpy as np
import pytest
from PIL import Image

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.nets import Trainer, adversarial_step, mlp
from tests.viz.picture.architectures import ALL, anew, conv, fitted, numbers

pytestmark = pytest.mark.slow

KEPT = pathlib.Path(__file__).parent / "pictures"
PART = 8  # pixels of a window that are one of a picture that is kept: letters may be of another font
DIFFERENT, MOST_DIFFERENT = 48, 0.02  # of 255, how much a pixel differs; and of how large a part of the picture
PHONE, LAPTOP, DESK = (390, 844), (1280, 720), (1400, 900)


def steady(recording):
    """A recording as it would be if each op took a time that follows from its place."""
    ends = {}
    for op in recording.ops:
        op.start, op.end = 100_000 * op.id, 100_000 * op.id + 20_000 + 9_000 * (op.id % 8)
        scope = op.scope
        while scope is not None:
            begin, _ = ends.get(scope, (op.start, 0))
            ends[scope] = begin, op.end + 5_000
            scope = recording.scopes[scope].parent
    for scope, (begin, end) in ends.items():
        recording.scopes[scope].start, recording.scopes[scope].end = begin, end
    for step in recording.steps:
        step.start, step.end = ends.get(step.scope, (0, 1))
    for log in recording.logs:
        log.time = None
    recording.meta.clear()
    return recording


def trained():
    trainer = Trainer(mlp(hidden=2), ef.optimizers.Adam(0.01))
    with viz.trace(stats="full") as t:
        for _ in range(3):
            trainer.step()
    return t


def gan():
    generator = ef.Sequential([layers.Input((4,)), layers.Dense(8, "relu"), layers.Dense(6)], name="generator")
    judging = [layers.Dense(8), layers.LeakyReLU(), layers.Dense(1)]
    discriminator = ef.Sequential([layers.Input((6,)), *judging], name="discriminator")
    noise = ef.ops.ones((2, 4))
    return adversarial_step(generator, discriminator, lambda: noise, ef.ops.ones((2, 6)))


def deep():
    x = start = layers.Input((8, 8, 2))
    x = conv(4)(x)
    for i in range(6):
        inner = layers.ReLU()(layers.BatchNormalization()(conv(4, name=f"block{i}_conv")(x)))
        x = layers.ReLU()(layers.Add()([x, layers.BatchNormalization()(conv(4)(inner))]))
    x = layers.Dense(2)(layers.GlobalAveragePooling2D()(x))
    return fitted(ef.Model(start, x, name="deep"), numbers(2, 8, 8, 2), numbers(2, 2))[0]


def broken():
    w = ef.Variable(np.ones((3, 2), "float32"), name="w")
    with viz.trace(stats="basic") as t, ef.GradientTape() as tape:
        loss = ef.ops.sum(ef.ops.log(ef.ops.matmul(np.ones((2, 3), "float32"), w) - 3.0))
        tape.gradient(loss, [w])
    return t


@pytest.fixture
def opened(shown, pages):
    """Opens the page of a recording in a window; at the end, nothing went wrong."""

    def show(make, size=DESK, after=""):
        shown.size(*size)
        shown.show(pages(make.__name__, lambda: steady(anew(make)())), after)
        shown.rest()
        return shown

    yield show
    shown.prefer("prefers-color-scheme", "light")
    shown.size(*DESK)


@pytest.fixture
def looks_as(shown, tmp_path):
    """Compares what is seen with the picture of that name."""

    def compare(name):
        shown.run("new Promise(done => setTimeout(done, 400))")  # what glides to its place is there
        shown.rest()
        shown.screenshot(tmp_path / "seen.png")
        with Image.open(tmp_path / "seen.png") as seen:
            small = seen.convert("L").reduce(PART)
        path = KEPT / f"{name}.png"
        if os.environ.get("EAGERFLOW_PICTURES") == "renew":
            small.save(path, optimize=True)
        with Image.open(path) as kept:
            assert kept.size == small.size
            apart = np.abs(np.asarray(kept, int) - np.asarray(small, int))
        share = (apart > DIFFERENT).mean()
        assert share <= MOST_DIFFERENT, f"{name}: {100 * share:.1f} % of the picture differ"

    return compare


def choose(page, title):
    page.run(f"v.selectNode([...v.scene.nodes.values()].find(n => n.title === {title!r} && n.lane === 'forward').id)")
    page.rest()


def test_reading_a_training_step(opened, looks_as):
    """Opened, a layer chosen and opened, its way back, everything open, colours by time, dark."""
    page = opened(trained)
    looks_as("step")
    page.run("v.changeDepth(-9); v.changeDepth(1)")
    choose(page, "hidden_1")
    looks_as("step_layer")
    page.press("Enter")
    assert "hidden_1" not in page.boxes()  # but its ops
    looks_as("step_layer_open")
    page.run("v.setLineage('ancestors')")
    looks_as("step_ancestors")
    page.run("v.setLineage(null); v.changeDepth(9)")
    looks_as("step_all_open")
    page.run("v.setColour('time')")
    looks_as("step_time")
    page.prefer("prefers-color-scheme", "dark")
    looks_as("step_dark")


def test_looking_into_tabs(opened, looks_as):
    page = opened(trained)
    for tab in ("timeline", "memory", "layers"):
        page.run(f"v.dock.choose({tab!r})")
        looks_as(f"tab_{tab}")


def test_searching(opened, looks_as):
    page = opened(gan)
    looks_as("gan")
    page.press("/")
    page.type("leaky")
    page.wait("document.querySelectorAll('.hits li').length")
    looks_as("gan_search")
    page.press("Enter", "\r")
    page.wait("v.state.selected")
    looks_as("gan_found")


def test_reading_a_deep_network_from_afar_and_near(opened, looks_as):
    page = opened(deep, LAPTOP)
    looks_as("deep")
    page.press("0")
    looks_as("deep_afar")
    page.press("9")
    looks_as("deep_near")
    page.run("v.changeDepth(9)")
    looks_as("deep_open")


def test_on_a_phone(opened, looks_as):
    page = opened(trained, PHONE)
    looks_as("phone")
    choose(page, "dense")
    looks_as("phone_layer")
    page.press("Escape")
    page.run("v.dock.choose('timeline')")
    looks_as("phone_timeline")


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_where_nan_arose(opened, looks_as):
    page = opened(broken)
    looks_as("nan")
    assert "NaN" in page.run("document.body.innerText")


@pytest.mark.parametrize("name", ["siamese", "inception", "transformer", "vae"])
def test_networks_open(shown, pages, looks_as, name):
    shown.size(*DESK)
    shown.show(pages(f"open {name}", lambda: steady(ALL[name]()[0])))
    shown.run("v.changeDepth(9); v.canvas.fit(false, true)")
    looks_as(f"open_{name}")
