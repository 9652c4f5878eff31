"""Whatever is changed between two updates counts, and packed variables get the bits that they get by themselves."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow.optimizers.updates import passes

SHAPES = ((4, 3), (3,), (3, 2))


def variables():
    rng = np.random.default_rng(1)
    return [ef.Variable(rng.normal(size=shape).astype("float32")) for shape in SHAPES]


def gradients(step, scale=1.0):
    rng = np.random.default_rng(step)
    return [ef.Tensor((rng.normal(size=shape) * scale).astype("float32")) for shape in SHAPES]


def freeze(optimizer, weights):
    weights[1].constraint = ef.constraints.NonNeg()


def reverse(optimizer, weights):
    weights.reverse()


CHANGES = {
    "nothing": lambda optimizer, weights: None,
    "rate": lambda optimizer, weights: setattr(optimizer, "learning_rate", 0.5),
    "clipnorm": lambda optimizer, weights: setattr(optimizer, "clipnorm", 0.1),
    "global_clipnorm": lambda optimizer, weights: setattr(optimizer, "global_clipnorm", 0.1),
    "clipvalue": lambda optimizer, weights: setattr(optimizer, "clipvalue", 0.1),
    "weight_decay": lambda optimizer, weights: setattr(optimizer, "weight_decay", 0.1),
    "loss scale": lambda optimizer, weights: setattr(optimizer, "loss_scale_factor", 8.0),
    "epsilon": lambda optimizer, weights: setattr(optimizer, "epsilon", 0.5),
    "constraint": freeze,
    "overwritten": lambda optimizer, weights: setattr(weights[0], "overwrite_with_gradient", True),
    "values": lambda optimizer, weights: weights[0].assign(weights[0] * 2.0),
    "fewer": lambda optimizer, weights: weights.pop(),
    "order": reverse,
}


def trained(name, change, monkeypatch=None):
    """What is left after six updates, with a change before the fourth one."""
    if monkeypatch is not None:
        monkeypatch.setattr(passes, "packable", lambda entry: False)
    weights = variables()
    kept = list(weights)
    optimizer = getattr(ef.optimizers, name)(0.1)
    for step in range(6):
        if step == 3:
            CHANGES[change](optimizer, weights)
        by_shape = {g.shape: g for g in gradients(step)}
        optimizer.apply([by_shape[w.shape] for w in weights], weights)
    return [v.numpy().tobytes() for v in (*kept, *optimizer.variables)]


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "Nadam"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_between_two_updates_counts(name, change, monkeypatch):
    packed = trained(name, change)
    assert packed == trained(name, change, monkeypatch)


def test_gradients_of_another_shape_are_refused_as_before():
    weights, optimizer = variables(), ef.optimizers.SGD(0.1)
    for step in range(3):
        optimizer.apply(gradients(step), weights)
    wrong = [ef.Tensor(np.ones(3, "float32")), *gradients(4)[1:]]
    before = [w.numpy() for w in weights]
    with pytest.raises(ValueError, match=r"the gradient of .* has shape"):
        optimizer.apply(wrong, weights)
    assert [w.numpy().tolist() for w in weights] == [each.tolist() for each in before]


def test_a_class_whose_step_was_replaced_takes_the_new_one():
    class Mine(ef.optimizers.SGD):
        pass

    weights, optimizer = variables(), Mine(0.1)
    for step in range(3):
        optimizer.apply(gradients(step), weights)
    Mine.update_step = lambda self, gradient, variable, learning_rate: variable.assign(gradient)
    given = gradients(7)
    optimizer.apply(given, weights)
    assert [w.numpy().tolist() for w in weights] == [g.numpy().tolist() for g in given]


def test_a_copy_of_an_optimizer_and_its_variables_goes_its_own_way():
    weights, optimizer = variables(), ef.optimizers.Adam(0.1)
    for step in range(3):
        optimizer.apply(gradients(step), weights)
    others, other = copy.deepcopy((weights, optimizer))
    before = [w.numpy().tolist() for w in weights]
    other.apply(gradients(5), others)
    assert [w.numpy().tolist() for w in weights] == before
    optimizer.apply(gradients(5), weights)
    assert [w.numpy().tolist() for w in weights] == [w.numpy().tolist() for w in others]


def test_a_recording_sees_an_update_after_others_that_it_did_not_hear():
    weights, optimizer = variables(), ef.optimizers.SGD(0.1)
    for step in range(3):
        optimizer.apply(gradients(step), weights)
    with viz.trace() as t:
        optimizer.apply(gradients(4), weights)
    assert sum(op.name == "sgd_update" for op in t.ops) == 3
