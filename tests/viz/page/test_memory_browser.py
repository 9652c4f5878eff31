"""The table of what holds memory: names and paths that tell its rows apart, and what is left of another step."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from tests.viz import browser

PROGRAM = browser.find()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=browser.NONE_FOUND)]

ROWS = """[...document.querySelectorAll('.owners tbody tr')].map(row => Object.fromEntries(
  [...document.querySelectorAll('.owners th')].map((head, i) => [head.textContent, row.cells[i]?.textContent])))"""


def steps() -> viz.Recording:
    """Three steps with a tape, after which the gradients of the one before are still there."""
    names = ("encoder_of_long_sentences", "decoder_of_long_sentences")
    model = ef.Sequential([ef.layers.Dense(8, activation="relu", name=name) for name in names])
    adam, rows = ef.optimizers.Adam(1e-3), np.ones((16, 4), "float32")
    model(rows)
    with viz.trace(memory=True) as t:
        for _ in range(3):
            with viz.step("train"):
                with ef.GradientTape() as tape:
                    loss = ef.ops.mean(model(rows) ** 2)
                grads = tape.gradient(loss, model.trainable_variables)
                adam.apply_gradients(zip(grads, model.trainable_variables))
    return t


@pytest.fixture
def page(shown, pages):
    shown.show(pages("left", steps))
    shown.run("v.dock.setOpen(true); v.dock.choose('memory')")
    yield shown
    shown.size(1400, 900)
    assert shown.wrong == []


def test_weights_and_what_an_optimizer_keeps_of_them_have_their_layer_and_a_name_within_it(page):
    found = {(row["of"], row["layer"]) for row in page.run(ROWS)}
    for layer in ("encoder_of_long_sentences", "decoder_of_long_sentences"):
        for own in ("kernel", "bias"):
            assert (own, f"model / {layer}") in found
            for kept in ("momentum", "velocity"):
                assert (f"{kept} of {own}", f"adam  ·  model / {layer}") in found


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1400, 900), (700, 800), (390, 800)])
def test_names_are_whole_and_paths_begin_with_a_sign_where_they_are_cut(page, width, height):
    page.size(width, height)
    page.run("v.dock.setOpen(true); v.dock.choose('memory')")
    page.rest()
    page.run("v.dock.tabs.get('memory').owner.show()")
    names, paths = page.run("""[['.owners td .link', e => e.closest('td')], ['.owners .shortened > span', e => e]].map(
      ([what, around]) => [...document.querySelectorAll(what)].map(e => {
        const style = getComputedStyle(around(e));
        const [text, cell] = [e, around(e)].map(each => each.getBoundingClientRect());
        const isWithin = text.left >= cell.left - 1 && text.right <= cell.right + 1;
        return [style.textOverflow, style.overflowX, isWithin, cell.width];
      }))""")
    assert names
    assert all(within for _, _, within, _ in names)
    assert all([overflow, shown] == ["ellipsis", "hidden"] for overflow, shown, *_ in paths)
    assert all(room > 100 for *_, room in paths)
    order = page.texts(".owners th")
    assert order.index("of") + 1 == order.index("layer")
    assert order.index("of") == (3 if width > 900 else 1)  # on a phone they are what is seen first


def test_what_is_left_of_another_step_says_so_and_a_click_keeps_the_step(page):
    page.run("v.setStep(2)")
    left = [row for row in page.run(ROWS) if "from step 1" in row["of"]]
    assert {row["role"] for row in left} == {"gradient"}
    assert not any("from step" in row["of"] for row in page.run(ROWS) if row["role"] in ("weight", "optimizer state"))
    button = (
        "[...document.querySelectorAll('.owners tbody tr')].find(row => row.textContent.includes('from step 1'))"
        ".querySelector('button')"
    )
    assert page.run(f"{button}.title").endswith("from step 1")
    page.run(f"{button}.click()")
    assert page.run("v.state.step") == 2
    assert page.texts(".panel h2")[0].startswith("∇ ")
    assert page.texts(".panel .remark")[0].startswith("from step 1, still in memory")
    page.run("document.querySelector('.panel .remark button').click()")
    assert page.run("v.state.step") == 1


def test_an_array_of_all_rows_is_of_no_step(shown, pages):
    def fitted():
        model = ef.Sequential([ef.Input((8,)), ef.layers.Dense(2)])
        model.compile("adam", "mse")
        x, y = np.ones((96, 8), "float32"), np.ones((96, 2), "float32")
        model.fit(x, y, verbose=0)
        with viz.trace(memory=True) as t:
            model.fit(x, y, batch_size=32, shuffle=False, verbose=0)
        return t

    shown.show(pages("all_rows", fitted))
    shown.run("v.setStep(2); v.dock.setOpen(true); v.dock.choose('memory')")
    rows = [row for row in shown.run(ROWS) if row["role"] == "input"]
    assert rows
    assert not any("step" in row["of"] for row in rows)
    assert shown.wrong == []
