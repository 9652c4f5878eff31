from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from tests.viz.nets import Trainer
from viz.facts.derived_stats import came_in
from viz.page.data import data
from viz.picture.coloring import COLORINGS
from viz.picture.palette import DARK, LIGHT, ink_on


def box(drawing, title):
    return next(node for node in drawing.graph.nodes.values() if node.title == title)


@pytest.fixture(scope="module")
def broken():
    x = ef.Tensor([1.0, -1.0, 0.0])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with viz.trace(stats="basic") as t:
            ops.exp(ops.tanh(ops.log(ops.abs(x) * x)))
    return t


def test_the_op_that_made_nan_of_finite_numbers_stands_out(broken):
    drawing = broken.draw(color_by="nonfinite")
    assert box(drawing, "log").fill == LIGHT.origin
    assert box(drawing, "tanh").fill == LIGHT.flaw
    assert box(drawing, "multiply").fill == LIGHT.plain
    assert "2 not finite" in box(drawing, "log").lines
    assert next(text for _, text in drawing.graph.legend) == "finite"


@pytest.fixture(scope="module", params=[np.nan, np.inf], ids=str)
def spoiled(request):
    model = ef.Sequential([ef.layers.Dense(4), ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.build((None, 3))
    model.layers[0].kernel.assign(np.full((3, 4), request.param))
    with np.errstate(all="ignore"), viz.trace(stats="basic") as t:
        model.train_on_batch(np.ones((8, 3), "float32"), np.ones((8, 1), "float32"))
    return t


def test_weights_that_held_nan_before_stand_out_and_no_op_is_blamed(spoiled):
    graph = spoiled.draw(color_by="nonfinite").graph
    assert [spoiled.tensors[i].shape for i in came_in(spoiled)] == [(3, 4)]
    assert not [node.title for node in graph.nodes.values() if node.fill == LIGHT.origin and node.ops]
    assert (LIGHT.origin, "held NaN or infinity before") in graph.legend


@pytest.fixture(scope="module")
def poisoned():
    """Three steps, of which the second has a row with NaN; the third reads weights with NaN."""
    model, optimizer = ef.Sequential([ef.layers.Dense(4, name="hidden"), ef.layers.Dense(1)]), ef.optimizers.SGD()
    model.build((None, 3))
    with np.errstate(all="ignore"), viz.trace(stats="basic") as t:
        for i in range(3):
            rows = np.where(np.eye(3) * (i == 1), np.nan, 1).astype("float32")
            with ef.GradientTape() as tape:
                loss = ops.mean(model(rows) ** 2)
            found = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(found, model.trainable_variables))
    return t


def test_weights_are_coloured_as_the_step_reads_them(poisoned):
    fills = [box(poisoned.draw(step=i, color_by="nonfinite"), "kernel, bias").fill for i in range(3)]
    assert fills == [LIGHT.plain, LIGHT.plain, LIGHT.flaw]


def test_the_page_blames_what_find_nonfinite_blames(spoiled):
    op, tensor = data(spoiled)["flaw"]
    found = viz.find_nonfinite(spoiled)
    assert (op, spoiled.shown(tensor)) == (found.op_id, found.culprit)


def test_gradients_are_coloured_by_their_size(steps):
    drawing = steps.draw(color_by="grad")
    kernel = box(drawing, "kernel, bias")
    forward = steps.find("dense", "forward", "hidden_0")[-1].id
    (back,) = [op for op in steps.find("dense", "backward") if op.forward == forward]
    sizes = [steps.tensors[i].stats.l2 for i in back.outputs]
    assert f"|g| {np.hypot(*sizes):.2g}" in kernel.lines
    assert len({node.fill for node in drawing.graph.nodes.values()}) > 3


def test_boxes_say_that_their_gradient_is_nan(poisoned):
    before, during = [poisoned.draw(step=i, color_by="grad").graph for i in (0, 1)]
    lines = [node.lines[-1] for node in during.nodes.values() if node.title == "kernel, bias"]
    assert lines == ["|g| is NaN", "|g| is NaN"]
    assert {node.fill for node in during.nodes.values() if "|g| is NaN" in node.lines} == {LIGHT.flaw}
    assert (LIGHT.flaw, "|gradient| is NaN or infinite") in during.legend
    assert LIGHT.flaw not in [fill for fill, _ in before.legend]


def test_a_gradient_in_parts_is_coloured_by_their_sum_only_where_that_is_known():
    weight, x = ef.Variable([[3.0, 4.0]], name="weight"), ef.Tensor([[1.0, 2.0]])
    with viz.trace(stats="basic") as t, viz.step():
        with ef.GradientTape() as tape:
            made = ops.multiply(x, weight)
            loss = ops.sum(ops.exp(made * 0.0)) + ops.sum(weight * made)
        (whole,) = tape.gradient(loss, [weight])
        ef.optimizers.SGD().apply([whole], [weight])
    drawing = t.draw(color_by="grad")
    told = [box(drawing, title).lines[-1] for title in ("weight", "sgd")]
    assert told == [f"|g| {np.linalg.norm(whole):.2g}"] * 2
    assert box(drawing, "multiply").lines[-1] == "|g| 5 (of parts)"


def test_gradients_of_equal_parts_that_are_drawn_once_are_told_together():
    model = ef.Sequential([ef.layers.Dense(4, activation="tanh", name=f"block_{i}") for i in range(4)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    model.fit(x, x, verbose=0)
    with viz.trace(stats="basic") as t:
        model.fit(x, x, verbose=0)
    nodes = t.draw(color_by="grad").graph.nodes.values()
    first, others = [node.lines for node in nodes if node.title == "kernel, bias"]  # of one layer, and of three
    assert "together" not in first[-1]
    assert others[-1].startswith("|g| ")
    assert others[-1].endswith(" together")


def test_types_have_colours_of_their_own():
    with viz.trace() as t:
        ops.sum(ops.cast(ops.exp(ef.Tensor([1.0])), "float64"))
    drawing = t.draw(color_by="dtype")
    assert [text for _, text in drawing.graph.legend] == ["float32", "float64"]
    assert box(drawing, "exp").fill != box(drawing, "sum").fill
    assert {edge.label for edge in drawing.graph.edges} >= {"1 f64"}  # the cast has no box of its own


@pytest.mark.parametrize("color_by", ["grad", "nonfinite"])
def test_colours_that_need_statistics_say_so(color_by):
    trainer = Trainer()
    with viz.trace() as t:
        trainer.step()
    with pytest.raises(ValueError, match=r"stats='basic'"):
        t.draw(color_by=color_by)


@pytest.mark.parametrize("color_by", COLORINGS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colouring_draws_in_every_format_and_theme(steps, tmp_path, color_by, theme):
    for kind in ("svg", "dot"):
        path = tmp_path / f"a.{kind}"
        drawing = steps.draw(path, color_by=color_by, theme=theme)
        for _, meaning in drawing.graph.legend:
            assert meaning in path.read_text(encoding="utf-8")


def contrast(a, b):
    def luminance(color):
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_stands_out_from_every_fill(theme):
    fills = [fill for fill, _ in theme.phases.values()]
    fills += [*theme.kinds, theme.flaw, theme.origin, theme.plain, theme.error[0]]
    fills += ["#{:02x}{:02x}{:02x}".format(*color) for color in (*theme.heat, *theme.cool)]
    for fill in fills:
        assert contrast(fill, ink_on(fill)) >= 3.9, fill


def test_boxes_lead_to_the_line_that_ran_them(steps, tmp_path):
    text = steps.draw(tmp_path / "a.svg").svg
    links = re.findall(r'<a href="([^"]+)"', text)
    assert links
    assert all((tmp_path / link.split("#")[0]).resolve().name == "nets.py" for link in links)
    assert 'href="vscode://file/' in steps.draw(links="vscode://file{path}:{line}").svg
    assert "<a " not in steps.draw(links=None).svg
    with pytest.raises(ValueError, match=r"\{file\}"):
        steps.draw(links="{nowhere}")
