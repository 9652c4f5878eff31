"""What the page says within equal parts that are drawn once: of all of them, and on which path."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers

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
    shown.size(1400, 900)
    shown.show(pages("three_blocks", three_blocks))
    yield shown
    assert shown.wrong == []


PATH = "gpt / blocks[0] … blocks[2]  ×3"


def select(page, title):
    page.run(f"v.select({{kind: 'scope', key: [...v.index.blocks.values()].find(b => b.title === {title!r}).key}})")
    page.rest()


def test_parameters_of_parts_in_the_table_and_panel_are_those_of_all(gpt):
    params = "[...v.index.blocks.values()].filter(b => b.scope).map(b => [b.title, b.params])"
    told = dict(gpt.run(params))
    assert told["blocks[0] … blocks[2]  ×3"] == told["attn"] + told["norm"] + told["out"]


def test_a_panel_names_the_equal_parts_around_and_whose_span_it_tells(gpt):
    select(gpt, "attn")
    assert gpt.texts(".panel .where")[0] == PATH
    told = dict(zip(gpt.texts(".panel dt"), gpt.texts(".panel dd")))
    assert told["start to end"].startswith("of the first: ")
    select(gpt, "head")
    told = dict(zip(gpt.texts(".panel dt"), gpt.texts(".panel dd")))
    assert "of the first" not in told["start to end"]


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
    for _ in range(at + 1):
        gpt.press("Enter", "\r")
    assert gpt.texts(".panel-body > .remark")[0].startswith("blocks[1] / attn is shown by blocks[0] / attn:")


def test_hits_and_the_panels_that_they_open_say_the_same_path(gpt):
    for query in ("norm", "∇ norm", "kernel, bias", "gamma, beta", "∇ layer_norm"):
        said = [(title, where[0]) for title, where in look_for(gpt, query)]
        assert any(where.startswith(PATH) for _, where in said)
        for _, where in said:
            gpt.press("Enter", "\r")
            box = gpt.run("v.state.selected.kind !== 'tensor'")  # the panel of a weight has its path in the heading
            if box and where.startswith("gpt /") and not gpt.texts(".panel-body > .remark"):
                assert gpt.texts(".panel .where")[0] == where
        gpt.press("Escape")


def test_panels_of_boxes_within_equal_parts_have_a_path(gpt):
    gpt.run("v.changeDepth(9); 1")
    gpt.rest()
    boxes = "[...v.scene.nodes.values()].filter(n => n.ops && n.ops.length > 2 && n.kind !== 'scope')"
    found = {}
    for title, ops in gpt.run(f"{boxes}.map(n => [n.title, n.ops])"):
        gpt.run(f"v.select({{kind: 'ops', id: {ops[0]}, ids: {ops}}}, false)")
        gpt.rest()
        found.setdefault(title, []).extend(gpt.texts(".panel .where")[:1])
    assert {"layer_norm", "∇ layer_norm", "adam", "add", "∇ add"} <= set(found)
    assert all(where.startswith(PATH) for wheres in found.values() for where in wheres)
    assert found["∇ layer_norm"] == [f"{PATH} / norm"]
    assert found["∇ add"] == [PATH]
