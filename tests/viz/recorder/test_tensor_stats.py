from __future__ import annotations

import math

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz.facts.derived_stats import is_measured
from viz.recorder.tensor_stats import BINS, measure, norm_alone, sum_of_squares


def test_basic_numbers():
    found = measure(np.array([[1.0, 2.0], [3.0, 6.0]], "float32"), "basic")
    assert (found.min, found.max, found.mean) == (1.0, 6.0, pytest.approx(3.0))
    assert found.std == pytest.approx(np.std([1, 2, 3, 6]))
    assert (found.nan, found.inf, found.l2, found.zeros, found.histogram, found.preview) == (0, 0, None, None, (), ())


def test_full_numbers():
    found = measure(np.array([0.0, 0.0, 3.0, 4.0]), "full")
    assert (found.l2, found.zeros, found.preview) == (pytest.approx(5.0), 2, (0.0, 0.0, 3.0, 4.0))
    assert len(found.histogram) == BINS
    assert (found.histogram[0], found.histogram[-1], sum(found.histogram)) == (2, 1, 4)


@pytest.mark.filterwarnings("error")
def test_non_finite_elements_are_counted_and_left_out():
    found = measure(np.array([np.nan, np.inf, -np.inf, 1.0, 3.0], "float32"), "full")
    assert (found.nan, found.inf, found.min, found.max, found.mean) == (1, 2, 1.0, 3.0, 2.0)
    empty = measure(np.array([np.nan], "float32"), "full")
    assert (empty.nan, empty.min, empty.histogram) == (1, None, ())


@pytest.mark.parametrize(
    "values",
    [
        np.array(True),
        np.float32(2),
        np.arange(5),
        np.array([3], "uint8"),
        np.ones(2, "float16"),
        np.array([1.7e308, -1.7e308]),
    ],
)
def test_kinds_of_arrays(values):
    found = measure(values, "full")
    assert found.max == float(np.max(values))
    assert sum(found.histogram) == values.size
    assert np.isfinite(found.std)


def test_nothing_to_measure():
    assert measure(np.zeros((0, 3)), "full") is None
    assert measure(np.array(["a"]), "full") is None
    assert measure(np.array([1j]), "full") is None


def test_a_trace_measures_inputs_activations_and_gradients(steps):
    for op in steps.ops:
        for i in (*op.inputs, *op.outputs):
            info = steps.tensors[i]
            if info.dtype == "float32" and not info.version:
                assert info.stats is not None
    assert all(tensor.stats is None for tensor in _trace("none").tensors)
    assert _trace("basic").tensors[-1].stats.preview == ()


@pytest.mark.parametrize("units", [3, 2000])
def test_of_an_updated_weight_the_norm_is_taken(units):
    model = ef.Sequential([ef.Input((4,)), layers.Dense(units)])
    model.compile("adam", "mse")
    with viz.trace(stats="basic") as t:
        model.fit(np.ones((6, 4)), np.ones((6, units)), batch_size=2, verbose=0)
    updated = [tensor for tensor in t.tensors if tensor.version]
    latest = {tensor.name: tensor for tensor in updated if tensor.role == "parameter"}
    for weight in model.trainable_variables:
        (found,) = [tensor for name, tensor in latest.items() if name.endswith(weight.path)]
        assert found.stats.l2 == pytest.approx(np.linalg.norm(weight.numpy()), rel=1e-4)
        assert found.stats.min is None
        assert not is_measured(found)
    assert all(tensor.stats is None for tensor in updated if tensor.role != "parameter")


def test_a_norm_that_is_no_number_is_none():
    assert norm_alone(np.ones(3, "int32")) is None
    assert norm_alone(np.full(3, 1e30, "float32")) is None
    assert norm_alone(np.full((2, 2), 200, "float16")).l2 == 400.0


def _trace(stats):
    with viz.trace(stats=stats) as t:
        ops.tanh(ef.Tensor([1.0, 2.0]))
    return t


@pytest.mark.parametrize("size", [4, 20_000])
@pytest.mark.filterwarnings("error")
def test_sums_beyond_floats_are_infinite_without_a_warning(size):
    assert sum_of_squares(np.full(size, 1e30, "float32")) == math.inf
    assert sum_of_squares(np.full(size, 1e300)) == math.inf


def test_arrays_of_a_device_are_measured_there(device):
    values = ef.Tensor(np.linspace(-1, 1, 50, dtype="float32"))
    found, here = measure(values.data, "full"), measure(np.linspace(-1, 1, 50, dtype="float32"), "full")
    assert (found.min, found.max, found.zeros, found.histogram) == (here.min, here.max, here.zeros, here.histogram)
