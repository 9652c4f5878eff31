"""Control flow does what Python would."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops


def test_cond_calls_one_branch_only():
    called = []
    ops.cond(ef.Tensor(True), lambda: called.append("yes"), lambda: called.append("no"))
    ops.cond(ef.Tensor([0]), lambda: called.append("yes"), lambda: called.append("no"))
    assert called == ["yes", "no"]


def test_switch_keeps_to_the_branches_that_there_are():
    branches = [lambda x: x, lambda x: x * 2, lambda x: x * 3]
    assert [ops.switch(i, branches, 5) for i in (-4, 0, 1, 2, 9)] == [5, 5, 10, 15, 15]
    assert ops.switch(ef.Tensor(2), branches, 1) == 3


def test_while_loops():
    assert ops.while_loop(lambda i, t: i < 3, lambda i, t: (i + 1, t + i), (0, 10)) == (3, 13)
    assert ops.while_loop(lambda i, t: i < 3, lambda i, t: [i + 1, t + i], [0, 10]) == [3, 13]
    assert ops.while_loop(lambda i: i < 0, lambda i: i + 1, 5) == 5
    assert ops.while_loop(lambda i: True, lambda i: i + 1, 0, maximum_iterations=4) == 4
    assert ops.while_loop(lambda i: True, lambda i: i + 1, 0, maximum_iterations=0) == 0
    assert ops.fori_loop(3, 3, lambda i, x: x + 1, 7) == 7


def test_scan_of_structures(device):
    carry, ys = ops.scan(lambda c, x: ({"n": c["n"] + 1}, (x["a"] * 2, c["n"])), {"n": 0}, {"a": np.arange(3.0)})
    assert int(carry["n"]) == 3
    assert ys[0].tolist() == [0.0, 2.0, 4.0]
    assert ys[1].tolist() == [0, 1, 2]
    assert ys[0].device == device


def test_scans():
    carry, ys = ops.scan(lambda c, x: (c + x, c + x), 0.0, [1.0, 2.0, 3.0], reverse=True)
    assert float(carry) == 6.0
    assert ys.tolist() == [6.0, 5.0, 3.0]
    carry, ys = ops.scan(lambda c, x: (c * 2, None), 1.0, length=5)
    assert (float(carry), ys) == (32.0, None)
    assert float(ops.scan(lambda c, x: (c + x, x), 0.0, [1.0, 2.0, 3.0], length=2)[0]) == 3.0
    with pytest.raises(TypeError, match=r"scan: f must return a pair \(carry, y\); got Tensor"):
        ops.scan(lambda carry, x: carry + x, 0.0, np.ones(3, "float32"))


def test_maps():
    found = ops.map(lambda x: {"sum": x["a"] + x["b"]}, {"a": np.arange(3), "b": np.ones(3)})
    assert found["sum"].tolist() == [1.0, 2.0, 3.0]
    x = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_array_equal(ops.vectorized_map(ops.softmax, x).numpy(), ops.map(ops.softmax, x).numpy())
    with pytest.raises(ValueError, match="map: xs has no slices"):
        ops.map(lambda x: x * 2, np.ones((0, 2)))


def test_associative_scan_along_any_axis_and_from_both_ends():
    x = np.arange(1.0, 7).reshape(2, 3)
    np.testing.assert_array_equal(ops.associative_scan(ops.add, x, axis=-1).numpy(), np.cumsum(x, axis=1))
    backwards = np.cumsum(x[:, ::-1], axis=1)[:, ::-1]
    np.testing.assert_array_equal(ops.associative_scan(ops.add, x, reverse=True, axis=1).numpy(), backwards)
    assert ops.associative_scan(ops.add, x[:0]).shape == (0, 3)


def test_associative_scan_of_pairs():
    """Of linear maps, whose composition doesn't commute."""
    slopes, shifts = np.array([2.0, 3.0, 0.5]), np.array([1.0, 0.0, 4.0])
    found = ops.associative_scan(lambda f, g: (f[0] * g[0], f[1] * g[0] + g[1]), (slopes, shifts))
    assert found[0].tolist() == [2.0, 6.0, 3.0]
    assert found[1].tolist() == [1.0, 3.0, 5.5]


def test_vectorize():
    f = ops.vectorize(ops.matmul, signature="(m,n),(n)->(m)")
    a, b = np.random.default_rng(0).normal(size=(4, 1, 2, 3)), np.random.default_rng(1).normal(size=(5, 3))
    np.testing.assert_allclose(f(a, b).numpy(), (a @ b[..., None])[..., 0])
    f = ops.vectorize(lambda x, name: x * len(name), excluded={1})
    assert f([1.0, 2.0], "abc").tolist() == [3.0, 6.0]


def test_stop_gradient_and_custom_gradient_are_those_of_the_package():
    assert ops.stop_gradient is ef.stop_gradient
    assert ops.custom_gradient is ef.custom_gradient
