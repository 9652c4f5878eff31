"""Where the page looks: what is selected, in a size that can be read, or all of the graph; and how much room it has."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.nets import adversarial_step, mlp
from tests.viz.picture.architectures import ALL, numbers

pytestmark = pytest.mark.slow

MIDDLE = "(({ x, y, w, h }) => [x + w / 2, y + h / 2])(v.canvas.window())"


def deep() -> viz.Recording:
    """Layers below each other, of several windows' height."""
    model = ef.Sequential([layers.Dense(3 + i, activation="tanh", name=f"layer_{i}") for i in range(18)], name="deep")
    with viz.trace() as t:
        model(np.ones((2, 4), "float32"))
    return t


@pytest.fixture
def page(shown, pages):
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(1400, 900)
    shown.show(pages("deep", deep))
    shown.run("v.setOpen(new Set(v.index.blocks.keys())); v.canvas.fit()")
    return shown


CUT = """(() => { const { x, y, w, h } = v.canvas.window();
  return [...v.scene.nodes.values()].filter(n => n.y < y + h && n.y + n.h > y)
    .filter(n => n.x < x || n.x + n.w > x + w).map(n => n.title); })()"""


def with_penalties() -> viz.Recording:
    """Wider than a window beside the panel: an activity penalty is beside the layers."""
    penalized = {"kernel_regularizer": ef.regularizers.L2(1e-3), "activity_regularizer": ef.regularizers.L1(1e-4)}
    inner = [layers.Dense(8, activation="relu", **penalized), layers.Dropout(0.2), layers.Dense(3, **penalized)]
    model = ef.Sequential([layers.Input((6,)), *inner], name="penalized")
    model.compile("adam", "mse", metrics=["mae"])
    x, y = np.ones((4, 6), "float32"), np.ones((4, 3), "float32")
    model.train_on_batch(x, y)
    with viz.trace() as t:
        model.train_on_batch(x, y)
    return t


@pytest.mark.parametrize(("name", "width"), [("transformer", 1200), ("bidirectional", 1000), ("deep_mlp", 1000)])
def test_the_first_view_shows_whole_columns_where_names_can_be_read(shown, pages, name, width):
    shown.size(width, 900)
    shown.show(pages(name, lambda: ALL[name]()[0]))
    shown.rest()
    assert shown.run(CUT) == []
    assert shown.run("v.canvas.view.scale") >= 0.7  # letters in boxes of more than 7 pixels


def test_the_side_panel_waits_for_the_first_choice_where_the_graph_needs_its_room(shown, pages):
    shown.size(1200, 900)
    shown.show(pages("with_penalties", with_penalties))
    shown.rest()
    assert not shown.run("v.state.panel")
    assert shown.run("document.documentElement.scrollWidth") == 1200  # what waits in it makes the page no wider
    alone = shown.run("v.canvas.view.scale")
    assert shown.run(CUT) == []
    shown.run("v.panel.setOpen(true); v.canvas.fit()")
    assert shown.run("v.canvas.view.scale") < alone or shown.run(CUT)
    shown.show(pages("with_penalties", with_penalties))
    assert shown.texts(".panel-hint")
    shown.run("v.selectNode([...v.scene.nodes.keys()][0])")
    assert shown.run("v.state.panel")
    assert not shown.texts(".panel-hint")
    shown.press("\\")  # by the reader's hand: it stays closed
    shown.run("v.selectNode([...v.scene.nodes.keys()][1])")
    assert not shown.run("v.state.panel")


def test_what_is_sought_from_afar_is_shown_so_that_it_can_be_read(page):
    page.press("0")
    page.rest()
    small = page.run("v.canvas.view.scale")
    assert small < 0.7
    page.run("v.select({ kind: 'op', id: v.selection.ops.at(-1).id })")
    page.rest()
    assert page.run("(v.canvas.goal ?? v.canvas.view).scale") >= 0.74


def test_on_a_phone_escape_closes_the_panel_that_a_choice_opened(shown, pages):
    shown.size(390, 844)
    shown.show(pages("with_penalties", with_penalties))
    shown.run("v.selectNode([...v.scene.nodes.keys()][0])")
    assert shown.run("v.state.panel")
    shown.press("Escape")
    assert shown.run("[v.state.panel, v.state.selected]") == [False, None]
    shown.run("v.panel.toggle(); v.selectNode([...v.scene.nodes.keys()][0])")  # by the reader's hand
    shown.press("Escape")
    assert shown.run("v.state.panel")


def test_the_readable_size_leads_back_to_what_was_looked_at_last(page):
    page.press("Escape")
    page.run("v.canvas.pan(-10, -1500)")
    page.run("v.canvas.zoom(1 / v.canvas.view.scale)")
    page.rest()
    before = page.run(MIDDLE)
    for _ in range(2):
        page.press("0")
        page.press("9")
        assert page.run(MIDDLE) == pytest.approx(before, abs=1)
    assert page.run("v.canvas.view.scale") == pytest.approx(1)
    for key in "xxxx9":
        page.press(key)
    assert page.run(MIDDLE) == pytest.approx(before, abs=1)  # the middle of what is seen
    page.run("v.canvas.fit()")
    top = page.run("v.canvas.window().y")
    page.press("0")
    page.press("9")
    assert page.run("v.canvas.window().y") == pytest.approx(top, abs=10)  # the beginning, where the page opened there


def test_all_of_the_graph_stays_fitted_when_a_frame_is_closed_or_opened(page):
    page.press("0")
    small = page.run("v.canvas.view.scale")
    page.run("v.select({ kind: 'scope', key: [...v.index.blocks.keys()].find(k => k.endsWith('deep')) }, false)")
    page.press("Enter", "\r")
    page.rest()
    assert page.run("v.minimap.isWhole")
    assert page.run("v.canvas.view.scale") > small
    page.press("Enter", "\r")
    page.rest()
    assert page.run("v.minimap.isWhole")
    page.press("z")
    scale = page.run("v.canvas.view.scale")
    page.press("Enter", "\r")
    assert page.run("v.canvas.view.scale") == scale  # the reader's own


def trained() -> viz.Recording:
    """Equal blocks, and their gradients."""
    blocks = [layers.Dense(8, activation="tanh", name=f"block_{i}") for i in range(4)]
    model = ef.Sequential([*blocks, layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((4, 8), "float32"), np.ones((4, 1), "float32"))
    with viz.trace() as t:
        model.train_on_batch(np.ones((4, 8), "float32"), np.ones((4, 1), "float32"))
    return t


def test_the_partner_of_a_closed_layer_is_its_box_of_the_other_direction(shown, pages):
    shown.show(pages("trained", trained))
    shown.run("v.setOpen(new Set())")
    shown.rest()
    boxes = "[...v.scene.nodes.values()].filter(n => n.kind === 'scope' && n.key === '/net').map(n => n.id)"
    there, back = shown.run(boxes)
    shown.run(f"v.selectNode({there!r})")
    shown.press("b")
    assert shown.run("v.nodesOf(v.state.selected)") == [back]
    shown.press("b")
    assert shown.run("v.nodesOf(v.state.selected)") == [there]
    assert shown.run("v.open.size") == 0  # nothing was opened for it


def test_on_a_phone_the_panel_and_the_tabs_take_turns(page):
    """Together they would leave the graph a strip. What is selected in a tab leaves the tab open."""
    page.size(390, 844)
    which = "[v.state.panel, v.state.dock]"
    page.run("v.dock.setOpen(true); v.dock.choose('layers')")
    assert page.run(which) == [False, True]
    page.run("v.select({ kind: 'op', id: v.selection.ops[0].id })")
    assert page.run(which) == [False, True]
    page.run("v.selectNode([...v.scene.nodes.keys()][3])")  # as a tap does
    page.rest()
    assert page.run(which) == [True, False]
    assert page.run("v.canvas.size().h") > 300
    page.run("v.dock.choose('memory')")
    page.rest()
    assert page.run(which) == [False, True]
    assert page.run("v.canvas.size().h") > 300
    page.size(1400, 900)
    page.run("v.panel.setOpen(true); v.dock.setOpen(true)")
    assert page.run(which) == [True, True]


SIGNS = """[...document.querySelectorAll('.sign')].map(sign => {
  const { left, right, top, bottom } = sign.getBoundingClientRect();
  const size = parseFloat(getComputedStyle(sign.querySelector('text')).fontSize) * v.canvas.view.scale;
  return [sign.textContent, left, right, top, bottom, size]; })"""


def towers() -> viz.Recording:
    """Columns of layers beside each other, wider than a phone's screen and higher than any."""
    given = ef.Input((4,))
    branches = []
    for i in range(4):
        x = given
        for j in range(4):
            x = ef.layers.Dense(3 + i, activation="tanh", name=f"tower_{i}_{j}")(x)
        branches.append(x)
    with viz.trace() as t:
        ef.Model(given, branches, name="towers")(np.ones((2, 4), "float32"))
    return t


@pytest.fixture
def seen(shown, pages):
    shown.show(pages("towers", towers))
    return shown


def test_titles_of_frames_are_read_from_afar_and_none_lies_over_another(seen):
    seen.run("v.canvas.setView({ x: 300, y: 20, scale: 0.74 })")
    seen.rest()
    assert seen.run(SIGNS) == []  # the titles themselves can be read
    seen.run("v.changeDepth(9); v.canvas.setView({ x: 300, y: 20, scale: 0.4 })")
    seen.rest()
    signs = seen.run(SIGNS)
    assert {"towers", "tower_0_0"} <= {name for name, *_ in signs}
    for k, (_, left, right, top, bottom, size) in enumerate(signs):
        assert any(size == pytest.approx(letters) for letters in (11, 9, 8))
        for _, *other, _ in signs[:k]:
            assert left >= other[1] or other[0] >= right or top >= other[3] or other[2] >= bottom
    seen.run("v.canvas.setView({ x: 300, y: 20, scale: 1 })")
    seen.rest()
    assert seen.run(SIGNS) == []


def test_titles_that_are_read_from_afar_cover_no_box(shown, pages):
    def tall():
        with viz.trace() as t:
            mlp("tall", 13)(np.ones((2, 12), "float32"))
        return t

    shown.show(pages("tall", tall))
    shown.run("v.setFold(false)")
    for level, scale in [(0, 0.3), (0, 0.16), (1, 0.3), (1, 0.16)]:
        shown.run(f"v.depth = {level}; v.changeDepth(1); v.canvas.setView({{ x: 500, y: 90, scale: {scale} }})")
        shown.rest()
        signs = shown.run(SIGNS)
        assert "tall" in {name for name, *_ in signs}
        boxes = shown.run("""[...document.querySelectorAll('.node .ground')].map(box => {
          const { left, right, top, bottom } = box.getBoundingClientRect(); return [left, right, top, bottom]; })""")
        assert len(boxes) > 12
        for _, left, right, top, bottom, _ in signs:
            assert not any(right > a and b > left and bottom > c and d > top for a, b, c, d in boxes)


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
