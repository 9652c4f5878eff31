"""What has no name in the user's code is called as the signature has it of the loss or layer that it is given to."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, losses, metrics


def numbers(*shape):
    return ef.Tensor(np.full(shape, 0.5, "float32"))


def called(call, *args, **kwargs):
    """The boxes of what comes from outside, in the order in which it was given, by their shapes."""
    with viz.trace() as t:
        call(*args, **kwargs)
    return {node.title: node.lines[0] for node in t.draw().graph.nodes.values() if node.kind == "input"}


def test_a_loss_tells_targets_from_predictions():
    found = called(losses.Tversky(), *[numbers(2, 3), numbers(2, 3)])
    assert set(found) == {"y_true", "y_pred"}


class Own(losses.Loss):
    def call(self, wanted, answer):
        return ef.ops.abs(wanted - answer)


def test_names_of_a_loss_of_ones_own_are_its_own():
    assert set(called(Own(), *[numbers(2, 3), numbers(2, 3)])) == {"wanted", "answer"}


def test_a_metric_by_itself_has_them_too():
    found = called(metrics.MeanAbsoluteError().update_state, *[numbers(2, 3), numbers(2, 3)])
    assert set(found) == {"y_true", "y_pred"}


def test_beside_the_answers_of_a_model_it_is_still_the_target():
    model = ef.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"])
    with viz.trace() as t:
        model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    titles = [node.title for node in t.draw().graph.nodes.values() if node.kind == "input"]
    assert sorted(titles) == ["input", "target"]


def test_names_in_the_users_code_come_first():
    truth, guess = numbers(2, 3), numbers(2, 3)
    with viz.trace() as t:
        losses.Tversky()(truth, guess)
    assert {node.title for node in t.draw().graph.nodes.values() if node.kind == "input"} == {"truth", "guess"}


def test_a_layer_that_needs_several_tensors_names_them():
    found = called(layers.MultiHeadAttention(2, 3), *[numbers(2, 5, 3), numbers(2, 4, 3)])
    assert found == {"query": "2×5×3 f32", "value": "2×4×3 f32"}


def test_where_more_was_given_than_is_needed_nothing_is_guessed():
    given = [numbers(2, 5, 3), numbers(2, 4, 3), numbers(2, 4, 3)]
    assert set(called(layers.MultiHeadAttention(2, 3), *given)) == {"input"}


def test_what_is_given_twice_has_one_name_or_none():
    x = numbers(2, 5, 3)
    assert set(called(layers.MultiHeadAttention(2, 3), *[x, x])) == {"input"}


@pytest.mark.parametrize("given", [[numbers(2, 3)], [[numbers(2, 3), numbers(2, 3)]]])
def test_a_single_parameter_tells_nothing(given):
    layer = layers.Add() if isinstance(given[0], list) else layers.Dense(2)
    assert set(called(layer, *given)) == {"input"}


def test_labels_that_a_metric_of_a_loop_of_ones_own_is_given_have_their_name():
    """It makes an array of its own of them."""
    metric, yb = ef.metrics.SparseCategoricalAccuracy(), np.array([0, 2, 1], "uint8")
    logits = ef.Tensor(np.eye(3, dtype="float32"))
    with viz.trace() as t:
        metric.update_state(yb, ef.ops.exp(logits))
    assert "yb" in {node.title for node in t.draw().graph.nodes.values() if node.kind == "input"}
    assert "input" not in {node.title for node in t.draw().graph.nodes.values()}
