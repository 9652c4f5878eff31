"""Every op has a row in the gradient table, and keeps what the row says."""

from __future__ import annotations

from collections import Counter
from functools import partial
from types import ModuleType

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.base import tree
from eagerflow.core import device as devices
from eagerflow.core.derivatives import check_grads
from eagerflow.core.dtypes import is_differentiable
from eagerflow.core.primitive import registry
from eagerflow.core.tensor import Tensor
from tests import stand_in
from tests.ops.gradient_rows import all_rows, resolve

ROWS = all_rows()
SMOOTH = [row for row in ROWS if row.kind == "smooth"]
ZERO = [row for row in ROWS if row.kind == "zero"]
RAISES = [row for row in ROWS if row.kind == "raises"]
SPACES = [space for name in ("linalg", "nn", "image") if (space := getattr(ops, name, None)) is not None]


def test_every_op_has_one_row():
    public = {name for space in (ops, *SPACES) for name in getattr(space, "__all__", ())}
    public = {name for name in public if not isinstance(getattr(ops, name, None), ModuleType)}
    counted = Counter(row.name for row in ROWS)
    of_ours = {name for name, op in registry.items() if op.mathematics.__module__.startswith("eagerflow.")}
    assert sorted((public | of_ours) - counted.keys()) == [], "give these a row in tests/ops/gradient_rows"
    assert sorted(counted.keys() - public - registry.keys()) == [], "rows of ops that don't exist"
    assert [name for name, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("row", SMOOTH, ids=repr)
def test_first_and_second_order_agree_with_central_differences(row):
    assert row.cases, "a smooth op needs a case"
    for function, case in row.calls():
        check_grads(function, case.arrays, order=2, **case.tolerance)


@pytest.mark.parametrize("row", SMOOTH, ids=repr)
def test_float32_stays_float32(row):
    for function, case in row.calls():
        inputs = [Tensor(a, "float32") for a in case.arrays]
        with ef.GradientTape() as tape:
            tape.watch(inputs)
            outputs = floats(function(*inputs))
        for x, g in zip(inputs, tape.gradient(outputs, inputs), strict=True):
            assert g is not None
            assert (g.dtype, g.shape) == (x.dtype, x.shape)
        assert {o.dtype.name for o in outputs} <= {"float32", "complex64"}


@pytest.fixture(scope="module")
def gpu_of_the_module():
    """The stand-in for CuPy, put up once for all rows."""
    before = dict(devices.namespaces)
    with stand_in.installed():
        yield
    devices.namespaces.clear()
    devices.namespaces.update(before)


@pytest.mark.usefixtures("gpu_of_the_module")
@pytest.mark.parametrize("row", SMOOTH, ids=repr)
def test_gradients_are_the_same_on_a_gpu(row):
    """On the stand-in for CuPy, which refuses whatever would fail there."""
    for function, case in row.calls():
        on_cpu = gradients(function, case.arrays)
        with ef.device("gpu:0"):
            on_gpu = gradients(function, case.arrays)
        for a, b in zip(on_cpu, on_gpu, strict=True):
            assert b.device == "gpu:0"
            np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-9, atol=1e-12)


def gradients(function, arrays):
    """The outputs of the function and the gradients of their sum."""
    inputs = [Tensor(a) for a in arrays]
    with ef.GradientTape() as tape:
        tape.watch(inputs)
        outputs = floats(function(*inputs))
    return [*outputs, *tape.gradient(outputs, inputs, unconnected_gradients="zero")]


def floats(outputs):
    """The tensors of floats in what an op returned."""
    return [o for o in tree.flatten(outputs) if isinstance(o, Tensor) and is_differentiable(o.dtype)]


PLAIN = [
    pytest.param(row.name, case, i, id=f"{row.name}-{n}-{i}")
    for row in SMOOTH
    for n, case in enumerate(row.cases)
    if case.call is None
    for i, array in enumerate(case.arrays)
    if array.ndim and array.size
]


@pytest.mark.parametrize(("name", "case", "i"), PLAIN)
def test_a_list_of_variables_is_as_good_as_their_array(name, case, i):
    function = partial(resolve(name), **case.settings)
    whole = ef.Variable(case.arrays[i])
    parts = [ef.Variable(row) for row in case.arrays[i]]
    ways = [
        (lambda: whole, [whole]),
        (lambda: parts, parts),
        (lambda: tuple([list(row) if row.ndim else row for row in parts]), parts),
    ]
    found = []
    for given, sources in ways:
        with ef.GradientTape() as tape:
            outputs = floats(function(*case.arrays[:i], given(), *case.arrays[i + 1 :]))
        slopes = tape.gradient(outputs, sources, unconnected_gradients="zero")
        found.append([*[o.numpy() for o in outputs], np.concatenate([g.numpy().reshape(-1) for g in slopes])])
    for one, *others in zip(*found, strict=True):
        for other in others:
            np.testing.assert_allclose(other.reshape(-1), one.reshape(-1), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("row", ZERO, ids=repr)
def test_locally_constant_ops_record_nothing(row):
    assert row.cases, "an op with zero gradient needs a case"
    for function, case in row.calls():
        inputs = [Tensor(a) for a in case.arrays]
        with ef.GradientTape(persistent=True) as tape:
            tape.watch(inputs)
            outputs = [ops.cast(o, "float64") for o in tree.flatten(function(*inputs))]
        assert outputs
        for out in outputs:
            assert [tape.gradient(out, x) for x in inputs] == [None] * len(inputs)


@pytest.mark.parametrize("row", ZERO, ids=repr)
def test_locally_constant_ops_have_zero_gradients(row):
    for function, case in row.calls():
        for i in range(len(case.arrays)):
            slope = ef.grad(lambda *xs, f=function: total(f(*xs)), i)(*case.arrays)
            assert slope.shape == case.arrays[i].shape
            assert not slope.numpy().any()


def total(outputs):
    """The sum of all elements."""
    result = ops.zeros((), "float64")
    for out in tree.flatten(outputs):
        result = result + ops.sum(ops.cast(out, "float64"))
    return result


@pytest.mark.parametrize("row", RAISES, ids=repr)
def test_ops_without_gradient_say_why(row):
    for function, case in row.calls():
        inputs = [Tensor(a) for a in case.arrays]
        with ef.GradientTape() as tape:
            tape.watch(inputs)
            outputs = floats(function(*inputs))
        with pytest.raises(NotImplementedError, match=row.why):
            tape.gradient(outputs, inputs)
