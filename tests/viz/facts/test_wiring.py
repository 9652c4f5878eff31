"""Equal parts are drawn once only where one drawing is true of all: where they are connected alike."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz.picture.box_texts import AGAIN


def frames(run, *given):
    """The titles of folded frames in the picture of what a function did."""
    with viz.trace() as t:
        run(*given)
    return [frame.title for frame in t.draw().graph.clusters.values() if "×" in frame.title or "call" in frame.title]


def dense(name):
    return layers.Dense(4, name=name)


def tensors(count):
    return [ops.ones((2, 4)) for _ in range(count)]


def test_a_call_that_reads_something_else_is_no_part_of_the_chain():
    same, x = dense("same"), ops.ones((2, 4))
    assert frames(lambda: same(same(same(x))) + same(x)) == ["same  ×3", "same (call 4)"]


def test_a_chain_ends_where_something_reads_only_some_of_its_parts():
    same, x = dense("same"), ops.ones((2, 4))

    def run():
        second = same(same(x))
        return ops.multiply(second, same(second))

    assert frames(run) == ["same (call 2)", "same (call 3)"]


def test_a_chain_may_read_the_same_at_each_step_or_one_thing_after_the_other():
    same, x, steps = layers.Dense(4, name="same"), ops.ones((2, 4)), tensors(4)

    def alike(h):
        for _ in range(4):
            h = same(ops.multiply(x, h))

    def recurrent(h, given):
        for step in ops.unstack(given):
            h = same(ops.multiply(step, h))

    assert frames(alike, x) == ["round with same  ×4"]
    assert frames(recurrent, x, ops.stack(steps)) == ["round with same  ×4"]


def test_towers_whose_results_come_together_are_side_by_side():
    towers, flat = [dense(f"tower_{i}") for i in range(3)], [layers.ReLU(name=f"relu_{i}") for i in range(3)]
    start = dense("start")

    def run(x):
        parts = [tower(part) for tower, part in zip(towers, [ops.exp(x), ops.tanh(x), ops.sin(x)])]
        return ops.concatenate([f(part) for f, part in zip(flat, parts)])

    found = frames(run, start(ops.ones((2, 4))))
    assert found == ["tower_0 … tower_2  ×3, side by side", "relu_0 … relu_2  ×3, side by side"]


def rollout(policy, observations, end):
    """A policy that is called in a loop, each time with an observation of its own; then all answers come together."""
    policy(observations[0])
    with viz.trace() as t, ef.GradientTape() as tape:
        answers = [ops.log_softmax(policy(each))[0, 1] for each in observations]
        tape.gradient(end(answers), policy.trainable_weights)
    return t.draw().graph


def games(count):
    return [ef.Tensor(np.full((1, 4), i, "float32")) for i in range(count)]


@pytest.mark.parametrize("end", [lambda found: ops.sum(ops.stack(found)), sum], ids=["stacked", "summed"])
def test_calls_of_one_line_with_inputs_of_their_own_are_one(end):
    drawn = rollout(ef.Sequential([dense("first"), dense("second")], name="policy"), games(5), end)
    assert [node.title for node in drawn.nodes.values() if node.kind == "input"] == ["each  ×5"]
    assert "part with policy  ×5, side by side" in [frame.title for frame in drawn.clusters.values()]


def test_two_networks_of_one_loop_are_named_once():
    actor, critic, given = dense("actor"), dense("critic"), games(4)
    critic(actor(given[0]))

    def run():
        pairs = []
        for each in given:
            pairs.append((actor(each), critic(each)))
        return [ops.stack(found) for found in zip(*pairs)]

    assert frames(run) == ["actor, critic  ×4, side by side"]


def test_parts_in_a_folded_part_are_folded_like_those_in_the_others():
    class Block(layers.Layer):
        def __init__(self, name):
            super().__init__(name=name)
            self.heads = [layers.Dense(4, name=f"head_{i}") for i in range(3)]

        def call(self, x):
            return x + ops.concatenate([head(x) for head in self.heads])[:2]

    blocks = [Block(f"block_{i}") for i in range(3)]

    def run(x):
        for block in blocks:
            x = block(x)

    assert frames(run, ops.ones((2, 4))) == ["block_0 … block_2  ×3", "head_0 … head_2  ×3, side by side"]


def test_equal_parts_of_which_some_read_something_else_are_drawn_apart():
    """The query of an attention from one layer, key and value from another: one box couldn't tell which is which."""
    attention = layers.MultiHeadAttention(2, 2, name="attention")
    first, second = dense("first"), dense("second")

    def cross(x):
        return attention(first(x), second(x))

    x = ops.ones((2, 3, 4))
    assert frames(cross, x) == []
    h = first(x)
    assert frames(lambda: attention(h, h)) == ["query … value  ×3, side by side"]


def test_rounds_come_together_after_many_ops_too():
    """As in an actor-critic, where each value goes through a whole loss before all are summed."""
    net = dense("net")
    net(ops.ones((1, 4)))

    def run():
        values = [ops.mean(net(np.full((1, 4), i, "float32"))) for i in range(5)]
        losses = []
        for value in values:
            for op in (ops.exp, ops.tanh, ops.exp, ops.tanh, ops.exp, ops.tanh, ops.exp, ops.tanh, ops.exp, ops.tanh):
                value = op(value)
            losses.append(value)
        return sum(losses)

    assert frames(run)[0] == "part with net  ×5, side by side"


@pytest.mark.parametrize("start", [0, 0.0])
def test_a_sum_that_begins_with_zero_belongs_to_each_round(start):
    """The first round adds to a number, the others to the total: as in `loss = 0` before a loop, or Python's `sum`."""
    net = dense("net")
    net(ops.ones((1, 4)))

    def run():
        total = start
        for i in range(4):
            total = total + ops.mean(net(np.full((1, 4), i, "float32")))
        return total

    assert frames(run) == ["round with net  ×4"]


def test_a_box_says_where_it_reads_its_own_result_of_the_round_before():
    """No arrow shows it. An op that reads another one's has an arrow, and a cast beside it is no round."""
    values = [ops.ones(()) * i for i in range(5)]
    with viz.trace() as t:
        total = sum(values)
        for _ in range(4):
            total = ops.tanh(ops.cast(ops.cast(total, "float16"), "float32"))
            total = ops.negative(total)
    nodes = [node for node in t.draw().graph.nodes.values() if node.kind == "op"]
    assert [node.title for node in nodes if AGAIN in node.lines] == ["add"]


class Decoder(ef.Model):
    """A cell in a loop, and a layer that sees only what the cell made."""

    def __init__(self):
        super().__init__()
        self.cell, self.out = layers.GRUCell(8, name="cell"), layers.Dense(3, name="out")

    def call(self, x):
        state, made = ops.zeros((4, 8)), []
        for i in range(5):
            seen, (state,) = self.cell(x[:, i], [state])
            made.append(ops.tanh(self.out(seen)))
        return ops.stack(made, 1)


@pytest.mark.parametrize("view", ["both", "backward", "layers"])
def test_a_closed_layer_says_where_it_reads_its_own_result_of_the_round_before_and_so_does_its_gradient(view):
    """But what only sums the gradients of its weights over the rounds, as each layer in a loop does, doesn't."""
    model = Decoder()
    model.compile("adam", "mse")
    x, y = np.ones((4, 5, 6), "float32"), np.ones((4, 5, 3), "float32")
    model.train_on_batch(x, y)
    with viz.trace() as t:
        model.train_on_batch(x, y)
    for depth in (None, 1):
        nodes = t.draw(view=view, depth=depth).graph.nodes.values()
        told = {node.title.partition(" (")[0] for node in nodes if AGAIN in node.lines}
        assert told == {"both": {"cell", "∇ cell"}, "backward": {"∇ cell"}, "layers": {"cell"}}[view]
