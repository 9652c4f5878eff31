"""Where the page looks: what is selected, in a size that can be read, or all of the graph; and how much room it has."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.picture.architectures import ALL

pytestmark = pytest.mark.slow

SELECTED = """(() => {
  const { x, y, scale } = v.canvas.view, { w, h } = v.canvas.size(), b = v.boxOf(v.state.selected);
  return [x + b.x * scale, y + b.y * scale, x + (b.x + b.w) * scale, y + (b.y + b.h) * scale, w, h, scale]; })()"""
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


def in_sight(page):
    left, top, right, bottom, w, h, _ = page.run(SELECTED)
    return left >= 0 and top >= 0 and right <= w and bottom <= h


def select(page, name):
    page.run(f"v.selectNode([...v.scene.nodes.values()].filter(n => n.frame?.endsWith({name!r}))[0].id)")
    page.rest()


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


def resnet50() -> viz.Recording:
    model = ef.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=10)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with viz.trace("resnet50") as t:
        model.train_on_batch(np.zeros((8, 64, 64, 3), "float32"), np.zeros(8, "int64"))
    return t


def test_the_panel_says_whether_what_is_selected_is_open_after_all_was_opened_or_closed(shown, pages):
    shown.show(pages("transformer", lambda: ALL["transformer"]()[0]))
    shown.run("v.panel.setOpen(true); v.changeDepth(9)")
    shown.run("v.selectNode([...v.scene.frames.values()].filter(f => f.level > 0 && f.title)[0].id)")
    assert shown.texts(".panel .buttons button")[0] == "Close"
    shown.run("v.changeDepth(-9)")
    assert shown.texts(".panel .buttons button")[0] == "Open"


def test_what_is_clicked_stays_under_the_mouse_when_the_panel_opens_for_it(shown, pages):
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(1300, 900)
    shown.show(pages("with_penalties", with_penalties))
    assert not shown.run("v.state.panel")
    seen = "n.frame && n.ops.length && (n.y + n.h) * v.canvas.view.scale + v.canvas.view.y < v.canvas.size().h"
    first = f"[...v.scene.nodes.values()].filter(n => {seen}).reduce((a, b) => (b.x < a.x ? b : a))"
    place = (
        f"(b => [b.x, b.y].map((at, i) => at * v.canvas.view.scale + [v.canvas.view.x, v.canvas.view.y][i]))({first})"
    )
    before = shown.run(place)
    shown.run(f"v.selectNode({first}.id)")
    shown.rest()
    assert shown.run("v.state.panel")
    after = shown.run(place)
    assert after[1] == pytest.approx(before[1], abs=1)
    moved = before[0] - after[0]
    right = f"Math.max(...[...v.scene.nodes.values()].filter(n => n.row === {first}.row).map(n => n.x + n.w))"
    right = shown.run(f"{right} * v.canvas.view.scale + v.canvas.view.x")
    room = shown.run("v.canvas.size().w")
    assert 0 <= moved <= max(0, right + moved - room) + 40  # by no more than its row lacks
    assert right <= room


@pytest.mark.parametrize("key", ["+", "-"])
def test_all_of_the_graph_stays_fitted_when_a_level_is_opened_or_closed(page, key):
    page.press("0")
    page.rest()
    page.press(key)
    page.rest()
    assert page.run("v.canvas.isWhole()")


def test_a_double_click_opens_what_its_first_click_hit_though_the_graph_moves_when_the_panel_opens(shown, pages):
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(1300, 900)
    shown.show(pages("with_penalties", with_penalties))
    shown.run("v.changeDepth(-1)")
    shown.rest()
    assert not shown.run("v.state.panel")
    key, x, y = shown.run("""(() => {
      const { left, top, width, height } = v.canvas.node.getBoundingClientRect(), { x, y, scale } = v.canvas.view;
      const found = [...v.scene.nodes.values()].filter(n => n.key && n.ops.length && !v.open.has(n.key))
        .map(n => [n.key, x + (n.x + n.w / 2) * scale, y + (n.y + n.h - 6) * scale])
        .filter(([, x, y]) => x > 0 && x < width - 90 && y > 0 && y < height - 20);
      const [key, at, down] = found.reduce((a, b) => (b[1] > a[1] ? b : a));
      return [key, left + at, top + down]; })()""")
    for count in (1, 2):
        for kind in ("mousePressed", "mouseReleased"):
            shown.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=count)
        shown.rest()
    assert shown.run("v.state.panel")
    assert shown.run(f"v.open.has({key!r})")


def test_what_is_sought_from_afar_is_shown_so_that_it_can_be_read(page):
    page.press("0")
    page.rest()
    small = page.run("v.canvas.view.scale")
    assert small < 0.7
    page.run("v.select({ kind: 'op', id: v.selection.ops.at(-1).id })")
    page.rest()
    assert page.run("(v.canvas.goal ?? v.canvas.view).scale") >= 0.74


def test_a_layer_that_is_closed_with_what_is_selected_in_it_is_marked(shown, pages):
    shown.show(pages("trained", trained))
    shown.run("v.setOpen(new Set(['/net']))")
    inner = shown.run("[...v.scene.nodes.values()].find(n => n.kind === 'scope' && n.frame).key")
    shown.run(f"v.select({{ kind: 'scope', key: {inner!r} }}); v.setOpen(new Set()); v.update()")
    assert shown.run("v.nodesOf(v.state.selected)") == ["box:/net"]


def test_the_side_panel_is_open_where_there_is_room_for_it(shown, pages):
    def small():
        with viz.trace() as t:
            layers.Dense(3, name="small")(np.ones((2, 4), "float32"))
        return t

    shown.size(1200, 900)
    shown.show(pages("small", small))
    shown.rest()
    assert shown.run("v.state.panel")
    assert not shown.texts(".panel-hint")


@pytest.mark.parametrize("which", [0, -1])
def test_a_click_on_the_timeline_opens_the_panel_and_leaves_all_bars_where_they_are(shown, pages, which):
    shown.show(pages("with_penalties", with_penalties))
    shown.run("v.dock.choose('timeline')")
    shown.rest()
    assert shown.run("[v.opensPanel, v.state.panel]") == [True, False]
    line = "v.dock.tabs.get('timeline').owner"
    bar = f"{line}.bars.filter(bar => bar.op).at({which})"
    place = f"""(() => {{ const {{ x, y, width }} = {line}.canvas.getBoundingClientRect(), bar = {bar};
      return [x + ((bar.start + bar.end) / 2 - {line}.from) * width / ({line}.to - {line}.from),
        y + 22 + bar.row * 19 + 8]; }})()"""
    x, y = before = shown.run(place)
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        button = {"button": "left", "clickCount": 1} if kind != "mouseMoved" else {}
        shown.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)
        tip = "document.querySelector('.timeline .tip')"
        assert shown.run(f"{tip}.hidden") == (kind == "mouseReleased")
    shown.rest()
    assert shown.run(f"[v.state.panel, v.state.selected.id === {bar}.op.id, {tip}.hidden]") == [True, True, True]
    assert shown.run(place) == pytest.approx(before, abs=1)
    assert shown.run("document.documentElement.scrollHeight <= innerHeight")
    below = "document.querySelector('.panel').getBoundingClientRect().bottom - v.dock.node.getBoundingClientRect().top"
    assert shown.run(below) <= 1


def test_what_is_selected_stays_in_sight_when_the_panel_takes_its_room(shown, pages):
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(1440, 900)
    shown.show(pages("with_penalties", with_penalties))
    shown.run("v.panel.setOpen(false)")
    shown.rest()
    last = "[...v.scene.nodes.values()].filter(n => n.y < 500).reduce((a, b) => (b.x + b.w > a.x + a.w ? b : a)).id"
    shown.run(f"v.selectNode({last}); v.canvas.setView({{ x: 20, y: 0, scale: 0.75 }})")
    assert in_sight(shown)
    shown.run("v.panel.setOpen(true)")
    shown.rest()
    assert in_sight(shown)


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


def test_the_timeline_follows_what_is_selected_after_parts_were_unfolded(shown, pages):
    shown.show(pages("trained", trained))
    shown.run("v.dock.setOpen(true); v.dock.choose('timeline')")
    shown.press("f")
    shown.rest()
    line = "v.dock.tabs.get('timeline').owner"
    shown.run("v.select({ kind: 'op', id: v.selection.ops[0].id }, false)")
    assert shown.run(f"{line}.made === v.selection")


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
