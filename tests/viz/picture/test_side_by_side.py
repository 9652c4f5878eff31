"""Of equal parts that are drawn once, a picture tells whether they follow each other or stand side by side."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz import page


def frames(model, width=8):
    with viz.trace() as t:
        model(np.ones((4, width), "float32"))
    return [frame.title for frame in t.draw().graph.clusters.values() if "×" in frame.title]


def experts(dtype=None):
    given = ef.Input((8,))
    found = [layers.Dense(8, activation="relu", name=f"expert_{i}", dtype=dtype)(given) for i in range(4)]
    return ef.Model(given, layers.Concatenate()(found), name="mixture")


def chain(dtype=None):
    return ef.Sequential([layers.Dense(8, name=f"dense_{i}", dtype=dtype) for i in range(5)], name="deep")


def test_experts_stand_side_by_side():
    assert frames(experts()) == ["expert_0 … expert_3  ×4, side by side"]


def test_layers_that_read_each_other_do_not():
    assert frames(chain()) == ["dense_0 … dense_4  ×5"]


def test_casts_between_parts_do_not_part_them():
    assert frames(chain("mixed_float16")) == ["dense_0 … dense_4  ×5"]
    assert frames(experts("mixed_float16")) == ["expert_0 … expert_3  ×4, side by side"]


def meta_learned(tasks=3, rounds=5):
    """For each task some steps of gradient descent from the same weights, as in MAML; then one gradient of all."""
    weight = ef.Variable(np.ones((2, 1), "float32"), name="weight")
    given = [(np.full((4, 2), i, "float32"), np.full((4, 1), i, "float32")) for i in range(tasks)]
    with viz.trace() as t, ef.GradientTape() as outer:
        losses = []
        for x, y in given:
            fast = weight
            for _ in range(rounds):
                with ef.GradientTape() as inner:
                    inner.watch(fast)
                    loss = ops.mean((x @ fast - y) ** 2)
                fast = fast - 0.1 * inner.gradient(loss, fast)
            losses.append(ops.mean((x @ fast - y) ** 2))
        outer.gradient(ops.sum(ops.stack(losses)), weight)
    return t


def test_of_a_loop_within_a_loop_the_outer_one_is_drawn_once():
    drawn = meta_learned().draw().graph
    begin = meta_learned.__code__.co_firstlineno
    (outer,) = drawn.clusters.values()
    assert outer.title == f"test_side_by_side.py:{begin + 11}–{begin + 13}  ×3, side by side"
    assert next(node for node in drawn.nodes.values() if node.cluster == outer.id).lines[0].startswith("3 ops")


def arrows(run):
    with viz.trace() as t:
        run()
    graph = t.draw().graph
    return {(graph.nodes[edge.tail].title, graph.nodes[edge.head].title) for edge in graph.edges}


def test_the_state_of_a_recurrence_has_an_arrow_from_step_to_step():
    cell, x = layers.Dense(8, activation="tanh", name="cell"), ops.ones((4, 8))

    def recurrent():
        h = x
        for _ in range(4):
            h = cell(h)

    assert ("tanh", "dense") in arrows(recurrent)


class Adaptive(ef.Model):
    """Calls one layer again and again, and looks at what it made before each time."""

    def __init__(self):
        super().__init__(name="adaptive")
        self.first, self.cell, self.last = (layers.Dense(8, activation=each) for each in ("relu", "tanh", None))

    def call(self, x):
        h = self.first(x)
        for _ in range(4):
            if float(ops.max(ops.abs(h))) > -1:
                h = self.cell(h) * 0.8
        return self.last(h)


def of_training(model, **options):
    """Which boxes a training step's arrows of data and of gradients tie, by what these are called."""
    model.compile("sgd", "mse")
    with viz.trace() as t:
        model.train_on_batch(np.ones((4, 8), "float32"), np.ones((4, 8), "float32"))
    graph = t.draw(**options).graph
    edges = [edge for edge in graph.edges if edge.kind in ("data", "gradient")]
    return {(graph.nodes[edge.tail].title, graph.nodes[edge.head].title, edge.kind) for edge in edges}


@pytest.mark.parametrize("parts", [False, True])
def test_a_loop_has_each_arrow_that_leads_from_one_round_to_the_next(parts):
    folded = of_training(Adaptive(), parts=parts)
    assert ("multiply", "absolute", "data") in folded
    assert ("∇ dense", "∇ multiply", "gradient") in folded
    assert folded == of_training(Adaptive(), parts=parts, collapse_repeats=False)


def test_an_arrow_into_a_loop_says_that_only_the_first_round_reads_it():
    """The initial state looks as if each round read it, else, as the box stands for all of them."""
    cell = layers.Dense(8, activation="tanh")
    x, h = ef.Tensor(np.ones((4, 3), "float32")), ops.ones((4, 8))
    cell(ops.concatenate([x, h], axis=1))
    with viz.trace() as t:
        h = ops.exp(h)
        for _ in range(6):
            h = cell(ops.concatenate([x, h], axis=1))
    graph = t.draw().graph
    into = {graph.nodes[e.tail].title: e.label for e in graph.edges if graph.nodes[e.head].title == "concatenate"}
    assert into == {"exp": "4×8 f32  (first round)", "x": "", "tanh": "4×8 f32"}
    with viz.trace() as t:  # side by side, each reads something of its own
        [cell(ops.concatenate([ops.exp(x), ops.ones((4, 8))], axis=1)) for _ in range(6)]
    assert not [e for e in t.draw().graph.edges if "first round" in e.label]
    net = ef.Sequential([layers.Input((8,)), layers.Dense(8), *[layers.Dense(8, "tanh") for _ in range(4)]])
    with viz.trace() as t:  # a stack of layers is no loop
        net(np.ones((4, 8), "float32"))
    graph = t.draw().graph
    assert any("×4" in frame.title for frame in graph.clusters.values())
    assert not [e for e in graph.edges if "first round" in e.label]


def test_layers_that_are_each_called_once_have_no_arrow_back():
    model, x = ef.Sequential([layers.Dense(8, activation="tanh") for _ in range(4)]), ops.ones((4, 8))
    assert ("tanh", "dense") not in arrows(lambda: model(x))


def test_a_first_block_that_gives_no_gradient_to_the_input_stands_for_no_other():
    """Else the others' gradients through their shortcuts were missing, and the one that leaves them."""
    x = layers.Input((8,))
    h = layers.Dense(8, name="first")(x)
    h = layers.Add()([h, x])
    for i in range(3):
        h = layers.Add()([layers.Dense(8, name=f"dense_{i}")(h), h])
    drawn = of_training(ef.Model(x, h))
    assert {("∇ add", "∇ dense", "gradient"), ("∇ add", "∇ add", "gradient")} <= drawn


# ---------------------------------------------------------------------- two large blocks


class Block(layers.Layer):
    """Of `width` denses with a normalization each, and a shortcut."""

    def __init__(self, width: int = 2, name: str | None = None) -> None:
        super().__init__(name=name)
        self.inner = [(layers.Dense(8, activation="relu"), layers.LayerNormalization()) for _ in range(width)]

    def call(self, x):
        y = x
        for dense, normal in self.inner:
            y = normal(dense(y))
        return ops.tanh(y) + x


def blocks(count, width=2):
    return frames(
        ef.Sequential([layers.Dense(8), *[Block(width, f"block_{i}") for i in range(count)], layers.Dense(2)])
    )


def test_two_large_blocks_one_behind_the_other_are_drawn_once():
    assert blocks(2) == ["block_0, block_1  ×2"]
    assert blocks(2, width=1) == []  # six boxes each
    assert len(blocks(3, width=1)) == 1


def test_two_calls_of_a_large_layer_and_two_side_by_side_are_drawn_apart():
    block, others = Block(), [Block(), Block()]
    x = layers.Input((8,))
    assert frames(ef.Model(x, block(block(x)))) == []
    assert frames(ef.Model(x, layers.Add()([other(x) for other in others]))) == []


# ---------------------------------------------------------------------- parameters in what is drawn once


def drawn_once(*blocks):
    """A recording of these blocks, one after the other, and what its picture says of each frame's weights."""
    x = y = layers.Input((8,))
    for block in blocks:
        y = block(y)
    model = ef.Model(x, y)
    with viz.trace() as t:
        model(np.ones((4, 8), "float32"))
    frames = [frame.subtitle for frame in t.draw().graph.clusters.values()][1:]
    return t, [int(said.split(" parameters")[0].split()[-1]) for said in frames if " parameters" in said]


def folded_on_the_page(t):
    """Of each block that the page draws once: its parameters, and those of the layers right in it."""
    written = page.data(t)
    ((_, view),) = written["views"]
    blocks = view["tree"]["blocks"]

    def inner(n):
        for child in [-blocks["folded"][n]] if blocks["folded"][n] else blocks["children"][n]:
            if child < 0:
                yield from inner(-child) if blocks["scope"][-child] is None else [blocks["params"][-child]]

    return [
        (blocks["params"][-n], [*inner(-n)]) for n in map(int.__neg__, blocks["folded"]) if n and blocks["scope"][-n]
    ]


def test_parameters_in_blocks_that_are_drawn_once_add_up_to_those_of_all():
    t, (whole, *inner) = drawn_once(Block(), Block(), Block())
    assert whole == sum(inner) == 3 * 2 * (8 * 8 + 8 + 2 * 8)
    assert folded_on_the_page(t) == [(whole, inner)]


# ---------------------------------------------------------------------- how many tensors an arrow stands for


def labels(t, **options):
    """Of each arrow the titles of its boxes, and what it says."""
    graph = t.draw(**options).graph
    return {(graph.nodes[edge.tail].title, graph.nodes[edge.head].title, edge.label) for edge in graph.edges}


def test_an_arrow_from_boxes_side_by_side_says_how_many_tensors_it_stands_for():
    model = experts()
    with viz.trace() as t:
        model(np.ones((4, 8), "float32"))
    assert ("dense", "concatenate", "4×8 f32  ×4") in labels(t, view="forward")
    apart = labels(t, view="forward", collapse_repeats=False)
    assert not [label for *_, label in apart if "  ×" in label]


# ---------------------------------------------------------------------- numbers beside a tensor


def test_a_box_says_how_a_number_stands_beside_its_tensor():
    x = ef.Tensor(np.ones((2, 3), "float32"))
    with viz.trace() as t:
        for made in (1 - x, x - 1, x + 1e-6, 0.5 * x, x**2, ops.maximum(x, 0.0), x > 0.25, x / 3.0):
            del made
        x + x, x @ ops.transpose(x)
    boxes = [node.lines[0] for node in t.draw(collapse_repeats=False).graph.nodes.values() if node.kind == "op"]
    told = ["1 - x", "x - 1", "x + 1e-06", "0.5 * x", "x ** 2", "maximum(x, 0)", "x > 0.25", "x / 3"]
    assert boxes[:9] == [*told, "x + x"]  # one arrow stands for both
    assert not any("x" in line.split() for line in boxes[9:])


def test_equal_boxes_with_other_numbers_say_the_first_and_the_last():
    x = ef.Tensor(np.ones((2, 3), "float32"))
    with viz.trace() as t:
        for factor in (2.0, 3.0, 4.0):
            x = x * factor
    assert [n.lines[0] for n in t.draw().graph.nodes.values() if n.kind == "op"] == ["x * 2 … x * 4"]
