"""Fused ops in the interactive page: one box that opens into its parts, in a real browser."""

from __future__ import annotations

import os
import pathlib
import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz import browser
from tests.viz.nets import Trainer

pytestmark = [pytest.mark.slow, pytest.mark.skipif(browser.find() is None, reason=browser.NONE_FOUND)]


def dense_layers(count=1):
    """A step of dense layers with relu, each of which is one op."""
    inner = [layers.Dense(16, activation="relu", name=f"hidden_{i}") for i in range(count)]
    trainer = Trainer(ef.Sequential([*inner, layers.Dense(3, name="head")], name="net"))
    trainer.step()
    with viz.trace("fused", stats="full") as t:
        trainer.step()
    return t


@pytest.fixture
def page(shown, pages):
    shown.show(pages("fused", dense_layers))
    return shown


def photograph(page, name):
    """Keep a screenshot where one is asked for."""
    if os.environ.get("EAGERFLOW_SCREENSHOTS"):
        page.screenshot(pathlib.Path(os.environ["EAGERFLOW_SCREENSHOTS"]) / f"{name}.png")


def frames(page):
    return page.run("[...v.scene.frames.values()].map(f => [f.title, f.subtitle])")


FIRST = ".node.op[data-id=op0]"
OPENED = ".head[data-id*='dense#1']"


def arrows(page):
    return page.run("v.scene.edges.map(e => [e.tail, e.head].map(id => v.scene.nodes.get(id).title).join(' → '))")


def test_a_fused_op_is_one_box_that_names_its_parts(page):
    assert "dense" in page.boxes()
    assert not {"matmul", "add", "relu"} & set(page.boxes())
    assert page.texts(f"{FIRST} text")[:2] == ["dense", "matmul  add  relu"]
    assert re.fullmatch(r"[\d.]+ (µs|ms|s) · 512 B", page.texts(f"{FIRST} text")[2])


def test_it_opens_into_its_parts_and_closes_again(page):
    before, cost = page.boxes(), page.texts(f"{FIRST} text")[2]
    page.click(f"{FIRST} .toggle")
    assert {"matmul", "add", "relu"} <= set(page.boxes())
    subtitle = dict(frames(page))["dense"]
    assert cost.split(" · ")[0] in subtitle
    assert subtitle.endswith(cost.split(" · ")[1])
    lines = page.run("[...v.scene.nodes.values()].filter(n => n.part !== undefined).map(n => n.lines)")
    assert lines == [["→ 8×16 f32"]] * 3  # shapes, and no time
    inside = ["x → matmul", "matmul → add", "add → relu", "kernel → matmul", "bias → add"]
    assert {*inside, "relu → dense"} <= set(arrows(page))
    assert page.texts(".panel h2") == ["dense"]
    photograph(page, "page_fused")
    page.click(f"{OPENED} .toggle")
    assert page.boxes() == before


def test_it_opens_and_closes_by_a_double_click_and_by_enter(page):
    box = f"document.querySelector('{FIRST} .ground').getBoundingClientRect()"
    x, y = page.run(f"(r => [r.x + r.width / 2, r.y + r.height / 2])({box})")
    for count in (1, 2):
        for kind in ("mousePressed", "mouseReleased"):
            page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=count)
    page.rest()
    assert "matmul" in page.boxes()
    page.press("Enter", "\r")
    assert "matmul" not in page.boxes()
    page.press("Enter", "\r")
    assert "matmul" in page.boxes()


def test_what_is_open_stays_where_it_was_and_in_the_address(page, pages):
    before = page.run(f"document.querySelector('{FIRST} .toggle circle').getBoundingClientRect().y")
    page.click(f"{FIRST} .toggle")
    after = page.run(f'document.querySelector("{OPENED} .toggle circle").getBoundingClientRect().y')
    assert abs(after - before) < 40
    page.click(".node.op[data-id='op0.1'] .ground")
    page.rest()
    address, boxes = page.run("location.hash"), page.boxes()
    page.show(pages("fused", dense_layers), address)
    assert page.boxes() == boxes
    assert page.texts(".panel h2") == ["add"]
    assert page.run("document.querySelectorAll('.ring.selected').length") == 1


def test_the_inspector_lists_the_parts_and_tells_of_each(page):
    page.click(f"{FIRST} .ground")
    panel = page.texts(".panel-body")[0]
    assert "Parts, which ran as one" in panel
    page.run("[...document.querySelectorAll('.panel .links button')].find(b => b.textContent === 'add').click()")
    page.rest()
    assert page.texts(".panel h2") == ["add"]
    assert "add" in page.boxes()  # it was opened to show it
    panel = page.texts(".panel-body")[0]
    for text in ("part", "ran as one op", "8×16 f32", "matmul", "bias", "relu", "net", "hidden_0"):
        assert text in panel, text
    page.run("[...document.querySelectorAll('.panel .where button')].find(b => b.textContent === 'dense').click()")
    assert page.texts(".panel h2") == ["dense"]


def test_search_finds_parts_and_opens_what_they_are_in(page):
    page.run("v.changeDepth(-9)")
    page.press("/")
    page.type("op:relu shape:8x16")
    assert page.texts(".hits strong") == ["relu"]
    assert "part of dense" in page.texts(".hits .where")[0]
    page.press("Enter", "\r")
    assert {"matmul", "add", "relu"} <= set(page.boxes())
    assert page.run("v.state.selected.kind") == "part"
    assert page.run("v.nodesOf(v.state.selected).map(id => v.scene.nodes.get(id).title)") == ["relu"]


def test_parts_take_part_in_what_stands_out_and_have_no_colour_by_quantity(page):
    page.click(f"{FIRST} .toggle")
    page.press("d")
    near = page.run("[...v.canvas.marks.lineage].map(id => v.scene.nodes.get(id)?.title)")
    assert {"matmul", "add", "relu", "mean"} <= set(near)
    page.run("v.setColour('time')")
    fills = page.run("[...v.scene.nodes.values()].filter(n => n.part !== undefined).map(n => n.fill)")
    assert set(fills) == {"#eef1f4"}


def test_the_part_that_made_nan_or_infinity_is_named_and_stands_out(shown, pages):
    def overflowing():
        layer = layers.Dense(2, activation="relu", kernel_initializer=ef.initializers.Constant(1e30))
        layer.build((1, 2))
        with viz.trace("overflow", stats="basic") as t, np.errstate(all="ignore"):
            layer(np.full((1, 2), 1e30, "float32"))
        return t

    shown.size(1400, 900)
    shown.show(pages("overflow", overflowing))
    shown.press("n")
    assert shown.texts(".panel h2") == ["dense"]
    assert "They come from matmul" in shown.texts(".panel .alarm")[0]
    shown.click(".panel .alarm button.link")
    assert shown.texts(".panel h2") == ["matmul"]
    fills = shown.run("v.scene.partNodes.get(0).map(id => v.scene.nodes.get(id).fill)")
    assert fills == ["#e4644c", "#eef1f4", "#eef1f4"]


def both_directions():
    both, x = layers.Bidirectional(layers.LSTM(3), name="both"), np.ones((2, 4, 3), "float32")
    both(x)
    with viz.trace() as t:
        both(x)
    return t


def test_what_each_part_makes_leaves_from_its_own_box_and_its_panel_says_who_reads_it(shown, pages):
    shown.show(pages("both directions", both_directions))
    shown.run("v.setOpen(new Set([...v.index.blocks.keys(), ...v.index.opening.keys()].filter(Boolean)))")
    assert sorted(edge for edge in arrows(shown) if edge.endswith("→ concatenate")) == ["lstm → concatenate"] * 2
    tails = "v.scene.edges.filter(e => v.scene.nodes.get(e.head).title === 'concatenate').map(e => e.tail)"
    assert len(set(shown.run(tails))) == 2
    op = shown.run("v.model.ops.find(({ name }) => name === 'lstm_pair').id")
    for number in (0, 1):
        shown.run(f"v.panel.setOpen(true); v.select({{ kind: 'part', id: {op}, number: {number} }})")
        read_by = "[...document.querySelectorAll('.panel section')].find(e => e.innerText.startsWith('READ BY'))"
        assert shown.run(f"{read_by}.querySelector('button').innerText") == "concatenate"
    of_one = "n.kind === 'parameter' && n.lines.some(l => l.startsWith('of forward_'))"
    weights = f"v.selectNode([...v.scene.nodes.values()].find(n => {of_one}).id)"
    shown.run(weights)
    assert shown.texts(".panel .where")[0].split("  ·  ")[-1].startswith("of forward_lstm")
    shown.run(f"v.select({{ kind: 'op', id: {op} }})")
    readers = shown.run(f"[...{read_by}.querySelectorAll('li')].map(e => e.querySelector('button').innerText)")
    assert readers == ["concatenate"]  # not the casts between them, which have no boxes
