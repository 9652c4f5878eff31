"""The curve of memory and its axes, and the table of what holds it: names, paths, lines, and what other steps left."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

import eagerflow as ef
import viz

pytestmark = pytest.mark.slow

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
    return shown


def test_weights_and_what_an_optimizer_keeps_of_them_have_their_layer_and_a_name_within_it(page):
    found = {(row["of"], row["layer"]) for row in page.run(ROWS)}
    for layer in ("encoder_of_long_sentences", "decoder_of_long_sentences"):
        for own in ("kernel", "bias"):
            assert (own, f"model / {layer}") in found
            for kept in ("momentum", "velocity"):
                assert (f"{kept} of {own}", f"adam  ·  model / {layer}") in found


def penalized() -> viz.Recording:
    """A weight with a penalty gets two gradients, and their sum, which no recorded op makes."""
    penalty = ef.regularizers.L2(0.1)
    model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(4, kernel_regularizer=penalty, name="held")])
    model.compile("sgd", "mse")
    with viz.trace(memory=True) as t:
        model.train_on_batch(np.ones((5, 3), "float32"), np.ones((5, 4), "float32"))
    return t


def test_a_gradient_that_no_op_returned_says_of_what_it_is(shown, pages):
    shown.show(pages("penalized", penalized))
    shown.run("v.dock.setOpen(true); v.dock.choose('memory')")
    times = shown.run("v.dock.tabs.get('memory').owner.curve.map(([time]) => time)")
    found = set()
    for time in times:
        shown.run(f"v.dock.tabs.get('memory').owner.moveTo({time})")
        found |= {(row["of"], row["layer"]) for row in shown.run(ROWS) if row["role"] == "gradient"}
    assert ("gradient of kernel", "model / held") in found
    assert "gradient" not in dict(found)
    tensor = (
        "v.model.tensors.find(t => t.role === 'gradient' && t.producer === null && v.model.variables.has(t.gradientOf))"
    )
    shown.run(f"v.select({{kind: 'tensor', id: {tensor}.id}})")
    assert shown.texts(".panel h2") == ["gradient of kernel"]
    assert shown.texts(".panel .where")[0] == "model / held  ·  3×4 f32"


SIZES = [(1920, 1080), (1400, 900), (1000, 700), (700, 800), (390, 800)]
EDGES = """(of => { const r = document.querySelector(of).getBoundingClientRect();
  return [r.left, r.top, r.right, r.bottom]; })"""


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("before", ["layers", "timeline"])
def test_the_curve_fits_into_the_pane_with_both_axes(page, before, width, height):
    page.size(width, height)
    page.run(f"v.dock.choose({before!r})")  # the timeline makes the dock lower where it needs less
    page.rest()
    page.run("v.dock.choose('memory')")
    page.rest()
    left, top, right, bottom = page.run(f"{EDGES}('.memory canvas')")
    pane = page.run(f"{EDGES}('.dock-body')")
    assert pane[0] <= left
    assert pane[1] <= top
    assert right <= pane[2]
    assert pane[3] - 12 <= bottom <= min(pane[3], height)  # it takes the pane's height, with the time below it
    marks = page.run("""[...document.querySelectorAll('.sizes span')].map(
      e => [e.textContent, e.getBoundingClientRect().top, e.getBoundingClientRect().right])""")
    assert 2 <= len(marks) <= 4
    assert marks[0][0] == "0"
    assert all(re.fullmatch(r"[1-9]\d* [KM]?B", words) for words, *_ in marks[1:])
    places = [at for _, at, _ in marks]
    assert all(one - other >= 12 for one, other in itertools.pairwise(places))  # they don't overlap
    assert all(top <= at <= bottom and end <= left for _, at, end in marks)


def test_a_part_of_the_step_says_which_and_where_the_peak_is(page):
    memory = "v.dock.tabs.get('memory').owner"
    said = "document.querySelector('.memory .summary').textContent"
    words = "[...document.querySelectorAll('.memory .summary button')].map(e => e.textContent)"
    click = "[...document.querySelectorAll('.memory .summary button')].find(e => e.textContent === {!r}).click()"
    assert "shown" not in page.run(said)
    assert page.run(words)[:1] != ["go to the peak"]
    # A tenth of the step, at that end from which the peak is far.
    page.run(f"""(() => {{ const p = v.period, isLate = {memory}.peak.time > (p.first + p.last) / 2;
      p.zoom(0.1, isLate ? p.first : p.last); {memory}.show(); }})()""")
    shown, whole = page.run("[v.period.span, v.period.last - v.period.first]")
    start = page.run(f"{memory}.sayTime(v.period.from)")
    assert shown == pytest.approx(whole / 10, rel=0.01)
    text = page.run(said)
    assert re.match(r"peak: [\d.]+ [KM]?B at [\d.]+ [mµ]?s, outside of what is shown", text)
    assert re.search(rf"shown: [\d.]+ [mµ]?s of [\d.]+ [mµ]?s, from {re.escape(start)}", text)
    assert "whole step" in page.run(words)
    # Another moment, within what is shown: the peak is still named.
    page.run(f"{memory}.moveTo((v.period.from + v.period.to) / 2)")
    text = page.run(said)
    assert not text.startswith("peak")
    assert re.search(r"·  peak: [\d.]+ [KM]?B at [\d.]+ [mµ]?s, outside of what is shown", text)
    # What is shown follows the moment to the peak, and stays as long as it was.
    page.run(click.format("go to the peak"))
    assert "outside" not in page.run(said)
    assert page.run("v.period.span") == pytest.approx(shown)
    page.run(click.format("whole step"))
    assert page.run("[v.period.from, v.period.to]") == page.run("[v.period.first, v.period.last]")
    assert "shown" not in page.run(said)


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
