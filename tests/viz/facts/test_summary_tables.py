from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from eagerflow.core import observe
from tests.viz.picture.architectures import ALL
from viz.annotation.costs import costs_by_line
from viz.facts import formatting
from viz.facts.digest.made import Made
from viz.facts.schema import Frame
from viz.facts.tables import top
from viz.facts.tables.summary import rows


def test_the_summary_has_a_line_per_layer(steps):
    text = steps.summary()
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert "8×16" in lines["hidden_0"]
    assert " 96 " in lines["hidden_0"]
    assert " 96 B" in lines["head"]
    assert lines["total"].split()[1] == "147"
    assert text.index("mlp") < text.index("  hidden_0") < text.index("  head") < text.index("crossentropy")


def test_the_summary_counts_one_step(steps):
    found = {row.name.split()[0]: row for row in rows(steps, step=1)}
    step = [op for op in steps.ops if op.step == 1]
    assert found["total"].ops == len(step)
    backward = sum(op.duration for op in step if op.phase == "backward")
    assert found["mlp"].backward + found["crossentropy"].backward == backward
    assert found["hidden_0"].ops + found["head"].ops == found["mlp"].ops
    assert rows(steps, step=0)[-1].ops == len(steps.ops) - len(step)


def sums(lines, level):
    """What the lines of a level take together."""
    fields = ("ops", "forward", "backward", "update", "flops", "uncounted", "activations")
    return [sum(getattr(line, field) for line in lines if line.level == level) for field in fields]


@pytest.mark.parametrize(
    "name", "mlp convnet unet gan siamese transformer seq2seq vae control_flow penalties shared_layers nested".split()
)
def test_lines_of_each_level_add_up_to_the_line_around_them(name):
    """What belongs to no layer has a line, too: penalties, and what a model or the user's code runs between layers."""
    recording, _ = ALL[name]()
    *lines, total = rows(recording)
    assert sums(lines, 0) == sums([total], 0)
    for at, outer in enumerate(lines):
        within = list(itertools.takewhile(lambda line, level=outer.level: line.level > level, lines[at + 1 :]))
        if within:
            assert sums(within, outer.level + 1) == sums([outer], outer.level), outer.name


def test_penalties_have_lines_that_are_called_as_in_pictures():
    recording, _ = ALL["penalties"]()
    names = [line.name for line in rows(recording)]
    drawn = {node.title for node in recording.draw().graph.nodes.values()}
    assert [name for name in names if "penalt" in name] == [
        name for name in names if name in drawn and "penalt" in name
    ]
    assert "weight penalties" in names


def test_calls_of_the_same_layer_share_a_line_and_its_weights_are_counted_once():
    layer = ef.layers.Dense(5, name="shared")
    with viz.trace() as t:
        layer(layer(ef.ops.ones((2, 5))))
    found = rows(t)
    assert [row.name for row in found] == ["shared (Dense)", "total"]
    assert found[-1].params == 30
    assert found[0].ops == 2
    assert "shared (Dense) ×2" in t.summary()


def test_a_summary_opens_as_many_levels_as_it_is_asked_for(steps):
    closed, whole = steps.summary(depth=0), steps.summary()
    assert "mlp" in closed
    assert "hidden_0" not in closed
    assert "(2 lines of layers inside of others; depth=1 shows all)" in closed.splitlines()
    assert steps.summary(depth=1) == whole
    assert closed.splitlines()[-2:] == whole.splitlines()[-2:]
    (line,) = [line for line in closed.splitlines() if line.startswith("mlp")]
    assert line.split() == next(line.split() for line in whole.splitlines() if line.startswith("mlp"))
    with pytest.raises(ValueError, match="depth=-1"):
        steps.summary(depth=-1)
    with pytest.raises(TypeError, match="depth=True"):
        steps.summary(depth=True)


def test_top_sorts_by_cost(steps):
    lines = steps.top(n=3).splitlines()
    assert lines[-2] == "(sums over all 2 steps)"
    assert "sums over" not in steps.top(step=0)
    assert len(lines) == 7
    times = [row["time"] for row in top.facts(steps, n=1000)["rows"]]
    assert times == sorted(times, reverse=True)
    assert lines[2].startswith(top.facts(steps, n=1)["rows"][0]["op"])
    assert "memory" in steps.top("memory")
    assert "mlp/hidden_0" in steps.top("layer")
    assert "dense (backward)" in steps.top("name", 50)
    assert "nets.py:" in steps.top("source")
    with pytest.raises(ValueError, match="by='colour'"):
        steps.top("colour")
    with pytest.raises(ValueError, match="n=0"):
        steps.top(n=0)
    with pytest.raises(ValueError, match=r"for the first 5 rows: top\(n=5\)"):
        steps.top(5)


@pytest.mark.parametrize(("by", "cost"), [("time", None), ("memory", None), ("layer", None), ("name", "flops")])
def test_top_says_how_many_rows_it_leaves_out_and_what_they_cost(steps, by, cost):
    found = top.facts(steps, by, 1000, cost=cost)["rows"]
    costs = [row[by if by in ("time", "memory") else cost or "time"] or 0 for row in found]
    share = f"{100 * sum(costs[2:]) / sum(costs):.0f} % of the {(cost or 'time').replace('flops', 'FLOPs')}"
    share = share.replace("time", "memory") if by == "memory" else share
    said = steps.top(by, 2, cost=cost).splitlines()[-1]
    assert said == f"({len(found) - 2} more rows with {share}; n={len(found)} shows all)"
    assert "more row" not in steps.top(by, len(found), cost=cost)
    assert steps.top(by, len(found) - 1, cost=cost).splitlines()[-1].startswith("(1 more row ")


def test_costs_of_layers_are_summed_and_sorted_by_the_one_that_is_asked_for(steps):
    found = top.facts(steps, "layer", 50, cost="memory")["rows"]
    sizes = [row["memory"] for row in found]
    assert sizes == sorted(sizes, reverse=True) != [row["memory"] for row in top.facts(steps, "layer", 50)["rows"]]
    whole = sum(steps.tensors[i].nbytes for op in steps.ops for i in op.outputs)
    assert sum(sizes) == Made(steps).by_all(steps.ops) < whole
    assert [row["share"] for row in found] == pytest.approx([size / sum(sizes) for size in sizes])
    assert steps.top("layer", cost="memory").splitlines()[0].split() == ["layer", "ops", "memory", "share", "time"]
    flops = top.facts(steps, "name", 50, cost="flops")["rows"]
    assert flops[0]["flops"] == max(row["flops"] or 0 for row in flops) > 0
    for by, cost in (("memory", "time"), ("layer", "size")):
        with pytest.raises(ValueError, match="cost="):
            steps.top(by, cost=cost)


def test_tables_are_tables_in_a_notebook_too(steps):
    for shown in (steps.summary(), steps.top(), steps.top("layer"), steps.memory()):
        html = shown._repr_html_()
        whole = ET.fromstring(html)
        assert "overflow:auto" in whole.get("style")
        lines = str(shown).splitlines()
        rule = next(number for number, line in enumerate(lines) if line.startswith("──"))
        (found,) = whole.iter("table")
        heads = [cell.text for cell in found.iter("th")]
        assert "  ".join(heads).split() == lines[rule - 1].split()
        body = [["".join(cell.itertext()) for cell in row] for row in found.iter("tr")][1:]
        assert all(len(row) == len(heads) for row in body)
        assert body[0][0].strip() in lines[rule + 1]
    summary = ET.fromstring(steps.summary()._repr_html_())
    names = [row[0].text for row in summary.iter("tr")]
    assert "\u2003hidden_0 (Dense)" in names  # set in, as in the text
    assert [div.text for div in summary.iter("div")][-1].startswith("memory: weights")


def test_find_filters(steps):
    assert {op.name for op in steps.find(name="dense")} == {"dense"}
    assert steps.find(name="matmul") == steps.find(name="dense")  # by its part
    assert {op.phase for op in steps.find(phase="update")} == {"update"}
    assert all(steps.path(op.scope).endswith("head") for op in steps.find(layer="head"))
    assert steps.find(name="nothing") == []


def test_repr_and_html_tell_what_is_inside(steps):
    assert repr(steps).startswith("<recording 'steps': ")
    assert "2 steps, 2 layers" in repr(steps)
    html = steps._repr_html_()
    assert '<img class="eagerflow-picture"' in html
    assert "hidden_0" in html
    assert "<script" not in html


def test_hostile_names_are_escaped_in_html_and_cleaned_in_tables():
    hostile = '</script><img src=x onerror=alert(1)>"\n\x1b[31m é 日本'
    with viz.trace(hostile) as t, observe.scope("layer", hostile):
        ops.tanh(ef.Tensor([1.0]))
    html = t._repr_html_()
    assert "<img src" not in html
    assert "日本" in html
    assert "\x1b" not in t.summary() + t.top() + repr(t)
    assert "日本" in t.summary()


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ns"),
        (870, "870 ns"),
        (999.9, "1 µs"),
        (12_340, "12.3 µs"),
        (1.5e6, "1.5 ms"),
        (3.44e9, "3.4 s"),
        (1e12, "1000 s"),
    ],
)
def test_times_in_words(nanoseconds, text):
    assert formatting.seconds(nanoseconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (512, "512 B"), (1536, "1.5 KB"), (20 * 2**20, "20 MB"), (2**50, "1024 TB")]
)
def test_sizes_in_words(number, text):
    assert formatting.nbytes(number) == text


def test_counts_that_no_unit_fits_have_an_exponent():
    assert [formatting.short(number) for number in (870, 3.9e9, 9.99e17, 6.6096e30, -1e20)] == [
        "870",
        "3.9 G",
        "999 P",
        "6.61e+30",
        "-1e+20",
    ]


def test_names_are_cleaned():
    assert formatting.clean("a\nb\x00\u202e c") == "a b c"
    assert len(formatting.clean("x" * 10_000)) <= 60
    assert formatting.clean("x" * 10_000).count("…") == 1
    assert formatting.place(None) == ""
    assert formatting.place(Frame("In [3]", 2)) == "In [3]:2"


def test_top_sums_equal_ops_of_all_steps_under_the_line_that_made_the_layer():
    dense = ef.layers.Dense(3, name="here")
    place = formatting.place(Frame(*dense.created_at))
    model = ef.Sequential([dense, ef.layers.Dense(3, name="there")])
    model.compile("sgd", "mse")
    x = ops.ones((10, 3))
    with viz.trace() as t:
        model.fit(x, x, batch_size=4, verbose=0)  # 4, 4 and 2 rows
    found = top.facts(t, n=1000)["rows"]
    assert sum([row["time"] for row in found]) == sum([op.duration for op in t.ops])
    assert sum([row["count"] for row in found]) == len(t.ops)
    whole = [row for row in found if row["op"] == "dense" and row["phase"] == "forward"]
    assert {row["output"] for row in whole} == {"4×3 f32 (also 2×3)"}
    assert {row["layer"].split("/")[-1]: row["count"] for row in whole} == {"here": 3, "there": 3}
    assert {row["memory"] for row in whole} == {10 * 3 * 4}
    of_layer = [row for row in found if row["layer"].endswith("/here")]
    assert {row["source"] for row in of_layer} == {place}
    assert " count " in t.top()
    assert t.top("source", 20).count(f"{place} ") == 1


def test_seeds_are_no_weights_as_they_are_none_for_the_model():
    inner = [ef.layers.BatchNormalization(), ef.layers.Dropout(0.5), ef.layers.GaussianNoise(0.1)]
    model = ef.Sequential([ef.Input((4,)), *inner, ef.layers.Dense(2)])
    model.compile("sgd", "mse")
    with viz.trace() as t:
        model.train_on_batch(ops.ones((4, 4)), ops.ones((4, 2)))
    said = [line for line in t.summary().splitlines() if line.startswith(("trained:", "memory:"))]
    assert said[0] == f"trained: {4 + 4 + 10} numbers, not trained: {sum(v.size for v in model.non_trainable_weights)}"
    assert said[1].startswith(f"memory: weights {formatting.nbytes(4 * sum(v.size for v in model.weights))},")


def test_what_optimizers_and_metrics_took_is_no_part_of_the_forward_pass():
    model = ef.Sequential([ef.layers.Input((3,)), ef.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with viz.trace() as t:
        model.train_on_batch(np.ones((4, 3)), np.ones(4))
    for op in t.ops:
        op.end = op.start + 1000
    found = {row.name.partition(" ")[0]: row for row in rows(t)}
    for name in ("adam", "accuracy"):
        assert found[name].update > 0 == found[name].forward == found[name].backward
    total = found["total"]
    assert total.update == found["adam"].update + found["accuracy"].update
    assert total.forward == 1000 * len([op for op in t.ops if op.phase == "forward"])
    assert costs_by_line(t).total("forward") == total.forward
    assert "update" in t.summary()
    assert "update" not in viz.summary(ef.Sequential([ef.layers.Dense(2)]), ops.ones((1, 2)))
