"""A framework that viz has never seen is recorded, drawn and judged by what the contract asks of it, and no more."""

from __future__ import annotations

import itertools
from time import perf_counter_ns as clock

import numpy
import pytest

import viz
from eagerflow.core.observe import Scope, current
from viz.facts.flops import flops
from viz.frameworks import contract, objects, owners

number = itertools.count(1 << 50).__next__


class Weight(contract.Variable):
    """A matrix of the toy framework's, in NumPy's memory."""

    __slots__ = ("identity", "path")
    trainable, frozen = True, False

    def __init__(self, path, values):
        self.path, self.identity = path, number()
        super().__init__(numpy.asarray(values, "float32"), self.identity)


def op(name, means, arrays):
    made = contract.Op()
    made.name, made.means, made.arrays = name, means, arrays
    made.moves, made.settings, made.fused = False, (), ()
    return made


class Linear(contract.Owner):
    name = path = "linear"
    role, is_library = "dense", True


DOT, SQUARES = op("dot", "matmul", ("x", "w")), op("squares", "square", ("x",))


def tell(event, *about):
    for observer in current():
        getattr(observer, event)(*about)


def run(kind, *inputs, compute):
    started = clock()
    made = contract.Tensor(compute(*[x.data for x in inputs]), number())
    tell("on_op", kind, inputs, (), made, started, clock(), None)
    return made


def train(weight, x, rate=0.1):
    """A step: the loss is the sum of the squares of x @ weight."""
    scope = Scope("model", "linear", Linear(), (x,))
    tell("on_scope_begin", scope)
    y = run(DOT, x, weight, compute=numpy.matmul)
    tell("on_scope_end", scope, y, None)
    loss = run(SQUARES, y, compute=lambda values: (values**2).sum())
    backward = Scope("backward", "backward", None, (loss,))
    tell("on_scope_begin", backward)
    of_y = 2 * y.data
    tell("on_rule", SQUARES, (loss.key,), (y.key,), (numpy.float32(1),), (of_y,), clock(), clock(), None)
    of_weight = x.data.T @ of_y
    tell("on_rule", DOT, (y.key,), (weight.key,), (of_y,), (of_weight,), clock(), clock(), None)
    gradient = contract.Tensor(of_weight, None)
    tell("on_gradient", (loss,), [weight], [gradient])
    tell("on_scope_end", backward, None, None)
    started = clock()
    weight.data -= rate * of_weight
    tell("on_updates", "sgd_update", [(weight, (gradient,), started, clock())])
    return loss


@pytest.fixture(scope="module")
def recording():
    weight = Weight("linear/w", [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    x = contract.Tensor(numpy.ones((4, 3), "float32"), None)
    with viz.trace() as found:
        train(weight, x)
    return found


def test_ops_have_the_names_of_the_framework_and_what_they_mean(recording):
    assert [(each.name, each.means, each.phase) for each in recording.ops] == [
        ("dot", "matmul", "forward"),
        ("squares", "square", "forward"),
        ("squares", "square", "backward"),
        ("dot", "matmul", "backward"),
        ("sgd_update", "sgd_update", "update"),
    ]
    dot, *_, derived, _ = recording.ops
    assert (derived.forward, recording.scopes[dot.scope].name) == (dot.id, "linear")
    weight = recording.tensors[dot.inputs[1]]
    assert (weight.name, weight.role, weight.shape) == ("linear/w", "parameter", (3, 2))


def test_figures_go_by_what_an_op_means(recording):
    assert flops(recording, recording.ops[0]) == 2 * 4 * 3 * 2  # of a matrix product
    assert "dot" in recording.top()


def test_a_file_keeps_what_ops_mean(recording, tmp_path):
    recording.save(tmp_path / "toy.efz")
    assert [each.means for each in viz.load(tmp_path / "toy.efz").ops] == [each.means for each in recording.ops]


def test_it_is_drawn(recording):
    drawn = recording.draw().svg
    assert all(word in drawn for word in ("linear", "dot", "squares", "sgd"))


def test_the_first_value_that_is_no_number_is_found():
    weight = Weight("linear/w", [[1.0], [numpy.inf]])
    x = contract.Tensor(numpy.ones((1, 2), "float32"), None)
    with pytest.raises(viz.NonfiniteError, match="dot"), viz.trace(on_nonfinite="raise"):
        train(weight, x)


def test_objects_are_told_apart_by_the_contract():
    weight, x = Weight("w", [1.0]), contract.Tensor(numpy.ones(2), None)
    assert objects.is_tensor(x)
    assert objects.is_tensor(weight)
    assert objects.is_variable(weight)
    assert not objects.is_variable(x)
    assert not objects.is_tensor(x.data)
    assert objects.key_of(weight) == weight.identity
    assert (owners.layer_role(Linear()), owners.is_library(Linear())) == ("dense", True)
