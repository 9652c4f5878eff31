from __future__ import annotations

import re
import subprocess
import sys
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from eagerflow.core import observe
from tests.viz.nets import Trainer
from viz.facts import formatting
from viz.facts.schema import Op, Record, Scope, TensorInfo
from viz.geometry.placement import place

HOSTILE = '</script>"\n é 日本 \\N %s {a|b} <b> &amp; \x07'
SVG = "{http://www.w3.org/2000/svg}"


def groups(svg, kind):
    root = ElementTree.fromstring(svg.encode())
    return [group for group in root.iter(f"{SVG}g") if group.get("class") == kind]


def texts(element):
    return [text.text for text in element.iter(f"{SVG}text")]


def chain(count):
    """A recording of `count` different ops in a row, without scopes and source lines."""
    record = viz.Recording()
    record.tensors.append(TensorInfo(0, (4,), "float32", 16, "input"))
    for i in range(count):
        record.ops.append(Op(i, f"op{i * 7919 % 1000}", inputs=(i,), outputs=(i + 1,), start=i * 10, end=i * 10 + 9))
        record.tensors.append(TensorInfo(i + 1, (4,), "float32", 16, producer=i))
    return record


def pixels(png):
    """The bytes of an RGBA or RGB PNG's pixels, filters undone."""
    width, height = (int.from_bytes(png[a : a + 4], "big") for a in (16, 20))
    channels = {2: 3, 6: 4}[png[25]]
    data, at = b"", 8
    while at < len(png):
        length, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, width * channels + 1)
    return rows, width, height


@pytest.mark.parametrize("view", ["both", "forward", "backward", "layers"])
def test_svg_shows_every_node_arrow_and_frame(steps, view):
    drawing = steps.draw(view=view)
    graph = drawing.graph
    shown = groups(drawing.svg, "node")
    assert len(shown) == len(graph.nodes)
    assert len(groups(drawing.svg, "edge")) == len(graph.edges)
    assert len(groups(drawing.svg, "cluster")) == len(graph.clusters)
    assert all(any((text or "").strip() for text in texts(node)) for node in shown)
    assert "nan" not in re.sub(r">[^<]*<", "", drawing.svg.lower())


def test_the_default_picture_shows_each_op_of_the_last_step_once(steps):
    graph = steps.draw().graph
    shown = [i for node in graph.nodes.values() for i in node.ops]
    assert sorted(shown) == [op.id for op in steps.ops if op.step == 1]
    assert "step 1 of 0–1" in graph.caption


def test_layers_are_nested_frames(steps):
    clusters = steps.draw().graph.clusters
    titles = {cluster.title: cluster for cluster in clusters.values()}
    assert set(titles) == {"mlp", "hidden_0", "head", "crossentropy"}
    assert titles["hidden_0"].parent == titles["mlp"].id
    assert titles["mlp"].parent is None
    assert "Dense" in titles["hidden_0"].subtitle
    assert "96 parameters" in titles["hidden_0"].subtitle
    assert "Dense(16" in titles["hidden_0"].tooltip


def test_arrows_carry_shapes_and_link_backward_to_forward(steps):
    graph = steps.draw().graph
    kinds = {edge.kind for edge in graph.edges}
    assert kinds == {"data", "gradient", "parameter", "update", "link"}
    labels = {edge.label for edge in graph.edges if edge.kind == "gradient"}
    assert "8×16 f32" in labels
    for edge in graph.edges:
        if edge.kind == "link":
            assert graph.nodes[edge.head].title == f"∇ {graph.nodes[edge.tail].title}"


def test_equal_layers_are_folded(deep):
    graph = deep.draw().graph
    (folded,) = [cluster for cluster in graph.clusters.values() if "×12" in cluster.title]
    assert "hidden_1 … hidden_12" in folded.title
    shown = sorted(i for node in graph.nodes.values() for i in node.ops)
    assert shown == [op.id for op in deep.ops]  # folded ops are counted in the box that stands for them
    unfolded = deep.draw(collapse_repeats=False).graph
    assert len(unfolded.nodes) > 2 * len(graph.nodes)


def test_depth_closes_scopes(steps):
    assert {n.title for n in steps.draw(depth=0, view="forward").graph.nodes.values()} >= {"mlp", "crossentropy"}
    one = steps.draw(depth=1, view="forward").graph
    assert {"hidden_0", "head"} <= {node.title for node in one.nodes.values()}
    assert [cluster.title for cluster in one.clusters.values()] == ["mlp", "crossentropy"]
    assert any("96 parameters" in line for node in one.nodes.values() for line in node.lines)


@pytest.mark.parametrize("count", [1, 99, 350, 5000])
def test_many_ops_without_scopes_stay_legible(count):
    record = chain(count)
    graph = record.draw(max_nodes=80).graph
    assert len(graph.nodes) <= 81
    assert sorted(i for node in graph.nodes.values() for i in node.ops) == list(range(count))


def test_coloring_by_time_and_memory(steps):
    for color_by in ("time", "memory"):
        heats = [node.heat for node in steps.draw(color_by=color_by).graph.nodes.values()]
        assert max(heats) == 1.0
        assert min(heats) >= 0.0
    assert steps.draw(color_by="time").svg != steps.draw().svg


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"view": "side"}, "view='side'"),
        ({"color_by": "taste"}, "color_by='taste'"),
        ({"depth": -1}, "depth=-1"),
        ({"max_nodes": 0}, "max_nodes=0"),
        ({"step": 9}, "the steps 0 to 1"),
        ({"rankdir": "up"}, "rankdir='up'"),
        ({"dpi": 0}, "dpi=0"),
        ({"dpi": "a"}, "dpi='a': expected 10 to 2400"),
        ({"path": "x.gif"}, r"must end in one of \.svg, \.png, \.pdf, \.dot"),
    ],
)
def test_wrong_options_are_refused(steps, options, says):
    with pytest.raises(ValueError, match=says):
        steps.draw(**options)


def test_hostile_names_are_shown_and_stay_inert():
    with viz.trace(HOSTILE) as t, observe.scope("layer", HOSTILE), observe.scope("layer", "日本"):
        ops.tanh(ef.Tensor([1.0, 2.0]))
    drawing = t.draw()
    root = ElementTree.fromstring(drawing.svg.encode())
    shown = " ".join(text for text in root.itertext())
    assert "</script>" in shown
    assert "日本" in shown
    assert "\\N" in shown
    assert "&amp;" in shown  # as written, not an entity
    assert "</script>" not in drawing.svg
    assert "</script>" not in drawing._repr_html_()
    assert not list(root.iter(f"{SVG}script"))
    assert "\x07" not in drawing.source


def test_png_files_are_pictures(steps, tmp_path):
    png = steps.draw(tmp_path / "a.png", dpi=72)
    rows, width, height = pixels((tmp_path / "a.png").read_bytes())
    assert width > 200
    assert height > 200
    assert (rows != 255).mean() > 0.05
    png.save(tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "a.png").read_bytes()


def test_dot_text_is_quoted_and_can_be_had(steps, tmp_path):
    drawing = steps.draw(tmp_path / "a.dot")
    assert (tmp_path / "a.dot").read_text(encoding="utf-8") == drawing.source
    assert "label=<" not in drawing.source
    assert drawing.to_graphviz().source.strip() == drawing.source.strip()
    assert 'rankdir="LR"' in steps.draw(rankdir="LR").source


def test_letters_of_other_scripts_are_no_reason_to_fail(tmp_path):
    with viz.trace("日本") as t:
        ops.tanh(ef.Tensor([1.0, 2.0]))
    t.draw(tmp_path / "a.png")
    assert pixels((tmp_path / "a.png").read_bytes())[1] > 50


def test_labels_tell_what_arrows_of_a_shared_weight_carry():
    """A weight that is read twice gives two gradients: their arrows begin side by side."""
    shared = ef.layers.Dense(4, name="shared")
    x = ef.Input((4,))
    net = ef.Model(x, ef.layers.Dense(2)(shared(shared(x))))
    net.compile("sgd", "mse")
    with viz.trace() as t:
        net.fit(np.ones((8, 4), "float32"), np.ones((8, 2), "float32"), verbose=0)
    graph = t.draw(collapse_repeats=False).graph
    labels = {edge.label for edge, way in zip(graph.edges, place(graph).ways) if edge.label and way.label}
    assert "8×4 f32" in labels
    assert "∇ kernel, bias" in labels  # told from the gradient of the input, with which it leaves


def test_shared_layers_and_weights_are_drawn():
    layer = ef.layers.Dense(5, name="shared")
    weight = ef.Variable([1.0, 2.0], name="tied")
    with viz.trace() as t:
        x = layer(layer(ef.Tensor(np.ones((2, 5), "float32"))))
        ops.add(ops.sum(ops.multiply(weight, weight)), ops.sum(ops.multiply(x, 2.0)))
        ops.tanh(weight)
    graph = t.draw(depth=2).graph
    titles = [cluster.title for cluster in graph.clusters.values()]
    assert titles[:2] == ["shared", "shared (call 2)"]
    (tied,) = [node for node in graph.nodes.values() if node.title == "tied"]
    assert {edge.kind for edge in graph.edges if edge.tail == tied.id} == {"parameter"}
    assert len([edge for edge in graph.edges if edge.tail == tied.id]) == 2
    assert len(groups(t.draw().svg, "edge")) == len(t.draw().graph.edges)


@pytest.mark.parametrize("view", ["layers", "both"])
def test_no_line_leads_from_one_call_of_a_dropout_to_the_next(view):
    drop = layers.Dropout(0.5)
    with viz.trace() as t:
        x = ef.ops.ones((2, 5))
        for _ in range(2):
            x = drop(ef.ops.exp(x), training=True)
    drawn = t.draw(view=view).graph
    states = [node.id for node in drawn.nodes.values() if node.kind == "parameter"]
    drawing = [node.id for node in drawn.nodes.values() if node.title.startswith(("masked_scale", "drop"))]
    assert len(drawing) == 2
    found = [(edge.tail, edge.head) for edge in drawn.edges if edge.kind == "parameter"]
    assert found == ([] if view == "layers" else [(states[0], drawing[0])])


def test_updates_without_weights_in_the_picture_have_a_box():
    weight = ef.Variable([1.0, 2.0], name="w")
    with viz.trace() as t:
        weight.assign_sub([1.0, 1.0])
    titles = [node.title for node in t.draw().graph.nodes.values()]
    assert titles == ["assign_sub"]


def test_a_drawing_shows_itself(steps):
    drawing = steps.draw()
    assert drawing._repr_svg_().startswith("<svg")
    assert "overflow:auto" in drawing._repr_html_()
    assert "boxes" in repr(drawing)
    assert set(drawing._repr_mimebundle_()) == {"text/html", "image/svg+xml", "text/plain"}


def test_nothing_is_drawn_by_importing_viz():
    code = (
        "import sys, viz; print([m for m in ('graphviz', 'tensorboardX', 'google.protobuf', "
        "'eagerflow.layers', 'eagerflow.callbacks') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_scopes_repeat_with_a_period():
    """Convolution, normalization and activation in turn, without a layer around each three."""
    record = Record()
    record.tensors.append(TensorInfo(0, (4,), "float32", 16, "input"))
    for i in range(12):
        record.scopes.append(Scope(i, "layer", f"layer_{i}", cls=("Conv", "Norm", "ReLU")[i % 3]))
        record.ops.append(Op(i, ("conv", "norm", "relu")[i % 3], scope=i, inputs=(i,), outputs=(i + 1,)))
        record.tensors.append(TensorInfo(i + 1, (4,), "float32", 16, producer=i))
    recording = viz.Recording(**vars(record))
    graph = recording.draw().graph
    assert next(cluster.title for cluster in graph.clusters.values()) == "layer_0 … layer_11  ×4"
    assert len(graph.nodes) == 4


def test_casts_are_shown_by_the_types_of_arrows():
    """No box for them: they count in the box that they go with, and each op stands in one box."""
    net = ef.Sequential([ef.Input((3,), dtype="int32"), ef.layers.Embedding(9, 4), ef.layers.GlobalAveragePooling1D()])
    net.compile("sgd", "mse")
    with viz.trace() as t:
        net.train_on_batch(np.ones((4, 3), "int64"), np.ones((4, 4), "float64"))
    assert any(op.name == "cast" and op.phase == "forward" for op in t.ops)
    graph = t.draw().graph
    assert not [node for node in graph.nodes.values() if "cast" in node.title]
    assert sorted(i for node in graph.nodes.values() for i in node.ops) == [op.id for op in t.ops]
    read = {edge.head: edge.tail for edge in graph.edges if graph.nodes[edge.tail].kind == "input"}
    assert {graph.nodes[head].title for head in read} == {"gather", "subtract"}


def test_the_caption_tells_the_time_of_a_step_without_tracing():
    """From steps that weren't recorded, where there are some; else the time in ops, beside what was measured."""
    trainer = Trainer()
    with viz.trace(stats="full", steps=(3,)) as t:
        for _ in range(5):
            trainer.step()
    known = t.meta["untraced_step"]
    assert known["steps"] == 3  # the first warms up, one is recorded
    assert f"{formatting.seconds(known['duration'])} a step (median)  ·  this one " in t.draw().graph.caption
    with viz.trace(stats="full") as t:
        trainer.step()
    spent = formatting.seconds(sum(op.duration for op in t.ops))
    assert "untraced_step" not in t.meta
    assert f"{spent} in ops, " in t.draw().graph.caption


def test_of_several_recorded_steps_a_picture_tells_the_usual_times():
    trainer = Trainer()
    with viz.trace() as t:
        for _ in range(3):
            trainer.step()
    for op in t.ops:  # each pass is slow in one step
        slow = (op.step == 0 and op.phase == "forward") or (op.step == 2 and op.phase == "backward")
        op.end = op.start + (900 if slow else 100)
    drawn = t.draw().graph
    whole = 100 * sum(op.step == 0 for op in t.ops)
    assert f"step 2 of 0–2  ·  times: median of 3 steps, {formatting.seconds(whole)} in ops  ·  " in drawn.caption
    assert "this step: " in drawn.caption
    single = [node for node in drawn.nodes.values() if len(node.ops) == 1]
    for node in single:
        assert node.lines[-1].partition(" ·")[0] == "100 ns"
    (update,) = [node for node in drawn.nodes.values() if node.kind == "update" and node.row == single[0].row]
    assert update.lines[-1].startswith("2 ops · 200 ns")
    drawn = t.draw(step=0).graph
    assert "step 0 of 0–2  ·  times of step 0 alone  ·  " in drawn.caption
    assert "900 ns" in str([node.lines for node in drawn.nodes.values()])
    with viz.trace() as t:
        trainer.step()
    assert "times" not in t.draw().graph.caption


def test_a_legend_explains_the_kinds_that_a_picture_has(steps, tmp_path):
    def meanings(drawing):
        return [text for group in groups(drawing.svg, "legend") for text in texts(group)]

    drawn = steps.draw(tmp_path / "a.png")
    words = meanings(drawn)
    assert words == ["input, target", "forward", "weight", "update", "backward", "an op and its gradient"]
    assert meanings(steps.draw(view="forward")) == ["input, target", "forward", "weight"]
    assert [word.split()[0] for word in meanings(steps.draw(color_by="time"))][:3] == ["time"] * 3
    only = viz.plot_model(ef.Sequential([ef.Input((4,)), ef.layers.Dense(2)]), to_file=None)
    assert meanings(only) == []  # nothing to tell apart


def test_what_comes_from_outside_has_a_dashed_border_in_the_legend_too(steps):
    drawing = steps.draw()
    first, second, *_ = [part for group in groups(drawing.svg, "legend") for part in group if part.tag.endswith("rect")]
    assert "stroke-dasharray" in first.attrib
    assert "stroke-dasharray" not in second.attrib


def test_a_picture_of_one_pass_says_what_it_leaves_out(steps):
    whole, forward, backward = [steps.draw(view=view).graph for view in ("both", "forward", "backward")]
    assert "pass only" not in whole.caption
    assert " of 14 ops: forward pass only" in forward.caption
    assert " of 14 ops: backward pass only" in backward.caption


def test_weights_that_two_layers_share_are_in_the_legend_where_they_have_no_box():
    same = layers.Dense(4)
    x = ops.ones((2, 4))
    with viz.trace() as t:
        ops.add(same(x), same(ops.exp(x)))
    drawing = t.draw(view="layers")
    assert [text for group in groups(drawing.svg, "legend") for text in texts(group)][-1] == "shared weights"
    assert not [node for node in drawing.graph.nodes.values() if node.kind == "parameter"]


@pytest.mark.parametrize(("name", "wrong"), [("depth", "2"), ("depth", 1.5), ("max_nodes", "5"), ("max_nodes", None)])
def test_numbers_of_other_types_are_refused_by_name(steps, name, wrong):
    with pytest.raises(TypeError, match=f"{name}={wrong!r}: expected"):
        steps.draw(**{name: wrong})


def test_a_box_that_takes_a_part_of_a_tensor_says_which():
    x = ef.Tensor(np.zeros((2, 6, 4), "float32"))
    with viz.trace() as t:
        x[:, -1]
        x[:, ::-1]
        x[..., 1:3]
        x[:, None]
        x[ef.ops.array([0, 1])]
    lines = [node.lines[0] for node in t.draw().graph.nodes.values() if node.title == "take_index"]
    assert lines[:4] == ["x[:, -1]", "x[:, ::-1]", "x[..., 1:3]", "x[:, None]"]
    assert not lines[4].startswith("x[")
