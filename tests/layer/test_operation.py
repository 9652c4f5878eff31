"""Operations: computations without weights, in graphs and outside."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers as L


@ef.saving.register_keras_serializable("tests")
class Times(ef.Operation):
    def __init__(self, by=2, name=None):
        super().__init__(name)
        self.by = by

    def call(self, x):
        return self.by * x


class Told(ef.Operation):
    def call(self, x):
        raise AssertionError("shapes are told, so nothing runs")

    def compute_output_spec(self, x):
        return ef.KerasTensor((*x.shape, 7), "int32")


def test_operations():
    assert Times(3)(ef.Tensor([1.0, 2.0])).tolist() == [3.0, 6.0]
    with pytest.raises(NotImplementedError, match=r"Operation needs a method call"):
        ef.Operation()(ef.Tensor(1.0))
    x = ef.Input((3,))
    assert Times().compute_output_spec(x).shape == (None, 3)
    assert (Told()(x).shape, Told()(x).dtype) == ((None, 3, 7), "int32")
    assert isinstance(L.Dense(1), ef.Operation)
    assert issubclass(ef.Model, ef.Operation)


def test_an_operation_in_a_model():
    x = ef.Input((3,))
    times = Times(3, name="triple")
    model = ef.Model(x, times(L.Dense(4)(x)))
    data = np.ones((2, 3), "float32")
    expected = model(data).numpy()
    assert [operation.name for operation in model.operations][-1] == "triple"
    assert times.output.shape == (None, 4)
    again = ef.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    for same in (again, copy.deepcopy(model)):
        assert (same(data).numpy() == expected).all()
    lines = []
    model.summary(print_fn=lines.append)
    assert "triple (Times)" in lines[0]


@pytest.mark.parametrize("make", [Times, lambda: L.Dense(2)], ids=["operation", "layer"])
def test_a_symbolic_call_is_noted_in_the_graph(make):
    x, operation = ef.Input((3,)), make()
    y = operation.symbolic_call(x)
    assert operation.input is x
    assert ef.Model(x, y)(np.ones((1, 3))).shape == (1, y.shape[1])
    with pytest.raises(TypeError, match="expected what Input gives, or was made from it; got float32"):
        operation.symbolic_call(ef.ops.ones((1, 3)))
