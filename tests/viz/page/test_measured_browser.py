"""What the page says of measured weights and gradients: of which version, of which pass, and where there is NaN."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops

pytestmark = pytest.mark.slow


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
    return shown


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


def test_gradients_with_nan_are_told_as_such(page):
    boxes, legend = colored(page, "grad", 2, "kernel, bias")
    theme = page.run("JSON.parse(document.getElementById('rules').textContent).themes.light.flaw")
    assert boxes == [[theme, "|g| is NaN"]] * 2
    assert "|gradient| is NaN or infinite" in legend
    facts, sections = weight(page, 2)
    assert facts["|gradient|"] == "NaN"
    assert "NaN12" in sections["Gradient"]
    page.run("v.dock.setOpen(true); v.dock.choose('layers'); 1")
    page.rest()
    table = page.texts(".layers tbody tr td:last-child")
    assert table == ["NaN", "NaN", "NaN", "", ""]  # the last are the optimizer and what ran outside of layers


def logarithms() -> viz.Recording:
    """Five logarithms in one line, of which three make NaN of finite numbers."""
    x = ef.Tensor([2.5, 2.5])
    with np.errstate(all="ignore"), viz.trace(stats="basic") as t:
        sum([ops.log(x - i) for i in range(1, 6)])
    return t


def test_the_panel_of_several_ops_says_where_nan_arises(shown, pages):
    shown.show(pages("logarithms", logarithms))
    shown.run("v.selectNode([...v.scene.nodes.values()].find((n) => n.title === 'log' && n.ops.length > 1).id); 1")
    shown.rest()
    assert shown.texts(".panel-body > p.alarm") == ["2 NaN elements arise here: all inputs are finite."]
    assert "So it is in 2 more ops of this box." in shown.texts(".panel-body > p.remark")


def of_two_losses() -> viz.Recording:
    """A step with two losses, of which the second reads a weight and what it makes twice."""
    weight, x = ef.Variable([[3.0, 4.0]], name="weight"), ef.Tensor([[1.0, 2.0]])
    with viz.trace(stats="basic") as t, viz.step():
        with ef.GradientTape(persistent=True) as tape:
            made = ops.multiply(x, weight)
            first = ops.sum(made)
            second = ops.sum(ops.exp(made * 0.1)) + 5.0 * ops.sum(weight * made)
        tape.gradient(first, [weight])
        tape.gradient(second, [weight])
    return t


def test_parts_of_a_gradient_are_told_one_by_one_and_of_each_loss(shown, pages):
    shown.show(pages("two losses", of_two_losses))
    facts, sections = weight(shown, 0, "weight")
    first, second = facts["|gradient|"].split("; ")
    assert first == "2.236 of first"
    whole = [0.1 * np.exp(0.3) + 30, 0.2 * np.exp(0.8) + 80]
    assert second == f"{np.hypot(*whole):.4g} of second"
    assert "|g| / |w|" not in facts
    assert [title for title in sections if title.startswith("Gradient")][:2] == [
        "Gradientof first",
        "Gradientof second",
    ]
    shown.run(
        "v.selectNode([...v.scene.nodes.values()].find((n) => n.title === 'multiply' && n.lane === 'forward').id); 1"
    )
    shown.rest()
    (remark,) = [text for text in shown.texts(".panel-body .remark") if "gradient" in text]
    parts = f"25, {np.hypot(np.exp(0.3), np.exp(0.8)) / 10:.4g}"
    assert remark == f"gradient |g|: 1.414 of first; 2 parts: {parts} of second"
