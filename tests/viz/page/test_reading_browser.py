"""Where the page looks: what is selected, in a size that can be read, or all of the graph; and how much room it has."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz import browser
from tests.viz.picture.architectures import ALL

PROGRAM = browser.find()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=browser.NONE_FOUND)]

SELECTED = """(() => {
  const { x, y, scale } = v.canvas.view, { w, h } = v.canvas.size(), b = v.boxOf(v.state.selected);
  return [x + b.x * scale, y + b.y * scale, x + (b.x + b.w) * scale, y + (b.y + b.h) * scale, w, h, scale]; })()"""
MIDDLE = "(({ x, y, w, h }) => [x + w / 2, y + h / 2])(v.canvas.window())"
READABLE = 9 / 9.5


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
    yield shown
    shown.size(1400, 900)
    shown.prefer("prefers-reduced-motion", "")
    assert shown.wrong == []


def in_sight(page):
    left, top, right, bottom, w, h, _ = page.run(SELECTED)
    return left >= 0 and top >= 0 and right <= w and bottom <= h


def select(page, name):
    page.run(f"v.selectNode([...v.scene.nodes.values()].filter(n => n.frame?.endsWith({name!r}))[0].id)")
    page.rest()


def with_losses() -> viz.Recording:
    """A model, and more that its outputs are given to in lines of code."""
    model = ef.Sequential([layers.Dense(4, activation="tanh"), layers.Dense(3)], name="policy")
    x, taken, wanted = (np.ones((2, size), "float32") for size in (5, 3, 3))
    with viz.trace() as t, ef.GradientTape() as tape:
        chosen = model(x)
        entropy = -ef.ops.mean(ef.ops.sum(ef.ops.exp(chosen) * chosen, axis=-1))
        squares = ef.ops.mean(ef.ops.square(ef.ops.abs(wanted - chosen) + 1.0))
        gained = ef.ops.sum(ef.ops.tanh(ef.ops.square(chosen) * taken), axis=-1)
        tape.gradient(entropy + squares + ef.ops.mean(gained), model.trainable_variables)
    return t


def test_the_first_view_begins_with_a_closed_model_though_lines_beside_it_are_open(shown, pages):
    shown.size(700, 500)
    shown.show(pages("with losses", with_losses))
    shown.run("v.changeDepth(-9)")
    assert shown.run("[...v.scene.frames.values()].filter(frame => frame.title).length") > 1
    assert shown.run("v.canvas.first(v.canvas.view.scale).title") == "policy"
    assert shown.wrong == []


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
    shown.size(1400, 900)
    assert shown.wrong == []


def test_9_leads_from_all_of_the_graph_back_to_whole_columns_and_then_to_larger_letters(shown, pages):
    shown.size(1000, 900)
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.show(pages("bidirectional", lambda: ALL["bidirectional"]()[0]))
    first = shown.run("v.canvas.view")
    shown.press("0")
    assert shown.run("v.canvas.isWhole()")
    shown.press("9")
    assert shown.run("v.canvas.view") == first
    assert shown.run(CUT) == []
    assert first["scale"] < 0.94
    shown.press("9")
    assert shown.run("v.canvas.view.scale") > 0.94  # shapes beside arrows are 9 pixels high
    shown.prefer("prefers-reduced-motion", "")
    shown.size(1400, 900)
    assert shown.wrong == []


def test_lines_that_lead_far_away_dont_make_the_boxes_of_a_first_view_small(shown, pages):
    shown.size(1440, 900)
    shown.show(pages("gan", lambda: ALL["gan"]()[0]))
    shown.rest()
    assert shown.run(CUT) == []
    assert shown.run("v.canvas.view.scale") >= 0.85
    shown.size(1400, 900)
    assert shown.wrong == []


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
    shown.size(1400, 900)
    assert shown.wrong == []


UNTOLD = "[...document.querySelectorAll('.marks .untold')].map(e => e.getAttribute('stroke'))"


# The boxes that they lead across, by where they are at each fiftieth of their length.
CROSSED = """[...document.querySelectorAll('.marks .untold')].flatMap(path => {
  const length = path.getTotalLength(),
    points = [...Array(49).keys()].map(i => path.getPointAtLength(length * (i + 1) / 50)),
    inside = ({ x, y, w, h }) => points.some(p => p.x > x && p.x < x + w && p.y > y && p.y < y + h);
  return [...v.scene.nodes.values()].filter(inside).map(({ title }) => title);
})"""


def with_both_penalties():
    made = {"kernel_regularizer": "l2", "activation": "relu"}
    inner = [layers.Dense(8, **made), layers.Dense(8, **made, activity_regularizer="l2"), layers.Dense(8, **made)]
    model = ef.Sequential([layers.Input((4,)), *inner, layers.Dense(2, kernel_regularizer="l2")])
    model.compile("adam", "mse")
    with viz.trace() as t:
        model.train_on_batch(np.ones((8, 4)), np.ones((8, 2)))
    return t


def test_no_line_to_penalties_leads_behind_a_box_that_it_has_nothing_to_do_with(shown, pages):
    shown.show(pages("with both penalties", with_both_penalties))
    shown.run("v.changeDepth(-9); v.changeDepth(2)")
    boxes = "[...v.scene.nodes.values()].filter(n => {}).map(n => n.id)"
    for each in shown.run(boxes.format("n.kind === 'parameter' || n.title.endsWith('weight penalties')")):
        shown.run(f"v.selectNode('{each}')")
        shown.rest()
        assert shown.run(UNTOLD)
        assert shown.run(CROSSED) == []


def test_lines_from_weights_to_the_penalties_of_several_layers_are_drawn_while_an_end_is_selected(shown, pages):
    shown.show(pages("with four penalties", lambda: ALL["penalties"]()[0]))
    shown.run("v.changeDepth(-9); v.changeDepth(1)")
    box = "[...v.scene.nodes.values()].find(n => n.title === '{}').id"
    reading, made = [shown.run(box.format(title)) for title in ("weight penalties", "∇ weight penalties")]
    kinds = shown.run("v.scene.untold.map(e => e.kind)")
    assert kinds.count("parameter") > 1
    assert len(kinds) > kinds.count("parameter") > 1
    assert shown.run(UNTOLD) == []
    colours = {}
    for each in (reading, made):
        shown.run(f"v.selectNode('{each}')")
        shown.rest()
        colours[each] = shown.run(UNTOLD)
        assert len(colours[each]) == shown.run(
            f"v.scene.untold.filter(({{ tail, head }}) => tail === '{each}' || head === '{each}').length"
        )
        assert len(set(colours[each])) == 1
        assert shown.run(CROSSED) == []
    assert colours[reading][0] != colours[made][0]
    shown.run("v.selectNode(v.scene.untold[0].tail)")
    assert len(shown.run(UNTOLD)) == 1  # those of the other layers aren't asked for
    shown.run("v.changeDepth(1); v.selectNode(v.scene.nodes.get(v.scene.untold[0].tail).frame)")
    assert shown.run("v.scene.frames.has([...v.canvas.marks.selected][0])")
    assert 0 < len(shown.run(UNTOLD)) < len(kinds)
    shown.run("v.select(null)")
    assert shown.run(UNTOLD) == []
    assert shown.wrong == []


def resnet50() -> viz.Recording:
    model = ef.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=10)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with viz.trace("resnet50") as t:
        model.train_on_batch(np.zeros((8, 64, 64, 3), "float32"), np.zeros(8, "int64"))
    return t


def test_a_found_box_is_seen_whole_though_buttons_hide_others(shown, pages):
    shown.prefer("prefers-reduced-motion", "reduce")
    for width in (1880, 1900, 1920, 1940):
        shown.size(width, 1080)
        shown.show(pages("resnet50", resnet50))
        for name in ("conv4_block1_0_conv", "conv5_block1_0_conv"):
            shown.run(
                f"v.toolbar.search.input.value = {name!r}; v.toolbar.search.look(); v.toolbar.search.choose(0); 1"
            )
            shown.rest()
            assert shown.run(f"{SEEN}([v.boxOf(v.state.selected)])") == [True], (width, name)
    shown.run("v.toolbar.search.input.value = 'conv4_block3'; v.toolbar.search.look(); v.toolbar.search.choose(0); 1")
    assert shown.texts(".panel h2") == ["conv4_block3"]  # one of five that are drawn once, which no layer is
    shown.run("v.changeDepth(-9); v.changeDepth(2); v.select(null); v.canvas.fit(false, true)")
    shown.rest()
    names = shown.run("[...document.querySelectorAll('.names .name')].map(e => e.textContent)")
    assert any(name.startswith("conv4_block2 … conv4_block6") for name in names), names
    shown.prefer("prefers-reduced-motion", "")
    shown.size(1400, 900)
    assert shown.wrong == []


def test_the_panel_says_whether_what_is_selected_is_open_after_all_was_opened_or_closed(shown, pages):
    shown.show(pages("transformer", lambda: ALL["transformer"]()[0]))
    shown.run("v.panel.setOpen(true); v.changeDepth(9)")
    shown.run("v.selectNode([...v.scene.frames.values()].filter(f => f.level > 0 && f.title)[0].id)")
    assert shown.texts(".panel .buttons button")[0] == "Close"
    shown.run("v.changeDepth(-9)")
    assert shown.texts(".panel .buttons button")[0] == "Open"
    assert shown.wrong == []


def test_a_click_in_an_open_frame_that_is_larger_than_the_window_leaves_the_view_where_it_is(shown, pages):
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(390, 844)
    shown.show(pages("resnet", lambda: ALL["resnet"]()[0]))
    shown.run("v.setOpen(new Set(['/resnet'])); v.canvas.fit(); v.canvas.pan(-20, -120)")
    shown.rest()
    view = shown.run("v.canvas.view")
    frame = shown.run("[...v.scene.frames.values()].find(f => f.title === 'resnet').id")
    shown.run(f"v.selectNode({frame!r})")
    shown.rest()
    assert shown.run("v.state.selected.kind") == "scope"
    assert shown.run("v.canvas.view") == view
    shown.prefer("prefers-reduced-motion", "")
    shown.size(1400, 900)
    assert shown.wrong == []


def test_the_critical_path_comes_into_sight_where_nothing_of_it_is(shown, pages):
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(1000, 700)
    shown.show(pages("transformer", lambda: ALL["transformer"]()[0]))
    seen = """(w => [...v.canvas.marks.lineage].map(id => v.scene.nodes.get(id)).filter(Boolean).some(b =>
      b.x >= w.x && b.y >= w.y && b.x + b.w <= w.x + w.w && b.y + b.h <= w.y + w.h))(v.canvas.window())"""
    shown.run("v.canvas.setView({ x: -5000, y: -5000, scale: 0.9 })")
    shown.press("p")
    shown.rest()
    assert shown.run(seen)
    view = shown.run("v.canvas.view")
    shown.press("p")
    shown.press("p")
    assert shown.run("v.canvas.view") == view  # some of it is seen: nothing moves
    shown.press("p")
    shown.prefer("prefers-reduced-motion", "")
    shown.size(1400, 900)
    assert shown.wrong == []


def test_what_is_clicked_stays_under_the_mouse_when_the_panel_opens_for_it(shown, pages):
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(1300, 900)
    shown.show(pages("with_penalties", with_penalties))
    assert not shown.run("v.state.panel")
    first = "[...v.scene.nodes.values()].filter(n => n.frame && n.ops.length).reduce((a, b) => (b.x < a.x ? b : a))"
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
    shown.prefer("prefers-reduced-motion", "")
    shown.size(1400, 900)
    assert shown.wrong == []


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
    shown.prefer("prefers-reduced-motion", "")
    shown.size(1400, 900)
    assert shown.wrong == []


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
    assert shown.wrong == []


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
    shown.size(1400, 900)


def test_the_timeline_is_drawn_anew_when_the_panel_gives_it_room(shown, pages):
    drawn = """(() => { const canvas = document.querySelector('.dock canvas');
      return [canvas.getBoundingClientRect().width, canvas.width / devicePixelRatio]; })()"""
    shown.size(1400, 900)
    shown.show(pages("with_penalties", with_penalties))
    shown.run("v.opensPanel = false; v.panel.setOpen(true); v.dock.choose('timeline')")  # as where it is open at first
    shown.rest()
    before = shown.run(drawn)
    shown.click("[title^='show or hide the side']")
    shown.rest()
    width, painted = shown.run(drawn)
    assert width > before[0] + 200
    assert width == pytest.approx(painted, abs=2)  # else its letters are stretched


@pytest.mark.parametrize("which", [0, -1])
def test_a_click_on_the_timeline_opens_the_panel_and_leaves_all_bars_where_they_are(shown, pages, which):
    shown.size(1400, 900)
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
    assert shown.wrong == []


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
    shown.prefer("prefers-reduced-motion", "")
    shown.size(1400, 900)
    assert shown.wrong == []


SEEN = """(boxes => { const { x, y, scale } = v.canvas.view, { w, h } = v.canvas.size();
  return boxes.map(b => [b.x * scale + x >= 0, b.y * scale + y >= 0,
    (b.x + b.w) * scale + x <= w, (b.y + b.h) * scale + y <= h].every(Boolean)); })"""


def test_what_a_search_leads_to_is_seen_with_its_update_and_gradients(shown, pages):
    """Where there is room for all three: ResNet's row of a convolution has them side by side."""
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(1200, 900)
    shown.show(pages("resnet", lambda: ALL["resnet"]()[0]))
    shown.run("v.setOpen(new Set(['/resnet'])); v.canvas.fit()")
    last = """[...v.scene.nodes.values()].filter(n => n.kind === 'scope' && n.lane === 'forward' && n.block.update)
      .reduce((a, b) => (b.y > a.y ? b : a))"""
    shown.press("/")
    shown.type(shown.run(f"{last}.title"))
    shown.press("Enter", "\r")
    shown.rest()
    row = f"[...v.scene.nodes.values()].filter(n => n.row === {last}.row)"
    assert shown.run(f"{row}.length") > 2
    assert all(shown.run(f"{SEEN}({row})"))
    shown.prefer("prefers-reduced-motion", "")
    shown.size(1400, 900)
    assert shown.wrong == []


@pytest.mark.parametrize("title", ["generator", "discriminator"])
def test_a_layer_that_is_opened_is_seen_whole_and_nothing_is_cut_beside_empty_room(shown, pages, title):
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(1440, 900)
    shown.show(pages("gan", lambda: ALL["gan"]()[0]))
    shown.run("v.changeDepth(-9)")
    shown.run(f"v.toggle([...v.scene.nodes.values()].find(n => n.title === {title!r}).id)")
    shown.rest()
    opened = f"[...v.scene.frames.values()].filter(frame => frame.title === {title!r})"
    assert shown.run(f"{SEEN}({opened})") == [True]
    left, right = shown.run("""(() => { const { x, y, w, h } = v.canvas.window(), { scale } = v.canvas.view;
      const seen = v.canvas.tops().filter(b => b.y < y + h && b.y + b.h > y);
      return [Math.min(...seen.map(b => b.x)) - x, x + w - Math.max(...seen.map(b => b.x + b.w))]
        .map(a => a * scale); })()""")
    assert not (left > 60 and right < 0)
    assert not (left < 0 and right > 100)
    shown.prefer("prefers-reduced-motion", "")
    shown.size(1400, 900)
    assert shown.wrong == []


def test_on_a_phone_a_layer_that_is_wider_than_the_screen_is_seen_from_its_beginning(shown, pages):
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(390, 844)
    shown.show(pages("gan", lambda: ALL["gan"]()[0]))
    wide = "[...v.scene.frames.values()].filter(f => f.title).reduce((a, b) => (b.w > a.w ? b : a))"
    for way in (f"v.select({{ kind: 'scope', key: {wide}.key }})", "v.canvas.read()"):
        shown.run(f"{way}; 1")
        shown.rest()
        left, width = shown.run(f"[{wide}.x * v.canvas.view.scale + v.canvas.view.x, {wide}.w * v.canvas.view.scale]")
        assert width > 390
        assert 0 <= left < 60
    shown.prefer("prefers-reduced-motion", "")
    shown.size(1400, 900)
    assert shown.wrong == []


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
    shown.size(1400, 900)
    assert shown.wrong == []


def test_a_box_that_is_seen_in_part_is_brought_into_sight_without_a_jump(page):
    page.run("v.canvas.read()")
    page.rest()
    box = "[...v.scene.nodes.values()].filter(n => n.frame?.endsWith('layer_9'))[0]"
    put = "(({ x, scale }, b) => v.canvas.setView({ x, y: v.canvas.size().h - 10 - b.y * scale, scale }))"
    page.run(f"{put}(v.canvas.view, {box})")
    before = page.run("v.canvas.view.y")
    page.run(f"v.selectNode({box}.id); v.canvas.reveal({box}.id)")
    page.rest()
    assert in_sight(page)
    assert before - 200 < page.run("v.canvas.view.y") < before


def test_the_readable_size_has_what_is_selected_in_the_middle(page):
    for layer in ("layer_3", "layer_11", "layer_15"):
        page.run(f"v.select({{ kind: 'scope', key: [...v.index.blocks.keys()].find(k => k.endsWith({layer!r})) }})")
        for how in ("9", "button"):
            page.press("0")
            assert page.run("v.canvas.view.scale") < 0.5
            page.press("9") if how == "9" else page.click(".beyond")
            page.rest()
            left, top, right, bottom, w, h, scale = page.run(SELECTED)
            assert scale >= READABLE - 1e-6
            assert (left + right) / 2 == pytest.approx(w / 2, abs=40)
            assert (top + bottom) / 2 == pytest.approx(h / 2, abs=2)


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


def test_what_is_beside_arrows_can_be_read_at_the_readable_size(page):
    page.press("0")
    page.press("9")
    sizes = "[...document.querySelectorAll('.edge text')].map(t => parseFloat(getComputedStyle(t).fontSize))"
    assert min(page.run(sizes)) * page.run("v.canvas.view.scale") >= 9 - 1e-6


def test_zooming_keeps_what_is_selected_in_sight(page):
    page.run("v.canvas.setView({ ...v.canvas.view, scale: 1 })")
    for name in ("layer_0", "layer_2"):  # at the upper and the lower edge of the window
        page.run("v.canvas.fit(false, false, 0.9)")
        page.rest()
        page.run(
            "v.selectNode([...v.scene.nodes.values()].filter(n => n.kind === 'op' && n.y > v.canvas.window().y &&"
            " n.y + n.h < v.canvas.window().y + v.canvas.window().h).sort((a, b) => a.y - b.y).at("
            f"{0 if name == 'layer_0' else -1}).id)"
        )
        page.rest()
        for key in "zzzxxxxxxxzzzz":
            page.press(key)
            assert in_sight(page), (name, key)
        page.click(".zoom button:first-child")
        assert in_sight(page)


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


def test_of_several_boxes_that_are_selected_as_many_are_shown_as_can_be_read(shown, pages):
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(1400, 900)
    shown.show(pages("reading_gan", lambda: ALL["gan"]()[0]))
    groups = shown.run(
        "[...v.selection.ops.filter(op => op.pass && v.scene.nodeOf.has(op.id)).reduce((found, op) =>"
        " found.set(op.pass, [...(found.get(op.pass) || []), op.id]), new Map()).values()]"
    )
    assert len(groups) >= 2
    for ids in groups:
        shown.run("v.canvas.fit()")
        shown.run(f"v.select({{ kind: 'ops', id: {ids[0]}, ids: {ids} }})")
        shown.rest()
        assert shown.run("v.canvas.view.scale") >= 0.74 - 1e-6
        seen, first, count = shown.run("""(() => {
          const boxes = v.nodesOf(v.state.selected).map(id => v.scene.nodes.get(id)), seen = v.canvas.window();
          const within = (area) => boxes.filter(b => holds(area, b)).length;
          const holds = (a, b) => a.x <= b.x && a.y <= b.y && a.x + a.w >= b.x + b.w && a.y + a.h >= b.y + b.h;
          return [within(seen), within({ ...seen, x: boxes[0].x - 60, y: boxes[0].y - 60 }), boxes.length]; })()""")
        assert count > 1
        assert seen >= max(first, 2)
    shown.prefer("prefers-reduced-motion", "")
    assert shown.wrong == []


def test_on_a_phone_the_graph_keeps_its_room_as_bar_and_legend_take_little(shown, pages):
    shown.size(390, 800)
    shown.show(pages("reading_gan", lambda: ALL["gan"]()[0]))
    shown.run("v.panel.setOpen(true)")
    shown.rest()
    heights = (
        "['.toolbar', '.foot', 'svg.graph'].map(name => document.querySelector(name).getBoundingClientRect().height)"
    )
    bar, foot, graph = shown.run(heights)
    assert bar <= 80
    assert foot <= 34
    assert graph >= 320
    assert shown.run("document.documentElement.scrollWidth") <= 390
    shown.run("document.querySelector('.controls > :last-child').previousSibling.scrollIntoView()")
    shown.rest()
    assert shown.run("document.querySelector('.controls').scrollLeft") > 0  # what has no room is reached sideways
    shown.click(".legend")
    assert shown.run(heights)[1] > foot
    address = shown.run("location.hash")
    shown.show(pages("reading_gan", lambda: ALL["gan"]()[0]), address)
    assert shown.run(heights)[1] > foot  # the address keeps it
    shown.click(".legend-more")
    assert shown.run(heights)[1] == foot
    shown.size(1400, 900)
    assert shown.run("getComputedStyle(document.querySelector('.legend-more')).display") == "none"
    assert shown.wrong == []


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
    assert shown.wrong == []


def test_the_timeline_follows_what_is_selected_after_parts_were_unfolded(shown, pages):
    shown.show(pages("trained", trained))
    shown.run("v.dock.setOpen(true); v.dock.choose('timeline')")
    shown.press("f")
    shown.rest()
    line = "v.dock.tabs.get('timeline').owner"
    shown.run("v.select({ kind: 'op', id: v.selection.ops[0].id }, false)")
    assert shown.run(f"{line}.made === v.selection")
    assert shown.wrong == []


def test_on_a_phone_what_a_search_leads_to_is_in_sight_while_a_tab_is_open(page):
    page.size(390, 640)
    page.run("v.dock.setOpen(true); v.dock.choose('layers')")
    page.rest()
    for layer in ("layer_15", "layer_2"):
        page.run(f"v.select({{ kind: 'scope', key: [...v.index.blocks.keys()].find(k => k.endsWith({layer!r})) }})")
        page.rest()
        left, top, right, bottom = page.run("""(() => {
          const { x, y, scale } = v.canvas.view, b = v.boxOf(v.state.selected), head = b.head ?? b;
          return [x + head.x * scale, y + head.y * scale, x + (head.x + head.w) * scale, y + (head.y + head.h) * scale];
        })()""")
        high = page.run("v.canvas.size().h")
        assert high < 400
        assert 0 <= left < right <= 390
        assert 0 <= top < bottom <= high


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
