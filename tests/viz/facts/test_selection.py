"""Which step is shown where none is named, and what steps are called."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz.facts.digest.picked_step import pick_step
from viz.facts.selection import Selection, calls_around, step_names, steps_text
from viz.page.data import data


def model():
    found = ef.Sequential([layers.Dense(2), layers.Dense(1)])
    found.compile("sgd", "mse")
    return found


@pytest.fixture(scope="module")
def fitted():
    """Training batches of 4, 4 and 2 rows, and one of 3 rows for the validation."""
    x = np.ones((13, 3), "float32")
    with viz.trace() as t:
        model().fit(x[:10], x[:10, :1], batch_size=4, verbose=0, validation_data=(x[10:], x[10:, :1]))
    return t


def test_neither_the_rest_of_an_epoch_nor_its_validation_is_shown(fitted):
    assert pick_step(fitted) == 1
    assert fitted.draw().graph.caption.startswith("step 1 of 0–3 (training)  ·  ")
    assert data(fitted)["step"] == 1
    assert "4×2" in fitted.summary()


def test_the_kinds_of_steps_are_counted_apart(fitted):
    assert steps_text(fitted) == "4 steps (3 training, 1 evaluation)"
    assert "4 steps (3 training, 1 evaluation)" in fitted.summary()
    assert step_names(fitted)[-1] == "step 3 of 0–3 (evaluation)"
    assert data(fitted)["step_kinds"] == [("training", 3), ("evaluation", 1)]


def test_a_step_of_training_behind_an_evaluation_has_its_number_among_those_of_training_too():
    x = np.ones((4, 3), "float32")
    with viz.trace() as t:
        model().fit(
            x, x[:, :1], batch_size=2, epochs=2, verbose=0, validation_data=(x, x[:, :1]), validation_batch_size=4
        )
    names = ["0", "1", "2 e", "3 2", "4 3", "5 e"]
    kinds = {"": "training", "e": "evaluation"}
    wanted = [
        (number, kinds.get(other, f"training step {other}")) for number, _, other in (n.partition(" ") for n in names)
    ]
    assert step_names(t) == [f"step {number} of 0–5 ({kind})" for number, kind in wanted]


def test_a_step_that_failed_is_not_shown():
    fitting = model()
    with viz.trace() as t:
        fitting.train_on_batch(np.ones((2, 3)), np.ones((2, 1)))
        with pytest.raises(ValueError):
            fitting.train_on_batch(np.ones((2, 4)), np.ones((2, 1)))
    assert len(t.steps) == 2
    assert pick_step(t) == 0


class Noisy(layers.Layer):
    """Draws in the midst of other ops."""

    def __init__(self):
        super().__init__()
        self.seeds = ef.random.SeedGenerator(1)

    def call(self, x):
        return ef.ops.exp(x) * ef.random.normal((2, 3), seed=self.seeds)


def test_a_seed_belongs_to_the_op_that_draws_with_it():
    layer = Noisy()
    with viz.trace() as t:
        layer(ef.ops.ones((2, 3)))
    chosen = Selection(t, None, backward=True)
    (draw,) = [op.id for op in t.ops if op.name == "random_normal"]
    (moved,) = [op.id for op in t.ops if op.name == "assign"]
    assert chosen.riders_of == {draw: [moved]}
    assert [t.tensors[i].name.split("/")[-1] for i in chosen.weights_of[draw]] == ["seed_generator_state"]


def test_moving_averages_belong_to_the_op_before_them():
    layer = layers.BatchNormalization()
    with viz.trace() as t:
        layer(ef.ops.ones((2, 3)), training=True)
    hosts = [t.ops[host].name for host in Selection(t, None, backward=True).riders_of]
    assert len(hosts) == 1
    assert "norm" in hosts[0]


def test_a_target_is_shown_where_probabilities_are_compared_with_it():
    model = ef.Sequential([layers.Input((4,)), layers.Dense(3, "softmax"), layers.Lambda(lambda t: t * 1.0)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with viz.trace() as t:
        model.train_on_batch(np.ones((2, 4), "float32"), np.array([0, 2]))
    graph = t.draw().graph
    (target,) = [node.id for node in graph.nodes.values() if node.title == "target"]
    (read,) = [edge.head for edge in graph.edges if edge.tail == target]
    assert graph.nodes[read].title == "of_class"


def test_calls_are_known_by_the_outermost_of_them_and_by_what_it_was_given(fitted):
    around, given = calls_around(fitted)
    calls = [scope for scope in fitted.scopes if scope.kind == "model"]
    dense = [scope for scope in fitted.scopes if scope.kind == "layer"]
    assert {around[scope.id] for scope in dense} == {scope.id for scope in calls}
    assert [around[scope.id] for scope in calls] == [scope.id for scope in calls]
    assert {around[step.scope] for step in fitted.steps} == {None}
    assert given == {i for scope in calls for i in scope.inputs}


def test_the_state_of_a_generator_belongs_to_what_draws_in_its_line():
    """In a functional model, ops of other lines run between the two."""

    class Sampling(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seed = ef.random.SeedGenerator(1)

        def call(self, mean, scale):
            noise = ef.random.normal(ops.shape(mean), seed=self.seed)
            return mean + ops.exp(0.5 * scale) * noise

    given = layers.Input((4,))
    net = ef.Model(given, Sampling()(layers.Dense(2)(given), layers.Dense(2)(given)))
    net(np.ones((3, 4), "float32"))
    with viz.trace() as t:
        net(np.ones((3, 4), "float32"))
    graph = t.draw().graph
    readers = {graph.nodes[e.head].title for e in graph.edges if "seed" in graph.nodes[e.tail].title}
    assert readers == {"noise"}
