"""The page in little room and from afar: titles that are seen and can be read, and tabs that take what they need."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.nets import mlp
from tests.viz.picture.architectures import ALL

pytestmark = pytest.mark.slow

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


NAMES = """[...document.querySelectorAll('.node .name, .names .name')].map(name => {
  const { right, left } = name.querySelector('text').getBoundingClientRect(),
    own = name.dataset.id ? document.querySelector(`.node[data-id="${name.dataset.id}"]`) : name.parentNode,
    box = own.querySelector('.ground').getBoundingClientRect(),
    size = parseFloat(getComputedStyle(name.querySelector('text')).fontSize) * v.canvas.view.scale;
  return [name.textContent, size, left >= box.left && right <= box.right]; })"""


def residual() -> viz.Recording:
    """Blocks with a shortcut beside them, whose layers have long names that differ in a number."""
    x = given = ef.Input((4,))
    for i in range(1, 7):
        shortcut = layers.Dense(4 + i, name=f"stage{i}_block1_0_projection")(x)
        for j in (1, 2):
            x = layers.Dense(4 + i, activation="relu", name=f"stage{i}_block1_{j}_projection")(x)
        x = layers.Add(name=f"stage{i}_block1_sum")([x, shortcut])
    model = ef.Model(given, x, name="residual")
    model.compile("adam", "mse")
    with viz.trace() as t:
        model.train_on_batch(np.ones((2, 4), "float32"), np.ones((2, 10), "float32"))
    return t


def test_from_afar_every_closed_layer_has_its_whole_name_broken_between_words_or_beside_it(shown, pages):
    shown.size(1440, 900)
    shown.show(pages("residual", residual))
    shown.run("v.setFold(false); v.changeDepth(-9); v.changeDepth(1); v.canvas.fit(false, true)")
    shown.rest()
    closed = shown.run(
        "[...v.scene.nodes.values()].filter(n => n.kind === 'scope' && n.lane === 'forward').map(n => n.title)"
    )
    names = {name.replace(" ", "") for name, *_ in shown.run(NAMES)}
    assert len(closed) > 8
    assert {title.replace(" ", "") for title in closed} <= names


def test_titles_of_the_whole_graph_can_be_read_and_keep_how_many_parts_they_stand_for(shown, pages):
    shown.show(pages("short_transformer", lambda: drawn("transformer")))
    shown.run("v.canvas.fit(false, true)")
    shown.rest()
    assert shown.run("13 * v.canvas.view.scale") < 5
    titled = shown.run("[...v.scene.frames.values()].filter(frame => frame.title).map(frame => frame.title)")
    signs = [name for name, *_ in shown.run(SIGNS)]
    assert len(signs) >= 0.7 * len(titled)
    cut = 0
    shown.size(500, 900)  # where no title has room beside its frame
    for percent in range(16, 72, 4):
        shown.run(f"v.canvas.setView({{ x: 60, y: 20, scale: {percent / 100} }})")
        shown.rest()
        for title, told in shown.run(
            "[...document.querySelectorAll('.sign')].map(e => [v.scene.frames.get(e.dataset.id).title, e.textContent])"
        ):
            if times := re.search(r"×\d+", title):
                assert times[0] in told
                cut += "…" in told and told != title
    assert cut


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


def drawn(name):
    ef.backend.clear_session()  # layers get short names, as in a process of their own
    return ALL[name]()[0]


def test_on_a_phone_a_layer_that_is_closed_or_chosen_stays_in_sight(shown, pages):
    shown.size(390, 844)
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.show(pages("unet", lambda: ALL["unet"]()[0]))
    room = "[0, 0, v.canvas.size().w, v.canvas.size().h]"
    place = """(() => { const outer = v.canvas.node.getBoundingClientRect(),
      r = document.querySelector('.node.selected .ground').getBoundingClientRect();
      return [r.left - outer.left, r.top - outer.top, r.right - outer.left, r.bottom - outer.top]; })()"""
    shown.rest()
    title = shown.run("[...document.querySelectorAll('.head')][1].dataset.id")
    shown.click(f".head[data-id='{title}'] .toggle")
    left, top, right, bottom = shown.run(place)
    least_x, least_y, most_x, most_y = shown.run(room)
    assert least_x <= left < right <= most_x
    assert least_y <= top < bottom <= most_y
    assert left < most_x / 2  # what was left of the frame is no empty half
    shown.run("v.panel.setOpen(false); v.select(null)")
    shown.rest()
    low = shown.run("""(() => { const { y, scale } = v.canvas.view, { h } = v.canvas.size();
      return [...v.scene.nodes.values()].filter((n) => (n.y + n.h) * scale + y <= h && n.frame !== null)
        .reduce((a, b) => (b.y > a.y ? b : a)).id; })()""")
    shown.run(f"v.selectNode({low!r})")  # the panel opens over the lower half of the graph
    shown.rest()
    top, bottom, most = shown.run(place)[1], shown.run(place)[3], shown.run(room)[3]
    assert 0 <= top < bottom <= most
    shown.run("v.panel.setOpen(false); v.select(null)")
    shown.rest()
    low = shown.run("""(() => { const { y, scale } = v.canvas.view, { h } = v.canvas.size();
      return [...v.scene.frames.entries()].filter(([, f]) => f.y * scale + y < h - 20)
        .reduce((a, b) => (b[1].y > a[1].y ? b : a))[0]; })()""")
    above = f"v.scene.frames.get({low!r}).y * v.canvas.view.scale + v.canvas.view.y"
    before = shown.run(above)
    shown.run(f"v.selectNode({low!r})")  # of a layer that is open, at least the title
    shown.rest()
    assert shown.run(room)[3] < before
    assert 0 <= shown.run(above) < shown.run(room)[3] - 20


def test_on_a_phone_the_table_of_layers_has_numbers_beside_the_names(seen):
    seen.size(390, 844)
    seen.run("v.dock.choose('layers')")
    seen.rest()
    head = "[...document.querySelectorAll('.layers th')].map(th => [th.textContent, th.getBoundingClientRect().right])"
    names = dict(seen.run(head))
    assert list(names)[:2] == ["layer", "parameters"]
    assert names["parameters"] < 390
    seen.run("v.dock.body.scrollLeft = 9999")
    assert seen.run("document.querySelector('.layers th').getBoundingClientRect().left") == 0  # whose numbers they are


def test_no_key_is_listed_twice(seen):
    seen.press("?", "?")
    keys = seen.run("[...document.querySelectorAll('.help dt')].map(e => e.textContent)")
    assert "1 … 8" in keys
    singles = [key for words in keys for key in words.split() if key != "…"]
    assert len(singles) == len(set(singles))
    seen.press("Escape")
