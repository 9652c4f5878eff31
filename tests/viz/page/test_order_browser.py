"""What stays where it was on the page when something is opened, or the panel takes room."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from tests.viz.nets import adversarial_step
from tests.viz.picture.architectures import fitted, numbers, staged_residuals

pytestmark = pytest.mark.slow


def two_networks():
    """Both losses of a generative adversarial network, whose gradients come from one forward pass."""
    generator = ef.Sequential([layers.Input((6,)), *[layers.Dense(8, "relu") for _ in range(5)]], name="generator")
    discriminator = ef.Sequential([layers.Input((8,)), layers.Dense(6), layers.Dense(1)], name="discriminator")
    return adversarial_step(generator, discriminator, lambda: ef.random.normal((4, 6)), numbers(4, 8))


# The middles of boxes and frames with a title, forward ones, by title.
MIDDLES = """Object.fromEntries([...v.scene.frames.values(), ...v.scene.nodes.values()]
  .filter(e => e.title && e.phase !== 'backward').map(e => [e.title, e.x + e.w / 2]))"""
TOGGLE = "v.toggle([...v.scene.nodes.values(), ...v.scene.frames.values()].find(e => e.title === {!r}).id)"


@pytest.mark.parametrize("name", ["generator", "discriminator", "discriminator (call 2)"])
def test_what_stands_side_by_side_keeps_its_order_when_a_network_is_opened_and_closed(shown, pages, name):
    shown.size(1440, 900)
    shown.show(pages("two networks", two_networks))
    shown.run("v.changeDepth(-9)")

    def order():
        found = shown.run(MIDDLES)
        return found["generator"] < found["discriminator"], found["discriminator (call 2)"] < found["discriminator"]

    before = order()
    assert before == (True, True)
    for _ in range(2):
        shown.run(TOGGLE.format(name))
        assert order() == before


@pytest.mark.parametrize("width", [1440, 390])
def test_the_main_path_of_a_block_stays_where_it_was_when_the_block_is_opened(shown, pages, width):
    shown.size(width, 900)
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.show(pages("staged", staged_residuals))
    shown.run("v.changeDepth(-9); v.changeDepth(2); v.select(null)")
    block = "stage1_block1"
    node = f"[...v.scene.nodes.values()].find(n => n.title === {block!r})"
    shown.run(f"(n => v.canvas.setView({{ x: 60 - n.x, y: 200 - n.y, scale: 1 }}))({node})")
    on_screen = """(t => { const { x, w } = [...v.scene.nodes.values()].find(n => n.title === t), { view } = v.canvas;
      return (x + w / 2) * view.scale + view.x; })"""
    before = shown.run(f"{on_screen}({block!r})")
    shown.run(TOGGLE.format(block))
    shown.rest()
    main = shown.run(f"{on_screen}('stage1_block1_1_conv')")
    assert main < shown.run(f"{on_screen}('stage1_block1_0_conv')")
    assert 0 < main < shown.run("v.canvas.size().w")
    assert main == pytest.approx(before, abs=100)


def with_mask():
    x = start = layers.Input((20,))
    x = layers.Embedding(50, 8, mask_zero=True)(x)
    x = layers.LSTM(8)(layers.LSTM(8, return_sequences=True)(x))
    model = ef.Model(start, layers.Dense(1)(x), name="seq")
    return fitted(model, np.arange(80).reshape(4, 20) % 50, numbers(4, 1))[0]


def test_a_click_that_opens_the_panel_leaves_the_gradients_of_a_layer_in_sight(shown, pages):
    shown.size(1440, 900)
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.show(pages("with mask", with_mask))
    shown.rest()
    if shown.run("v.state.panel"):
        shown.run("v.panel.setOpen(false); v.opensPanel = true; v.canvas.fit()")
        shown.rest()
    shown.run("v.selectNode([...v.scene.nodes.values()].find(n => n.title === 'lstm').id)")
    shown.rest()
    assert shown.run("v.state.panel")
    box = "[...v.scene.nodes.values()].find(n => n.title === '∇ lstm')"
    right = f"(b => (b.x + b.w) * v.canvas.view.scale + v.canvas.view.x)({box})"
    assert shown.run(right) < shown.run("v.canvas.size().w")
