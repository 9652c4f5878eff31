"""What the page says within equal parts that are drawn once: of all of them, and on which path."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.picture.architectures import staged_residuals

pytestmark = pytest.mark.slow


class Block(layers.Layer):
    def __init__(self):
        super().__init__()
        self.attn, self.norm = layers.MultiHeadAttention(2, 4), layers.LayerNormalization()
        self.out = layers.Dense(8)

    def call(self, x):
        h = self.norm(x)
        return x + self.out(self.attn(h, h))


class GPT(ef.Model):
    def __init__(self):
        super().__init__()
        self.stem, self.head = layers.Dense(8), layers.Dense(3)
        self.blocks = [Block() for _ in range(3)]

    def call(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def three_blocks():
    model = GPT()
    model.compile("adam", "mse")
    x, y = np.ones((2, 5, 8), "float32"), np.ones((2, 5, 3), "float32")
    model.train_on_batch(x, y)
    with viz.trace() as t:
        model.train_on_batch(x, y)
    return t


@pytest.fixture
def gpt(shown, pages):
    shown.show(pages("three_blocks", three_blocks))
    return shown


def select(page, title):
    page.run(f"v.select({{kind: 'scope', key: [...v.index.blocks.values()].find(b => b.title === {title!r}).key}})")
    page.rest()


def test_parameters_of_parts_in_the_table_and_panel_are_those_of_all(gpt):
    params = "[...v.index.blocks.values()].filter(b => b.scope).map(b => [b.title, b.params])"
    told = dict(gpt.run(params))
    assert told["blocks[0] … blocks[2]  ×3"] == told["attn"] + told["norm"] + told["out"]


def look_for(page, query):
    """What a search finds: for each hit its title, and where it is."""
    page.press("/")
    page.type(query)
    wheres = page.texts(".hits li .where")
    return list(zip(page.texts(".hits li strong"), [where.split("  ·  ") for where in wheres]))


def test_what_is_shown_by_its_equal_says_so_with_both_paths(gpt):
    hits = look_for(gpt, "attn class:MultiHeadAttention")
    at = hits.index(("attn", next(where for _, where in hits if "shown by blocks[0] / attn" in where)))
    assert hits[at][1][0] == "gpt / blocks[1]"
    gpt.press("Enter", "\r")
    for _ in range(at):
        gpt.press("g")
    assert gpt.texts(".panel-body > .remark")[0].startswith("blocks[1] / attn is shown by blocks[0] / attn:")


LINE = "v.dock.tabs.get('timeline').owner"


def select_bar(page, title, number=0):
    bars = f"{LINE}.bars.filter(bar => bar.title === {title!r})"
    page.run(f"v.select({LINE}.selectionOf({bars}[{number}])); 1")
    page.rest()


def test_a_search_for_one_of_equal_parts_leads_to_it_alone(gpt):
    for i in range(3):
        gpt.run("v.select(null)")
        gpt.press("/")
        gpt.run(f"v.toolbar.search.input.value = 'blocks[{i}]'; v.toolbar.search.look(); 1")
        gpt.press("Enter", "\r")
        assert gpt.texts(".panel h2") == [f"blocks[{i}]"]
        gpt.press("Enter", "\r")  # opens or closes it, in each of them
        assert gpt.texts(".panel h2") == [f"blocks[{i}]"]
        gpt.press("Enter", "\r")
    gpt.run("v.toolbar.search.clear()")


def facts(page):
    return dict(zip(page.texts(".panel .facts dt"), page.texts(".panel .facts dd")))


def test_the_panel_of_equal_parts_lists_each_with_its_times_and_leads_to_it_alone(gpt):
    select(gpt, "blocks[0] … blocks[2]  ×3")
    whole = facts(gpt)
    assert "3 equal parts" in gpt.texts(".panel h3")
    sections = "[...document.querySelectorAll('.panel section')]"
    listed = gpt.run(f"{sections}.find(s => s.textContent.startsWith('3 equal parts')).innerText")
    assert [line for line in listed.splitlines() if "blocks" in line] == ["blocks[0]", "blocks[1]", "blocks[2]"]
    assert listed.count("→") == listed.count("←") == 3
    gpt.run("[...document.querySelectorAll('.panel .link')].find(b => b.textContent === 'blocks[1]').click()")
    gpt.rest()
    assert gpt.texts(".panel h2") == ["blocks[1]"]
    part = facts(gpt)
    params = [int(each["parameters"].replace(",", "")) for each in (part, whole)]
    assert params[0] * 3 == params[1]
    ops = [sum(int(number) for number in each["ops"].replace("backward", "").split("+")) for each in (part, whole)]
    assert ops[0] * 3 == ops[1]
    gpt.run("[...document.querySelectorAll('.panel button')].find(b => b.textContent === 'Sums of all 3').click()")
    gpt.rest()
    assert facts(gpt) == whole


def test_a_bar_of_one_of_equal_parts_opens_a_panel_of_it_alone_and_marks_its_ops_alone(gpt):
    marked = (
        f"{LINE}.bars.filter(({{op}}) => op && v.opsOf(v.state.selected).includes(op.id))"
        ".map(({op}) => v.model.path(op.home).split(' / ')[1])"
    )
    for number in range(3):
        select_bar(gpt, f"blocks[{number}]")
        assert gpt.texts(".panel h2") == [f"blocks[{number}]"]
        assert set(gpt.run(marked)) == {f"blocks[{number}]"}
        select_bar(gpt, "attn", number)
        assert gpt.texts(".panel .where")[0] == f"gpt / blocks[{number}]"
        assert set(gpt.run(marked)) == {f"blocks[{number}]"}
    sums = gpt.run(
        "v.index.equalParts.get(v.state.selected.key).map(({ownOps, backOps}) => [ownOps.length, backOps.length])"
    )
    assert len(set(map(tuple, sums))) == 1
    assert len(sums) == 3


def test_the_tip_of_a_bar_says_which_of_equal_parts_it_is_in(gpt):
    x, y = gpt.run(f"""(() => {{
      const line = {LINE}, {{ x, y, width }} = line.canvas.getBoundingClientRect();
      const {{ start, end, row }} = line.bars.filter(({{ title }}) => title === 'attn')[1];
      return [x + ((start + end) / 2 - line.from) / (line.to - line.from) * width, y + 30 + 19 * row];
    }})()""")
    gpt.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert gpt.texts(".tip")[0].startswith("attn · gpt / blocks[1] · ")


def test_the_address_keeps_which_of_equal_parts_is_selected(gpt, pages):
    select_bar(gpt, "blocks[1]")
    address = gpt.run("location.hash")
    gpt.show(pages("three_blocks", three_blocks), address)
    assert gpt.texts(".panel h2") == ["blocks[1]"]


def test_one_of_equal_parts_stays_selected_when_they_are_unfolded_and_folded_again(gpt):
    select_bar(gpt, "blocks[1]")
    for key in ("f", "f"):
        gpt.press(key)
        assert gpt.texts(".panel h2") == ["blocks[1]"]
    gpt.run("[...document.querySelectorAll('.panel button')].find(b => b.textContent === 'Show all 3').click()")
    gpt.rest()
    assert gpt.texts(".panel h2") == ["blocks[1]"]
    assert gpt.run("v.boxOf(v.state.selected).title") == "blocks[1]"
    gpt.run("[...document.querySelectorAll('.panel button')].find(b => b.textContent === 'Fold equal parts').click()")
    gpt.rest()
    assert gpt.texts(".panel h2") == ["blocks[1]"]
    assert gpt.run("v.boxOf(v.state.selected).title") == "blocks[0] … blocks[2]  ×3"


FRAMES = "[...v.scene.frames.values()].map(f => f.title).sort()"


def test_what_is_open_stays_open_when_equal_parts_are_unfolded_and_folded_again(gpt):
    gpt.run("v.canvas.fit()")
    closed = gpt.run("[...v.index.blocks.values()].find(b => b.title === 'norm').key")
    gpt.run(f"v.toggle([...v.scene.frames.values()].find(f => f.key === {closed!r}).id)")
    gpt.press("Escape")
    folded = gpt.run(FRAMES)
    inner = [title for title in folded if title in ("attn", "norm", "out")]
    assert inner == ["attn", "out"]
    gpt.press("f")
    unfolded = gpt.run(FRAMES)
    assert [title for title in unfolded if title in ("attn", "norm", "out")] == ["attn"] * 3 + ["out"] * 3
    assert {f"blocks[{i}]" for i in range(3)} <= set(unfolded)
    gpt.press("f")
    assert gpt.run(FRAMES) == folded
    gpt.press("f")
    for block in range(3):
        key = f"[...v.index.blocks.values()].filter(b => b.title === 'attn')[{block}].key"
        gpt.run(f"v.toggle([...v.scene.frames.values()].find(f => f.key === {key}).id)")
    gpt.press("f")
    assert "attn" not in gpt.run(FRAMES)


def test_a_path_finds_a_layer_with_all_that_is_in_it_and_nothing_of_others(gpt):
    gpt.press("/")
    gpt.type("blocks[1] / out")
    titles = gpt.texts(".hits li strong")
    assert titles[0] == "out"
    assert {"kernel", "bias", "dense", "∇ dense"} <= set(titles)
    assert all("blocks[1] / out" in where or title == "out" for title, where in zip(titles, gpt.texts(".hits .where")))
    marked = gpt.run("[...v.toolbar.search.boxes()].map(id => v.scene.nodes.get(id)?.title ?? '')")
    assert "dense" in marked
    assert "layer_norm" not in marked
    gpt.run("v.toolbar.search.input.value = ''")
    gpt.press("Escape")


def test_a_group_that_is_selected_stays_one_when_equal_parts_are_unfolded_and_folded_again(shown, pages):
    shown.show(pages("staged", staged_residuals))
    shown.run("v.changeDepth(-9); v.changeDepth(2); v.panel.setOpen(true)")
    all_of_them, first = "stage1_block2 … stage1_block4  ×3", "stage1_block2"
    title, told = "document.querySelector('.panel h2').textContent", all_of_them.replace("  ×", " ×")
    shown.run(f"v.selectNode([...v.scene.nodes.values()].find(n => n.title === {all_of_them!r}).id)")
    params = int(shown.run("v.index.blocks.get(v.state.selected.key).params"))
    for _ in range(2):
        assert shown.run(title).replace("  ×", " ×") == told
        shown.press("f")
        assert shown.run(title) == first
        shown.press("f")
    shown.run(
        "[...document.querySelectorAll('.panel .buttons button')].find(e => e.innerText === 'Show all 3').click()"
    )
    assert shown.run(title) == first
    boxes = "[...v.scene.nodes.values()].filter(n => /^stage1_block[234]$/.test(n.title))"
    assert len(shown.run(f"{boxes}.map(n => n.id)")) == 3
    shown.run(
        "[...document.querySelectorAll('.panel .buttons button')].find(e => e.innerText === 'Fold equal parts').click()"
    )
    assert shown.run(title).replace("  ×", " ×") == told
    shown.run("v.select({ kind: 'scope', key: v.state.selected.key, round: 1 })")
    for _ in range(2):
        assert shown.run(title) == "stage1_block3"
        shown.press("f")
    facts = (
        "[...document.querySelectorAll('.panel dt')].find(e => e.textContent === 'parameters').nextSibling.textContent"
    )
    assert int(shown.run(facts).replace(",", "")) * 3 == params


def test_arrows_lead_through_the_bars_of_the_timeline(gpt):
    gpt.run(f"{LINE}.canvas.focus(); 1")
    gpt.press("ArrowRight")  # the first of all
    assert gpt.texts(".panel h2") == ["gpt"]
    gpt.press("ArrowDown")
    gpt.press("ArrowRight")
    gpt.press("ArrowRight")
    assert gpt.texts(".panel h2") == ["blocks[1]"]
    gpt.press("ArrowDown")
    assert gpt.texts(".panel .where")[0] == "gpt / blocks[1]"
    gpt.press("ArrowUp")
    gpt.press("ArrowLeft")
    assert gpt.texts(".panel h2") == ["blocks[0]"]
    assert gpt.run(f"document.activeElement === {LINE}.canvas")


def test_weights_in_the_panel_of_a_layer_are_named_from_there_and_all_can_be_shown(gpt):
    select(gpt, "attn")
    weights = gpt.texts(".panel .links li .link[title*='/']")
    assert {f"blocks[{i}]/attn/{part}/kernel" for i in range(3) for part in ("query", "key", "value")} <= set(weights)
    select_bar(gpt, "attn", 1)
    weights = gpt.texts(".panel .links li .link[title*='/']")
    assert weights[:2] == ["query/kernel", "query/bias"]
    select(gpt, "gpt")
    rest = "document.querySelector('.panel .links .more button')"
    count = gpt.run(f"{rest}.textContent")
    assert count.startswith("… and ")
    before = gpt.run("document.querySelectorAll('.panel .links li').length")
    gpt.run(f"{rest}.click()")
    assert gpt.run("document.querySelectorAll('.panel .links li').length") == before - 1 + int(count.split()[2])


@pytest.mark.parametrize("keys", [("f", "f"), ("-", "+")])
def test_what_is_read_stays_in_the_middle_when_nothing_is_selected(gpt, keys):
    gpt.run("v.panel.setOpen(true)")
    gpt.rest()
    gpt.run("v.canvas.zoom(1.4); v.canvas.pan(0, -500)")
    gpt.rest()
    nearest = """(() => { const { x, y, w, h } = v.canvas.window(), far = ({ x: a, y: b, w: c, h: d }) =>
      Math.hypot(a + c / 2 - x - w / 2, b + d / 2 - y - h / 2);
      const boxes = [...v.scene.nodes.values()].filter(({ ops }) => ops.length);
      return boxes.sort((a, b) => far(a) - far(b))[0].ops[0]; })()"""
    op = gpt.run(nearest)
    place = (
        f"(() => {{ const b = v.boxOf({{ kind: 'op', id: {op} }}), {{ x, y, scale }} = v.canvas.view;"
        " return [(b.x + b.w / 2) * scale + x, b.y * scale + y]; })()"
    )
    before = gpt.run(place)
    gpt.press(keys[0])
    gpt.rest()
    first = gpt.run(place)
    gpt.press(keys[1])
    gpt.rest()
    assert first == pytest.approx(before, abs=40)
    assert gpt.run(place) == pytest.approx(before, abs=150)  # what was in the middle between was another box
