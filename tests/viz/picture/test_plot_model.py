from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers


def functional():
    inputs = ef.Input((4,), name="given")
    hidden = layers.Dense(4, activation="relu", name="hidden")(inputs)
    inner = ef.Sequential([ef.Input((4,)), layers.Dense(3, name="a"), layers.Dense(4, name="b")], name="inner")
    outputs = layers.Add(name="both")([hidden, inner(hidden)])
    return ef.Model(inputs, outputs, name="net")


class Block(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a, self.b = layers.Dense(4, activation="relu", name="a"), layers.Dense(4, name="b")

    def call(self, x):
        return x + self.b(self.a(x))


class Subclassed(ef.Model):
    def __init__(self):
        super().__init__(name="sub")
        self.first, self.head = Block(name="first"), layers.Dense(2, name="head")

    def call(self, x):
        return self.head(self.first(x)) * 2.0


def titles(drawing):
    return [node.title for node in drawing.graph.nodes.values()]


def arrows(drawing):
    nodes = drawing.graph.nodes
    return {(nodes[edge.tail].title, nodes[edge.head].title) for edge in drawing.graph.edges}


def test_a_range_of_layers_is_drawn_alone():
    model = functional()
    drawn = viz.model_to_dot(model, layer_range=["hidden", "inner"])
    assert [title.split()[0] for title in titles(drawn)] == ["hidden", "inner"]
    assert [(e.tail, e.head) for e in drawn.graph.edges] == [tuple(drawn.graph.nodes)]
    assert len(titles(viz.model_to_dot(model, layer_range=["inn", "both"], expand_nested=True))) == 3  # a, b, both
    assert viz.plot_model(model, None, layer_range=["hidden", "hidden"]).graph.edges == []
    with pytest.raises(ValueError, match=r"plot_model\(layer_range=\['nothing', 'both'\]\): no such layer. Layers: "):
        viz.plot_model(model, None, layer_range=["nothing", "both"])
    with pytest.raises(ValueError, match="'sub' isn't a Sequential or functional model"):
        viz.plot_model(Subclassed(), None, layer_range=["first", "head"], inputs=np.ones((1, 4), "float32"))


def test_sequential_models_are_chains():
    model = ef.Sequential([ef.Input((4,)), layers.Dense(3, name="a"), layers.Dropout(0.5, name="b")], name="s")
    drawing = viz.model_to_dot(model)
    assert titles(drawing)[1:] == ["a (Dense)", "b (Dropout)"]
    assert ("a (Dense)", "b (Dropout)") in arrows(drawing)
    assert len(arrows(drawing)) == 2


def test_nested_models_open_into_frames():
    drawing = viz.model_to_dot(functional(), expand_nested=True)
    assert [cluster.title for cluster in drawing.graph.clusters.values()] == ["inner (Sequential)"]
    assert ("hidden (Dense)", "a (Dense)") in arrows(drawing)
    assert ("b (Dense)", "both (Add)") in arrows(drawing)
    inside = [n.title for n in drawing.graph.nodes.values() if n.cluster]
    assert inside == ["a (Dense)", "b (Dense)"]


def test_subclassed_models_are_drawn_from_a_run():
    model = Subclassed()
    model(np.zeros((2, 4), "float32"))
    drawing = viz.model_to_dot(model)
    assert sorted(titles(drawing)) == ["first (Block)", "head (Dense)", "multiply (Multiply)", "x"]
    assert ("x", "first (Block)") in arrows(drawing)
    opened = viz.model_to_dot(model, expand_nested=True)
    assert {"a (Dense)", "b (Dense)", "add (Add)"} <= set(titles(opened))
    assert not any(node.kind == "parameter" for node in opened.graph.nodes.values())


def test_an_input_says_what_was_asked_for_as_layers_do_and_no_type_that_is_not_known():
    model = Subclassed()
    rows = np.zeros((7, 4), "float64")
    model(rows)
    asked = {"show_shapes": True, "show_dtype": True}

    def of_input(**options):
        nodes = viz.model_to_dot(model, **options).graph.nodes.values()
        return next(node.lines for node in nodes if node.kind == "input")

    assert of_input(show_shapes=True) == ["output: (7, 4)"]
    assert of_input(**asked) == ["output: (7, 4)"]  # run on zeros, of which the type tells nothing
    assert of_input(**asked, inputs=rows) == ["dtype: float64", "output: (7, 4)"]
    assert of_input() == []


def test_boxes_say_what_was_asked_for():
    drawing = viz.model_to_dot(
        functional(),
        show_shapes=True,
        show_dtype=True,
        show_layer_names=False,
        show_layer_activations=True,
        show_trainable=True,
    )
    hidden = list(drawing.graph.nodes.values())[1]
    assert hidden.title == "Dense"
    assert hidden.lines == ["activation: relu", "dtype: float32", "input: (None, 4)", "output: (None, 4)", "trainable"]


def test_frozen_layers_say_so():
    model = functional()
    model.get_layer("hidden").trainable = False
    hidden = list(viz.model_to_dot(model, show_trainable=True).graph.nodes.values())[1]
    assert hidden.lines == ["not trainable"]


def test_models_with_several_inputs_and_a_shared_layer():
    a, b = ef.Input((3,), name="a"), ef.Input((3,), name="b")
    shared = layers.Dense(2, name="shared")
    model = ef.Model([a, b], layers.Concatenate(name="joined")([shared(a), shared(b)]))
    drawing = viz.model_to_dot(model)
    assert [t for t in titles(drawing) if "shared" in t] == ["shared (Dense)", "shared (Dense) (call 2)"]
    assert sum(head == "joined (Concatenate)" for _, head in arrows(drawing)) == 2
    assert len([edge for edge in drawing.graph.edges if edge.kind == "data"]) == 4


def test_each_frame_of_a_shared_model_says_which_call_it_is():
    encoder = ef.Sequential([ef.Input((4,)), layers.Dense(2, name="inner")], name="encoder")
    left, right = ef.Input((4,)), ef.Input((4,))
    drawing = viz.plot_model(
        ef.Model([left, right], layers.Add()([encoder(left), encoder(right)])), None, expand_nested=True
    )
    assert [frame.title for frame in drawing.graph.clusters.values()] == [
        "encoder (Sequential)",
        "encoder (Sequential) (call 2)",
    ]
    assert [t for t in titles(drawing) if "inner" in t] == ["inner (Dense)", "inner (Dense) (call 2)"]


def test_files_of_every_kind(tmp_path):
    for name in ("a.svg", "a.png", "a.dot"):
        viz.plot_model(functional(), tmp_path / name)
        assert (tmp_path / name).stat().st_size > 200
    viz.plot_model(functional(), tmp_path / "plain")
    assert (tmp_path / "plain.png").exists()
    viz.plot_model(functional(), tmp_path / "lr.svg", rankdir="LR", splines="curved")


def test_pydot_names_work():
    dot = viz.model_to_dot(functional(), subgraph=True)
    assert dot.to_string().startswith("digraph")
    assert dot.create(prog="dot", format="svg").startswith(b"<?xml")
    assert "net" in [cluster.title for cluster in dot.graph.clusters.values()]


def test_unbuilt_models_and_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="not built yet"):
        viz.plot_model(ef.Sequential([layers.Dense(2)]), None)
    with pytest.raises(ValueError, match="splines="):
        viz.model_to_dot(functional(), splines="wavy")
    with pytest.raises(ValueError, match="layer_range"):
        viz.model_to_dot(functional(), layer_range=("a", "b"))
    with pytest.raises(ValueError, match="rankdir="):
        viz.model_to_dot(functional(), rankdir="UP")


def test_the_summary_of_a_model():
    text = viz.summary(functional())
    assert "hidden (Dense)" in text
    assert "trained: 51 numbers" in text
    lines = {line.split()[0]: line for line in text.splitlines()[3:7]}
    assert "20" in lines["hidden"].split()
    assert repr(text) == str(text)
    assert "<table" in text._repr_html_()
    inputs = np.zeros((3, 4), "float32")
    assert "3×2" in viz.summary(Subclassed(), inputs)


def test_the_summary_of_a_model_without_known_input_says_what_to_do():
    class Bare(ef.Model):
        def call(self, x):
            return x

    model = Bare()
    with pytest.raises(ValueError, match=r"viz\.summary\(model, x\)"):
        viz.summary(model)


def test_layers_that_the_call_did_not_reach_are_named():
    class Gate(ef.Model):
        def __init__(self):
            super().__init__()
            self.open, self.shut = layers.Dense(4, name="open"), layers.Dense(4, name="shut")

        def call(self, x):
            return self.open(x) if float(ef.ops.sum(x)) > 0 else self.shut(x)

    model = Gate()
    model(np.ones((3, 4), "float32"))
    caption = viz.plot_model(model, None).graph.caption  # zeros are given
    assert caption == "not reached in this call: open (other inputs may: inputs=x)"
    assert "shut" in viz.plot_model(model, None, inputs=np.ones((3, 4), "float32")).graph.caption


def test_what_a_line_of_a_model_computes_is_told_without_the_times_of_this_call():
    class Noisy(ef.Model):
        def __init__(self):
            super().__init__()
            self.inner, self.outer = layers.Dense(4), layers.Dense(4)

        def call(self, x):
            x = self.inner(x)
            z = ef.ops.exp(0.5 * x) * x + ef.ops.tanh(x)
            return self.outer(z)

    model = Noisy()
    model(np.ones((3, 4), "float32"))
    boxes = {node.title: node.lines for node in viz.plot_model(model, None).graph.nodes.values()}
    assert boxes["z"] == ["5 ops"]


class Adversaries(ef.Model):
    """A model that is never called itself: what it computes is in its `train_step`."""

    def __init__(self, generator, discriminator):
        super().__init__(name="gan")
        self.means = np.zeros(3)
        self.generator, self.discriminator = generator, discriminator

    def train_step(self, data):
        return {"score": ef.ops.mean(self.discriminator(self.generator(data)))}


class Widen(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inside = layers.Dense(6, name="inside")

    def call(self, x):
        return self.inside(x) * 2.0


def test_a_model_without_a_call_is_drawn_as_its_parts():
    model = Adversaries(
        ef.Sequential([ef.Input((3,)), layers.Dense(4, name="up")], name="generator"),
        ef.Sequential([Widen(name="widen"), layers.Dense(1, name="score")], name="judge"),
    )
    model.compile()
    model.fit(np.ones((8, 3), "float32"), batch_size=4, verbose=0)
    drawing = viz.plot_model(model, None, show_layer_names=True, show_shapes=True)
    frames = {each.id: each.title for each in drawing.graph.clusters.values()}
    inside = {frames[node.cluster]: [] for node in drawing.graph.nodes.values()}
    for node in drawing.graph.nodes.values():
        inside[frames[node.cluster]].append(node.title)
    assert set(inside) == {"generator (Sequential)", "judge (Sequential)"}
    assert "up (Dense)" in inside["generator (Sequential)"]
    assert {"widen (Widen)", "score (Dense)"} <= {*inside["judge (Sequential)"]}
    assert ("widen (Widen)", "score (Dense)") in arrows(drawing)
    assert "no call" in drawing.graph.caption
    assert "judge (Sequential)" in drawing.svg
    with pytest.raises(ValueError, match=r"no method `call`.*viz\.summary\(model\.generator\)"):
        viz.summary(model)


def test_a_model_with_a_call_that_was_only_trained_otherwise_says_what_to_give():
    class Student(Adversaries):
        def call(self, x):
            return self.discriminator(self.generator(x))

    parts = [ef.Sequential([ef.Input((3,)), layers.Dense(3, name=name)], name=name) for name in ("a", "b")]
    model = Student(*parts)
    model.compile()
    x = np.ones((8, 3), "float32")
    model.fit(x, batch_size=4, verbose=0)
    with pytest.raises(ValueError, match="inputs=x"):
        viz.plot_model(model, None)
    drawing = viz.plot_model(model, None, show_layer_names=True, inputs=x)
    assert ("a (Sequential)", "b (Sequential)") in arrows(drawing)
