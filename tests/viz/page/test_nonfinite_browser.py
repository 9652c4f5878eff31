"""What the page says of weights and gradients in a training that goes to NaN."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz import browser

PROGRAM = browser.find()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=browser.NONE_FOUND)]


def going_to_nan() -> viz.Recording:
    """Four steps, of which the third has a row with NaN."""
    model = ef.Sequential([layers.Dense(4, name="hidden"), layers.Dense(2, name="head")], name="net")
    model.build((None, 3))
    optimizer = ef.optimizers.SGD()
    with np.errstate(all="ignore"), viz.trace(stats="basic") as t:
        for i in range(4):
            rows = np.where(np.eye(3) * (i == 2), np.nan, np.eye(3) + i).astype("float32")
            with ef.GradientTape() as tape:
                loss = ops.mean(model(rows) ** 2)
            found = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(found, model.trainable_variables))
    return t


@pytest.fixture
def page(shown, pages):
    shown.show(pages("going to nan", going_to_nan))
    yield shown
    assert shown.wrong == []


def weight(page, step, name="net/hidden/kernel"):
    """The panel of a weight in a step: its facts, and the texts of its sections by title."""
    page.run(f"v.setStep({step}); 1")
    page.run(f"v.select({{ kind: 'tensor', id: v.model.tensors.find((t) => t.name === '{name}').id }}, false); 1")
    page.rest()
    facts = page.run("""Object.fromEntries([...document.querySelectorAll('.panel-body dt')].map(
      (dt) => [dt.textContent, dt.nextElementSibling.textContent]))""")
    sections = page.run("""Object.fromEntries([...document.querySelectorAll('.panel-body section')].map(
      (section) => [section.querySelector('h3').textContent, section.textContent]))""")
    return facts, sections


def colored(page, mode, step, title):
    """The colours and last lines of the boxes of this title, and the legend."""
    page.run(f"v.setStep({step}); v.setColour('{mode}'); 1")
    page.rest()
    boxes = page.run(
        f"[...v.scene.nodes.values()].filter((n) => n.title === '{title}').map((n) => [n.fill, n.lines.at(-1)])"
    )
    return boxes, page.texts(".legend .swatch")


def test_a_weight_is_coloured_and_described_as_the_step_reads_it(page):
    before, _ = colored(page, "nonfinite", 2, "kernel, bias")
    after, _ = colored(page, "nonfinite", 3, "kernel, bias")
    assert not [line for _, line in before if "finite" in line]
    assert [line for _, line in after] == ["16 not finite", "10 not finite"]
    told = [next(text for title, text in weight(page, step)[1].items() if "alues" in title) for step in (0, 3)]
    assert "before the first recorded update" in told[0]
    assert "NaN" not in told[0]
    assert "as read in step 3" in told[1]
    assert "NaN12" in told[1]
    page.run("v.selectNode([...v.scene.nodes.values()].find((n) => n.title === 'kernel, bias').id); 1")
    assert len(page.texts(".panel-body li .alarm")) == 2
