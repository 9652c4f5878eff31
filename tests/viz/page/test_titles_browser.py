"""The page in little room and from afar: titles that are seen and can be read, and tabs that take what they need."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz import browser
from tests.viz.nets import adversarial_step, mlp
from tests.viz.picture.architectures import ALL, dense

PROGRAM = browser.find()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=browser.NONE_FOUND)]

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
    shown.size(1400, 900)
    shown.show(pages("towers", towers))
    yield shown
    shown.size(1400, 900)
    assert shown.wrong == []


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


def test_closed_layers_are_called_in_letters_that_can_be_read_from_afar(seen):
    seen.run("v.setFold(false); v.changeDepth(-9); v.changeDepth(1); v.canvas.setView({ x: 300, y: 20, scale: 0.9 })")
    seen.rest()
    assert seen.run(NAMES) == []  # their own lines can be read
    for scale in (0.5, 0.35):
        seen.run(f"v.canvas.setView({{ x: 300, y: 20, scale: {scale} }})")
        seen.rest()
        names = seen.run(NAMES)
        assert {name[-2:] for name, *_ in names} >= {"_0", "_1", "_2", "_3"}  # what is cut keeps its number
        assert all(6.5 <= size + 0.01 and is_within for _, size, is_within in names)


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
    shown.size(1400, 900)
    assert shown.wrong == []


def test_names_beside_boxes_are_cut_before_the_edge_of_a_phone_cuts_them(shown, pages):
    shown.size(390, 844)
    shown.show(pages("residual", residual))
    shown.run("v.setFold(false); v.changeDepth(-9); v.changeDepth(1); v.canvas.fit(false, true)")
    shown.rest()
    outside = shown.run("""[...document.querySelectorAll('.node .name text, .names .name text')].filter(e => {
      const { left, right } = e.getBoundingClientRect(); return left < 0 || right > innerWidth;
    }).map(e => e.textContent)""")
    assert shown.run("document.querySelectorAll('.node .name, .names .name').length")
    assert outside == []
    shown.size(1400, 900)
    assert shown.wrong == []


def test_titles_of_frames_in_which_nothing_stands_out_are_pale_as_boxes_are(shown, pages):
    shown.size(1400, 900)
    shown.show(pages("residual", residual))
    shown.run("v.changeDepth(9); v.canvas.fit(false, true); v.selectNode([...v.scene.nodes.values()][0].id)")
    pale = "[...document.querySelectorAll('.sign')].map(e => [e.dataset.id, e.classList.contains('dim')])"
    assert not any(dim for _, dim in shown.run(pale))
    shown.run("v.setLineage('ancestors')")
    shown.rest()
    inside = set(
        shown.run("""[...v.canvas.marks.lineage].flatMap(id => {
      const found = [];
      for (let at = v.scene.nodes.get(id)?.frame; at; at = v.scene.frames.get(at).parent) found.push(at);
      return found;
    })""")
    )
    found = shown.run(pale)
    assert [frame for frame, dim in found if dim] == [frame for frame, _ in found if frame not in inside] != []
    shown.run("v.setLineage(null)")
    assert not any(dim for _, dim in shown.run(pale))


def test_a_graph_that_is_seen_whole_but_for_its_margin_does_not_go_on_above(shown, pages):
    shown.size(1400, 900)
    shown.show(pages("residual", residual))
    shown.run("v.changeDepth(-9); v.canvas.fit(); v.canvas.setView({ ...v.canvas.view, y: v.canvas.view.y - 3 })")
    highest = "Math.min(...v.canvas.tops().map(({ y }) => y)) * v.canvas.view.scale"
    shown.run(
        f"v.canvas.setView({{ ...v.canvas.view, y: 2 - {highest} }})"
    )  # the first box begins two pixels below the edge
    assert shown.run("v.canvas.view.y") < 0
    assert "↑" not in shown.run("v.minimap.beyond.textContent")
    shown.run(f"v.canvas.setView({{ ...v.canvas.view, y: -9 - {highest} }})")
    assert "↑" in shown.run("v.minimap.beyond.textContent")


def made_and_judged() -> viz.Recording:
    steps = [layers.Dense(784), layers.BatchNormalization(), layers.LeakyReLU(), layers.Reshape((7, 7, 16))]
    steps += [layers.Conv2DTranspose(8, 5, 2, "same"), layers.LeakyReLU(), layers.Conv2DTranspose(1, 5, 2, "same")]
    generator = ef.Sequential([layers.Input((16,)), *steps], name="generator")
    judging = [layers.Conv2D(8, 5, 2), layers.LeakyReLU(), layers.Flatten(), layers.Dense(1)]
    discriminator = ef.Sequential([layers.Input((28, 28, 1)), *judging], name="discriminator")
    noise = ef.ops.ones((2, 16))
    return adversarial_step(generator, discriminator, lambda: noise, ef.ops.ones((2, 28, 28, 1)))


def test_no_name_beside_a_row_stands_nearer_to_another_network(shown, pages):
    shown.size(390, 844)
    shown.show(pages("pictures that are made and judged", made_and_judged))
    title = "[...v.scene.nodes.values()].find(n => n.title === 'generator')"
    shown.run(f"v.changeDepth(-9); v.toggle({title}.id); v.canvas.fit(false, true)")
    shown.rest()
    assert "conv2d_transpose" in " ".join(shown.run("[...v.scene.nodes.values()].map(n => n.title)"))
    gaps = shown.run("""[...document.querySelectorAll('.names .name')].map(e => {
      const node = v.scene.nodes.get(e.dataset.id); if (!node) return 0;
      const boxes = [...v.scene.nodes.values()].filter(({ row }) => row === node.row), { scale, x } = v.canvas.view,
        { left, right } = e.getBoundingClientRect(), begin = v.canvas.node.getBoundingClientRect().left,
        [from, to] = [Math.min(...boxes.map(b => b.x)), Math.max(...boxes.map(b => b.x + b.w))],
        ends = [from, to].map(at => begin + x + at * scale);
      return Math.max(left - ends[1], ends[0] - right);
    })""")
    assert gaps
    assert max(gaps) < 75
    shown.size(1400, 900)


def test_from_afar_gradients_without_room_for_their_name_are_nablas_beside_what_they_are_of(shown, pages):
    shown.size(1440, 900)
    shown.show(pages("residual", residual))
    shown.run("v.setFold(false); v.changeDepth(-9); v.changeDepth(1); v.canvas.fit(false, true)")
    shown.rest()
    gradients = [name for name, *_ in shown.run(NAMES) if name.startswith("∇")]
    whole = set(shown.run("[...v.scene.nodes.values()].map(n => n.title)"))
    assert "∇" in gradients
    assert {name for name in gradients if name != "∇"} <= whole
    shown.size(1400, 900)
    assert shown.wrong == []


def test_a_name_beside_a_row_stands_out_with_any_box_of_that_row(shown, pages):
    shown.size(1440, 900)
    shown.show(pages("residual", residual))
    shown.run("v.setFold(false); v.changeDepth(-9); v.changeDepth(1); v.canvas.fit(false, true)")
    rows = shown.run("[...document.querySelectorAll('.names .name')].map(e => e.dataset.row)")
    assert len(rows) > 4
    back = f"[...v.scene.nodes.values()].find(n => n.row === {rows[1]!r} && n.lane.startsWith('backward'))"
    shown.run(f"v.canvas.mark(new Set(), new Set(), new Set([{back}.id]), new Set())")
    dim = shown.run(
        "[...document.querySelectorAll('.names .name')].map(e => [e.dataset.row, e.classList.contains('dim')])"
    )
    assert dim == [[row, row != rows[1]] for row, _ in dim]
    shown.run("v.mark()")
    assert shown.run("document.querySelectorAll('.names .dim').length") == 0
    shown.run("v.canvas.setView({ x: 0, y: 0, scale: 1 })")
    shown.rest()
    assert shown.run("document.querySelectorAll('.names .name').length") == 0
    shown.size(1400, 900)
    assert shown.wrong == []


def test_seen_whole_frames_that_have_no_room_for_a_title_have_it_beside_them(shown, pages):
    shown.size(1440, 900)
    shown.show(pages("unfolded", lambda: drawn("transformer")))
    shown.run("v.setFold(false); v.changeDepth(9); v.canvas.fit(false, true)")
    shown.rest()
    beside = dict(shown.run("[...document.querySelectorAll('.names .name')].map(e => [e.dataset.id, e.textContent])"))
    signs = shown.run("[...document.querySelectorAll('.sign')].map(e => e.dataset.id)")
    inner = shown.run("""(parents => [...v.scene.frames.values()].filter(f => f.title && !parents.has(f.id))
      .map(f => [f.id, f.title]))(new Set([...v.scene.frames.values()].map(f => f.parent)))""")
    small = [(id_, title) for id_, title in inner if id_ not in signs]
    assert len(small) > 3
    named = [id_ for id_, title in small if id_ in beside]
    assert len(named) > 0.6 * len(small)
    shown.run("v.canvas.pan(10, 0)")
    shown.rest()
    assert not shown.run("[...document.querySelectorAll('.names .name')].some(e => e.dataset.id.startsWith('frame'))")
    shown.size(1400, 900)
    assert shown.wrong == []


def test_names_are_told_once_a_moving_graph_has_come_to_rest(shown, pages):
    shown.prefer("prefers-reduced-motion", "no-preference")
    shown.show(pages("residual", residual))
    shown.run("v.setFold(false); v.changeDepth(-9); v.changeDepth(1); v.canvas.fit()")
    shown.run("new Promise(done => { v.canvas.fit(true, true); setTimeout(done, 600); })")
    assert len(shown.run(NAMES)) > 8
    shown.prefer("prefers-reduced-motion", "")
    assert shown.wrong == []


def test_titles_of_the_whole_graph_can_be_read_and_keep_how_many_parts_they_stand_for(shown, pages):
    shown.size(1400, 900)
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
    shown.size(1400, 900)
    assert shown.wrong == []


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
    assert shown.wrong == []


def test_a_title_that_is_read_from_afar_stays_within_the_frame_around_its_own_or_stands_beside_it_in_no_other(
    shown, pages
):
    def nested():
        layers = [ef.layers.Dense(4, activation="tanh", name=f"layer_{i}") for i in range(3)]
        model = ef.Sequential([ef.Sequential(layers, name="inner"), ef.layers.Dense(2, name="last")], name="outer")
        model.compile("adam", "mse")
        with viz.trace() as t:
            model.train_on_batch(np.ones((2, 4), "float32"), np.ones((2, 2), "float32"))
        return t

    shown.show(pages("nested", nested))
    shown.run("v.setFold(false); v.changeDepth(9)")
    for percent in range(10, 40, 3):
        shown.run(f"v.canvas.setView({{ x: 300, y: 90, scale: {percent / 100} }})")
        assert shown.run("""[...document.querySelectorAll('.sign')].every((sign) => {
          const frame = v.scene.frames.get(sign.dataset.id), parent = v.scene.frames.get(frame.parent);
          const { x, y, width, height } = sign.getBBox();
          const isWithin = (other) => other.x <= frame.x && other.x + other.w >= frame.x + frame.w
            && other.y <= frame.y && other.y + other.h >= frame.y + frame.h;
          const isBeside = x >= frame.x + frame.w || x + width <= frame.x;
          const others = [...v.scene.frames.values()].filter((other) => other !== frame && !isWithin(other)
            && x < other.x + other.w && x + width > other.x && y < other.y + other.h && y + height > other.y);
          return !parent || (x >= parent.x && x + width <= parent.x + parent.w) || (isBeside && !others.length); })""")
    assert shown.wrong == []


CROSSED = """(() => {
  const { left, top } = v.canvas.node.getBoundingClientRect(), { x, y, scale } = v.canvas.view;
  const width = v.canvas.size().w;
  const lines = v.scene.edges.flatMap(({ points }) => points.slice(1).map((b, k) => [points[k], b]).map(([a, b]) => ({
    left: left + x + scale * Math.min(a[0], b[0]), right: left + x + scale * Math.max(a[0], b[0]),
    top: top + y + scale * Math.min(a[1], b[1]), bottom: top + y + scale * Math.max(a[1], b[1]) })));
  return [...document.querySelectorAll('.head text, .sign text')].filter((text) => {
    const r = text.getBoundingClientRect(), mid = (r.top + r.bottom) / 2;
    if (!r.width || mid < top || r.right < left || r.left > left + width) return false;
    return lines.some((line) => line.right > r.left && line.left < r.right
      && line.bottom > mid - 4 * scale && line.top < mid + 4 * scale);
  }).map((text) => text.textContent); })()"""


def drawn(name):
    ef.backend.clear_session()  # layers get short names, as in a process of their own
    return ALL[name]()[0]


@pytest.mark.parametrize("name", ["unet", "gan", "siamese", "transformer"])
def test_no_arrow_crosses_a_title_wherever_the_reader_looks(shown, pages, name):
    shown.size(390, 844)
    shown.show(pages(f"short_{name}", lambda: drawn(name)))
    count, alone, cut = 0, 0, 0
    for width, scales in ((390, (0.96, 0.5)), (1000, (1.2, 0.6, 0.35))):
        shown.size(width, 844)
        for scale in scales:
            for place in range(6):
                shown.run(
                    f"v.canvas.setView({{ x: -v.scene.width * {scale} * {place} / 7,"
                    f" y: -v.scene.height * {scale} * {place % 4} / 8, scale: {scale} }})"
                )
                shown.rest()
                assert shown.run(CROSSED) == [], (width, scale, place)
                count += shown.run("document.querySelectorAll('.head text, .sign text').length")
                alone += shown.run("document.querySelectorAll('.head.alone').length")
                cut += shown.run("[...document.querySelectorAll('.head')].filter(e => e.dataset.short).length")
    assert count > 20
    assert alone > cut > 0  # a title without the line below it, and one that is cut to the room that there is
    shown.size(1400, 900)
    assert shown.wrong == []


def test_no_arrow_crosses_a_title_when_a_search_has_moved_the_view(shown, pages):
    shown.size(1400, 900)
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.show(pages("short_gan", lambda: drawn("gan")))
    shown.press("/", "/")
    shown.type("dense")
    for key in ("Enter", *"ggggggg"):
        shown.press(key)
        assert shown.run(CROSSED) == []
    shown.prefer("prefers-reduced-motion", "no-preference")
    assert shown.wrong == []


FORWARD_IN_SIGHT = """(() => { const { x, y, scale } = v.canvas.view, { w, h } = v.canvas.size();
  return [...v.scene.nodes.values()].filter((node) => node.lane === 'forward' && node.kind !== 'input'
    && node.x * scale + x >= 0 && (node.x + node.w) * scale + x <= w
    && node.y * scale + y >= 0 && (node.y + node.h) * scale + y <= h).length; })()"""


class Block(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.before, self.attention, self.after = (
            layers.LayerNormalization(),
            layers.MultiHeadAttention(4, 8),
            dense(32),
        )

    def call(self, x):
        normal = self.before(x)
        return self.after(x + self.attention(normal, normal, use_causal_mask=True))


class Language(ef.Model):
    def __init__(self):
        super().__init__()
        self.words, self.places = layers.Embedding(50, 32), layers.Embedding(16, 32)
        self.blocks, self.head = [Block() for _ in range(3)], dense(50)

    def call(self, x):
        x = self.words(x) + self.places(ef.ops.arange(16))
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def begins_apart():
    """What runs first stands alone at the left: an embedding, far from the sum that reads it."""
    model = Language()
    model.compile("adamw", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    tokens = np.zeros((4, 16), "int32")
    with viz.trace() as t:
        model.train_on_batch(tokens, tokens)
    return t


@pytest.mark.parametrize(
    ("model", "least"), [(lambda: ALL["seq2seq"]()[0], 3), (begins_apart, 2)], ids=["seq2seq", "begins apart"]
)
def test_on_a_phone_the_page_opens_where_several_forward_ops_are_seen(shown, pages, model, least, request):
    shown.size(390, 844)
    shown.show(pages(request.node.callspec.id, model))
    shown.rest()
    assert shown.run(FORWARD_IN_SIGHT) >= least


@pytest.mark.parametrize(("room", "begins"), [(700, 10), (400, 200)])
def test_a_page_begins_left_of_the_first_layer_where_an_op_computes_its_input(shown, pages, room, begins):
    """As a GAN's random numbers, which are given to two calls; unless there is no room for both."""
    shown.show(pages("gan", lambda: ALL["gan"]()[0]))
    nodes = (
        "new Map([['noise', { x: 10, kind: 'op', frame: null }], ['kernel', { x: 0, kind: 'parameter', frame: 'f' }]])"
    )
    given = f"{{ x: 200 }}, {{ x: 420, w: 80 }}, new Set(['noise', 'kernel']), {room}"
    assert shown.run(f"v.canvas.leftmost.call({{ scene: {{ nodes: {nodes} }} }}, {given})") == begins


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
    shown.prefer("prefers-reduced-motion", "no-preference")
    assert shown.wrong == []


def test_the_title_of_a_frame_that_is_wider_than_the_screen_is_within_it(seen):
    seen.size(390, 844)
    seen.rest()
    for share in (0.1, 0.5, 0.8):
        seen.run(
            "(() => { const f = [...v.scene.frames.values()].find(f => f.title === 'towers');"
            f" v.canvas.setView({{ x: -f.x - f.w * {share}, y: 200 - f.y, scale: 1 }}); }})()"
        )
        seen.rest()
        left, right = seen.run(
            "(() => { const t = [...document.querySelectorAll('.head text')].find(t => t.textContent === 'towers');"
            " const { left, right } = t.getBoundingClientRect(); return [left, right]; })()"
        )
        assert 0 <= left < right <= 390


def test_the_tabs_take_no_more_room_than_the_timeline_needs(seen):
    blank = "v.dock.body.clientHeight - document.querySelector('.flame').clientHeight"
    assert seen.run("v.state.tab") == "timeline"
    assert seen.run(blank) < 10 or seen.run("v.dock.node.clientHeight") <= 120
    seen.run("v.dock.choose('layers')")
    seen.rest()
    assert seen.run("v.dock.node.offsetHeight") == 225


def test_on_a_phone_the_table_of_layers_has_numbers_beside_the_names(seen):
    seen.size(390, 844)
    seen.run("v.dock.choose('layers')")
    seen.rest()
    head = "[...document.querySelectorAll('.layers th')].map(th => [th.textContent, th.getBoundingClientRect().right])"
    names = dict(seen.run(head))
    assert list(names)[:2] == ["layer", "parameters"]
    assert names["parameters"] < 390
    assert seen.run("v.dock.node.classList.contains('goes-on')")
    seen.run("v.dock.body.scrollLeft = 9999")
    seen.wait("!v.dock.node.classList.contains('goes-on')")
    assert seen.run("document.querySelector('.layers th').getBoundingClientRect().left") == 0  # whose numbers they are


def test_a_single_value_is_a_round_point_below_the_title(shown, pages):
    def once():
        ef.utils.set_random_seed(1)  # a loss whose scale reaches up to the title
        model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
        model.compile("sgd", "mse")
        with viz.trace() as t:
            model.fit(np.ones((8, 3), "float32"), np.ones((8, 2), "float32"), batch_size=8, verbose=0)
        return t

    shown.show(pages("once", once))
    shown.run("v.dock.choose('training')")
    shown.rest()
    shown.run("window.plot = v.dock.tabs.get('training').owner.plots.get('loss'); 1")
    ((x, y),) = shown.run("plot.drawn.slice(-1)[0].raw.map(([x, y]) => [plot.toX(x), plot.toY(y)])")
    around = shown.run(f"[...plot.brush.getImageData({x} - 1, {y} - 1, 3, 3).data].filter((_, i) => i % 4 === 3)")
    assert min(around) > 200  # a point of some pixels, as there is no line
    low = "plot.canvas.getBoundingClientRect().top"
    assert shown.run(low) >= shown.run("document.querySelector('.plot figcaption').getBoundingClientRect().bottom")


def test_no_key_is_listed_twice(seen):
    seen.press("?", "?")
    keys = seen.run("[...document.querySelectorAll('.help dt')].map(e => e.textContent)")
    assert "1 … 8" in keys
    singles = [key for words in keys for key in words.split() if key != "…"]
    assert len(singles) == len(set(singles))
    seen.press("Escape")


def test_a_page_begins_above_where_one_layer_stands_among_many_ops_of_the_code(shown, pages):
    def written_out():
        head, weight = layers.Dense(1), ef.Variable(np.ones((4, 4), "float32"), name="weight")
        with viz.trace() as t:
            x = ef.Tensor(np.ones((2, 4), "float32"))
            for _ in range(4):
                x = ef.ops.tanh(ef.ops.matmul(x, weight))
                x = ef.ops.exp(x) if _ % 2 else ef.ops.sin(x)
            head(x)
        return t

    shown.show(pages("written out", written_out))
    first = "v.scene.nodes.get(v.canvas.first().id)"
    assert shown.run(f"{first}.title") == "matmul"
    y, scale, size = shown.run("[v.canvas.view.y, v.canvas.view.scale, v.canvas.size().h]")
    assert 0 <= shown.run(f"{first}.y") * scale + y < size


def test_from_afar_layers_of_a_high_graph_are_named(shown, pages):
    """Layers that are as high as a few lines, at a size at which what is beside arrows is a speck."""

    def high():
        model = ef.Sequential(
            [ef.Input((8, 8, 1)), *[layers.Conv2D(2, 3, padding="same", activation="relu") for _ in range(16)]]
        )
        model.compile("adam", "mse")
        with viz.trace() as t:
            model.train_on_batch(np.ones((2, 8, 8, 1), "float32"), np.ones((2, 8, 8, 2), "float32"))
        return t

    shown.size(1400, 900)
    shown.show(pages("high", high))
    shown.run("v.setFold(false); v.setOpen(new Set(v.index.blocks.keys())); v.canvas.fit(false, true)")
    shown.rest()
    assert shown.run("9.5 * v.canvas.view.scale") < 2
    titled = shown.run("[...v.scene.frames.values()].filter(frame => frame.title).map(frame => frame.title)")
    whole = [name for name, *_ in shown.run(SIGNS) if name in titled]
    assert len(titled) > 15
    assert len(whole) >= 0.75 * len(titled)
    assert shown.wrong == []


def test_repeated_blocks_of_a_high_graph_are_named_where_their_boxes_are_specks(shown, pages):
    def staged():
        x = start = ef.Input((8, 8, 4))
        for _ in range(4):
            x = layers.MaxPooling2D(2, strides=1, padding="same")(x)
            for _ in range(3):
                inner = x
                for _ in range(3):
                    inner = layers.Conv2D(4, 3, padding="same")(layers.ReLU()(layers.BatchNormalization()(inner)))
                x = layers.Add()([x, inner])
        with viz.trace() as t:
            ef.Model(start, x, name="staged")(np.ones((2, 8, 8, 4), "float32"))
        return t

    shown.size(1400, 700)
    shown.show(pages("staged", staged))
    shown.run("v.canvas.setView({ x: 300, y: 20, scale: 0.12 })")
    shown.rest()
    repeated = shown.run("[...v.scene.frames.values()].filter(frame => /×/.test(frame.title)).map(frame => frame.id)")
    named = shown.run("[...document.querySelectorAll('.sign')].map(e => [e.dataset.id, e.textContent])")
    assert repeated
    assert all("×" in text for key, text in named if key in repeated), named
    assert {key for key, _ in named} >= set(repeated)
    shown.size(1400, 900)
    assert shown.wrong == []


def test_a_layer_whose_title_has_no_room_from_afar_has_it_beside_its_box_if_nothing_is_there(shown, pages):
    def two_ways():
        x = start = ef.Input((4,))
        for i in range(9):
            x = layers.Dense(4, activation="relu", name=f"long_name_{i}_of_a_layer")(x)
        side = layers.Dense(4, name="a_side_with_a_name_that_is_much_longer_so_that_its_box_is_wide_and_so_the_frame")(
            start
        )
        with viz.trace() as t:
            ef.Model(start, layers.Concatenate(name="joined")([side, x]), name="two")(np.ones((2, 4), "float32"))
        return t

    shown.size(1400, 900)
    shown.show(pages("two ways", two_ways))
    shown.run("v.setFold(false); v.setOpen(new Set(['/two'])); v.canvas.setView({ x: 400, y: 20, scale: 0.2 })")
    shown.rest()
    names = shown.run("[...document.querySelectorAll('.node .name, .names .name')].map(e => e.textContent)")
    beside = shown.run("[...document.querySelectorAll('.names .name')].map(e => e.textContent)")
    assert {f"long_name_{i}_of_a_layer" for i in range(9)} | {"joined"} <= set(beside), names
    assert shown.wrong == []


def test_seen_whole_beside_a_tab_titles_are_in_their_frames_and_names_of_boxes_whole(shown, pages):
    """Of a model, its loss and a metric in a window that is low, as the tab Training leaves it."""

    def fitted():
        inner = [layers.Dense(8, "relu"), layers.Dropout(0.5), layers.Dense(3, "softmax")]
        model = ef.Sequential([ef.Input((4,)), *inner], name="mlp")
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        with viz.trace() as t:
            model.fit(np.ones((8, 4), "float32"), np.zeros(8, "int64"), batch_size=4, verbose=0)
        return t

    shown.size(800, 700)
    shown.show(pages("fitted", fitted))
    shown.run("v.dock.choose('training'); v.canvas.fit(false, true)")
    shown.rest()
    shown.run("v.canvas.fit(false, true)")
    shown.rest()
    inside = """[...document.querySelectorAll('.sign')].map(sign => {
      const { x, y, scale } = v.canvas.view, frame = v.scene.frames.get(sign.dataset.id),
        { top } = v.canvas.node.getBoundingClientRect(),
        { left, right, top: above, bottom } = sign.getBoundingClientRect();
      return [sign.textContent, left >= frame.x * scale + x - 1 && right <= (frame.x + frame.w) * scale + x + 1
        && above - top >= frame.y * scale + y - 6 && bottom - top <= (frame.y + frame.h) * scale + y + 1]; })"""
    signs = dict(shown.run(inside))
    assert signs["sparse_categorical_crossentropy"]
    assert all(signs.values())
    assert [name for name, *_ in shown.run(NAMES)] == ["accuracy"]
    shown.size(1400, 900)
    assert shown.wrong == []
