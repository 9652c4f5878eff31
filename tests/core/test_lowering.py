"""Kernels registered on an op answer in its place where they pay, for NumPy's arrays only."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core.lowering import install, load_kernels, lower, lower_rule, waiting
from eagerflow.core.op import apply, op
from eagerflow.core.primitive import registry
from tests.sources import ROOT


@pytest.fixture
def doubled():
    """An op of its own, which leaves the registry afterwards."""

    @op(lambda g: g * 2)
    def doubled_for_tests(xp, x, times=1):
        return x * 2 * times

    yield doubled_for_tests
    del registry["doubled_for_tests"]


def gradient(call, x):
    x = ef.Tensor(np.asarray(x, "float32"))
    with ef.GradientTape() as tape:
        tape.watch(x)
        y = call(x)
    return tape.gradient(y, x).numpy()


def test_a_kernel_computes_where_it_pays(doubled):
    lower(doubled, lambda x, times=1: x * 0, lambda x, times=1: x.size > 2)
    assert doubled([1.0, 1.0]).tolist() == [2.0, 2.0]
    assert doubled([1.0, 1.0, 1.0]).tolist() == [0.0, 0.0, 0.0]


def test_small_arrays_are_not_asked_about(doubled):
    asked = []
    lower(doubled, lambda x, times: x * 0, lambda x, times: asked.append(x.size) or True, least=3)
    assert doubled([1.0, 1.0]).tolist() == [2.0, 2.0]
    assert asked == []
    assert doubled([1.0, 1.0, 1.0]).tolist() == [0.0, 0.0, 0.0]
    assert asked == [3]


def test_a_kernel_may_decline(doubled):
    lower(doubled, lambda x, times: None)
    assert doubled([1.0], times=3).tolist() == [6.0]


def test_the_last_kernel_is_asked_first(doubled):
    lower(doubled, lambda x, times: x * 10)
    lower(doubled, lambda x, times: x * 100, lambda x, times: x.size > 1)
    assert doubled([1.0]).tolist() == [10.0]
    assert doubled([1.0, 1.0]).tolist() == [100.0, 100.0]


def test_rules_that_use_the_op_use_its_kernel(doubled):
    lower(doubled, lambda x, times=1: x * 0)
    assert apply(doubled, np, np.ones(2)).tolist() == [0.0, 0.0]


def test_other_devices_have_the_mathematics(doubled):
    def never(*args):
        raise AssertionError

    lower(doubled, never)
    lower_rule(doubled, lambda g: never())
    other = type("xp", (), {})
    assert doubled.op.forward(other, np.ones(2)).tolist() == [2.0, 2.0]
    assert doubled.op.pulls[0](other, np.ones(2), (doubled.op, 1, (0,), (None,), ()), None).tolist() == [2.0, 2.0]


def test_a_rules_kernel_computes_gradients_but_not_those_of_gradients(doubled):
    lower_rule(doubled, lambda g: g * 5, lambda g: g.size > 1)
    assert gradient(doubled, [1.0]).tolist() == [2.0]
    assert gradient(doubled, [1.0, 1.0]).tolist() == [5.0, 5.0]
    x = ef.Tensor(np.ones(2, "float32"))
    with ef.GradientTape() as outer:
        outer.watch(x)
        with ef.GradientTape() as tape:
            tape.watch(x)
            y = doubled(x)
        recorded = tape.gradient(y, x)  # by tensors, of which kernels know nothing
    assert recorded.tolist() == [2.0, 2.0]


def test_a_kernel_of_a_rule_that_asks_for_what_is_not_kept_is_refused(doubled):
    with pytest.raises(ValueError, match="asks for"):
        lower_rule(doubled, lambda g, out: g)


def test_the_signature_and_the_message_stay_those_of_the_op(doubled):
    lower(doubled, lambda x, times: x * np.ones(7))
    assert str(doubled.__signature__) == "(x, times=1)"
    with pytest.raises(ValueError, match=r"^doubled_for_tests\(.*, times=3\)"):
        doubled([1.0, 1.0], times=3)


def test_kernels_may_be_asked_for_all_sizes(doubled):
    lower(doubled, lambda x, times: x * 0, lambda x, times: True, least=100)
    install(doubled.op, least=0)
    assert doubled([1.0]).tolist() == [0.0]
    install(doubled.op)
    assert doubled([1.0]).tolist() == [2.0]


def test_every_op_with_kernels_knows_the_file_that_registers_them():
    load_kernels()
    found = {o.name: each for o in registry.values() for each in o.lowerings if each.device == "cpu"}
    assert found.keys() == waiting.keys()
    assert {each.provider for each in found.values()} == {"plain"}


def test_kernels_are_read_when_their_op_is_first_called():
    program = """
import sys
import eagerflow as ef
read = lambda: {name for name in sys.modules if name.startswith("eagerflow.lowerings.")}
assert not read()
assert ef.ops.relu([-1.0, 2.0]).tolist() == [0.0, 2.0]
assert "eagerflow.lowerings.activations" in read()
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
