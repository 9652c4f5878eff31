"""What differs from another recording: what is painted, told in panels, and listed in the tab."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz import browser

pytestmark = [pytest.mark.slow, pytest.mark.skipif(browser.find() is None, reason=browser.NONE_FOUND)]


def fitted(units, rows, activation="relu", dropout=False):
    """Steps of training, of which the last has fewer rows."""
    ef.utils.set_random_seed(1)
    parts = [layers.Dense(units, activation=activation, name="a"), layers.Dense(2, name="b")]
    model = ef.Sequential(parts[:1] + [layers.Dropout(0.5, name="drop")] * dropout + parts[1:], name="net")
    model.compile("adam", "mse")
    x, y = np.ones((4 * rows, 3), "float32"), np.ones((4 * rows, 2), "float32")
    with viz.trace(f"{units} units") as t:
        model.fit(x, y, batch_size=rows, verbose=0)
    return t


class Pair:
    """A page that compares a wider network with dropout, on more rows, with a plain one."""

    def to_html(self, path):
        return fitted(6, 8, "gelu", dropout=True).to_html(path, diff=fitted(5, 4))


@pytest.fixture
def compared(shown, pages):
    shown.show(pages("wider", Pair))
    return shown


PAINTED = """(() => {
  const { plain, kinds, origin } = JSON.parse(document.getElementById('rules').textContent).themes.light,
    meaning = { [plain]: 'equal', [kinds[2]]: 'added', [kinds[4]]: 'changed', [origin]: 'first' };
  return [...v.scene.nodes.values()].map(({ title, lines, fill }) => [title, lines[0] ?? '', meaning[fill]]);
})()"""


def test_weights_state_and_inputs_that_differ_are_painted_so(compared):
    painted = [tuple(box) for box in compared.run(PAINTED)]
    assert ("kernel, bias", "3×6 f32", "changed") in painted
    assert ("kernel, bias", "6×2 f32", "changed") in painted
    assert ("x", "8×3 f32", "changed") in painted
    assert [kind for title, _, kind in painted if "seed" in title] == ["added"]


def test_the_panels_of_weights_and_inputs_say_how_they_differ(compared):
    compared.run(
        "v.selectNode([...v.scene.nodes.values()].find(n => n.title === 'kernel, bias' && n.lines[0] === '3×6 f32').id)"
    )
    assert compared.texts(".panel .remark p") == ["kernel: 3×5 f32 → 3×6 f32", "bias: 5 f32 → 6 f32"]
    compared.run("[...document.querySelectorAll('.panel li button')].find(e => e.textContent === 'kernel').click()")
    assert compared.texts(".panel .remark p") == ["3×5 f32 → 3×6 f32"]
    compared.run("v.selectNode([...v.scene.nodes.values()].find(n => n.title === 'x').id)")
    assert compared.texts(".panel .remark p") == ["4×3 f32 → 8×3 f32"]
    compared.run("v.selectNode([...v.scene.nodes.values()].find(n => n.title.includes('seed')).id)")
    assert compared.texts(".panel .remark p") == ["only here: the other recording doesn't have it"]


def panel_of(page, title):
    """What stands in the panel of a box before its numbers: how its ops differ."""
    page.run(f"v.selectNode([...v.scene.nodes.values()].find(n => n.title === '{title}' && n.ops.length > 1).id)")
    page.rest()
    return page.texts(".panel-body > .remark > p")


def test_the_panel_of_several_ops_says_how_they_differ_before_one_opens_a_row(compared):
    assert panel_of(compared, "masked_scale") == ["only here: the other recording doesn't have it"]  # of all of them
    assert panel_of(compared, "adam") == [
        "kernel: input 0 3×5 f32 → 3×6 f32; input 1 3×5 f32 → 3×6 f32; output 3×5 f32 → 3×6 f32",
        "bias: input 0 5 f32 → 6 f32; input 1 5 f32 → 6 f32; output 5 f32 → 6 f32",
    ]


def test_between_two_steps_an_input_of_another_shape_is_painted(shown, pages):
    def smaller_last():
        model = ef.Sequential([layers.Dense(2)], name="net")
        model.compile("sgd", "mse")
        x, y = np.ones((12, 3), "float32"), np.ones((12, 2), "float32")
        with viz.trace() as t:
            model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
        return t

    shown.show(pages("smaller last", smaller_last))
    shown.run("v.setStep(0, true)")
    shown.run(
        "(box => { box.value = '1'; box.dispatchEvent(new Event('change')); })"
        "([...document.querySelectorAll('.panel select')].at(-1))"
    )
    painted = {title: kind for title, _, kind in shown.run(PAINTED)}
    assert painted["x"] == "changed"
    shown.run("v.selectNode([...v.scene.nodes.values()].find(n => n.title === 'x').id)")
    assert shown.texts(".panel .remark p") == ["4×3 f32 → 8×3 f32"]


def tables(page):
    """The tables of costs: title -> name -> the other cells."""
    return page.run(
        """Object.fromEntries([...document.querySelectorAll('.changes section')]
        .filter(s => s.querySelector('table')).map(s => [
          s.querySelector('h3').textContent,
          Object.fromEntries([...s.querySelectorAll('tbody tr')].map(({ children: [first, ...others] }) =>
            [first.innerText, others.map(e => e.innerText)]))]))"""
    )


def test_the_panel_of_the_recording_says_with_what_it_is_compared(compared):
    compared.run("v.select(null); v.dock.choose('timeline')")
    compared.rest()
    told = dict(zip(compared.texts(".panel .facts dt"), compared.texts(".panel .facts dd"), strict=True))
    compared.run("[...document.querySelectorAll('.panel .facts .link')].find(e => e.textContent === '5 units').click()")
    compared.rest()
    in_all = tables(compared)["By layer, median of 4 steps"]["in all"]
    assert told["compared with"] == f"5 units: {in_all[0]} → {in_all[1]} ({in_all[2]})"
