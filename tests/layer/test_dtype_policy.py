"""Policies of types, by each of their homes."""

from __future__ import annotations

import copy
import sys

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import config, dtype_policies, mixed_precision


@pytest.fixture(autouse=True)
def _policy_put_back():
    yield
    config.set_dtype_policy(None)


def test_one_policy_of_several_names():
    assert ef.DTypePolicy is dtype_policies.DTypePolicy is mixed_precision.Policy
    mixed_precision.set_global_policy("mixed_float16")
    assert config.dtype_policy() == mixed_precision.global_policy() == ef.DTypePolicy("mixed_float16")
    layer = ef.layers.Dense(1)
    layer.build((None, 2))
    assert (layer.compute_dtype, layer.kernel.dtype.name) == ("float16", "float32")


@pytest.mark.parametrize("policy", [ef.DTypePolicy("mixed_float16"), ef.FloatDTypePolicy("float64")])
def test_policies_are_written_and_read(policy):
    described = dtype_policies.serialize(policy)
    assert described == {
        "module": "keras",
        "class_name": type(policy).__name__,
        "config": {"name": policy.name},
        "registered_name": None,
    }
    assert dtype_policies.deserialize(described) == dtype_policies.get(described) == policy
    assert ef.layers.Dense.from_config({"units": 1, "dtype": described}).dtype_policy == policy


def test_policies_by_name():
    assert dtype_policies.get("float16") == ef.DTypePolicy("float16")
    assert dtype_policies.get(None) is not None
    with pytest.raises(ValueError, match="Did you mean 'mixed_float16'"):
        dtype_policies.get("mixed_float_16")


@pytest.mark.parametrize(
    ("x", "autocast", "expected"),
    [
        (np.ones(2, "float32"), True, "float16"),
        (np.ones(2, "float32"), False, "float32"),
        (np.ones(2, "int32"), True, "int32"),
        (ef.ops.ones(2), True, "float16"),
    ],
)
def test_inputs_are_converted(x, autocast, expected):
    found = ef.DTypePolicy("float16").convert_input(x, autocast, "float16")
    assert isinstance(found, ef.Tensor)
    assert found.dtype.name == expected


def test_what_is_no_array_is_left_alone():
    assert ef.DTypePolicy("float16").convert_input([1.0, 2], True, "float16") == [1.0, 2]


def test_a_policy_that_needs_a_missing_package_is_refused_when_it_is_set(monkeypatch):
    before = ef.config.dtype_policy()
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(ImportError, match=r"'eagerflow.bfloat16.' brings it. Fix: pip install 'ml_dtypes>=0"):
        ef.mixed_precision.set_global_policy("mixed_bfloat16")
    assert ef.config.dtype_policy() == before


class Reading(ef.Layer):
    """Multiplies by what it reads of its scalar weight."""

    def __init__(self, read, **kwargs):
        super().__init__(**kwargs)
        self.read = read

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(), initializer=ef.initializers.Constant(3.0))

    def call(self, x):
        return x * self.read(self.factor)


@pytest.mark.parametrize(
    "read",
    [
        float,
        int,
        copy.copy,
        copy.deepcopy,
        lambda w: 3 * bool(w),
        lambda w: complex(w).real,
        lambda w: w.item(),
        lambda w: w.tolist(),
        lambda w: float(np.from_dlpack(w)),
        lambda w: float(f"{w:.1f}"),
        lambda w: 3 * ("3." in repr(w)),
        lambda w: 3 * ("3." in w._repr_html_()),
        lambda w: 3 * ("cpu" in str(w.device).lower()),
        lambda w: w.nbytes - 1,
    ],
)
def test_a_layer_in_mixed_precision_reads_its_weights(read):
    found = Reading(read, dtype="mixed_float16")(np.ones(2, "float32"))
    assert (found.dtype.name, found.tolist()) == ("float16", [3.0, 3.0])


def test_the_array_of_a_weight_in_mixed_precision_is_refused_in_words():
    with pytest.raises(Exception, match=r"weight\.value or weight\.numpy"):
        Reading(lambda weight: weight.data, dtype="mixed_float16")(np.ones(2, "float32"))
