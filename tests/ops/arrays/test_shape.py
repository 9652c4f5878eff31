"""Ops that move, join, split, pad and make tensors agree with NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import ops
from tests.ops.compare import same, some, whole


@pytest.mark.parametrize(
    ("name", "shape", "settings"),
    [
        ("reshape", (3, 4), ((2, -1),)),
        ("reshape", (), ((1, 1),)),
        ("reshape", (0, 3), ((3, 0),)),
        ("ravel", (2, 3), ()),
        ("transpose", (2, 3, 4), ()),
        ("transpose", (2, 3, 4), ((2, 0, -2),)),
        ("transpose", (), ()),
        ("swapaxes", (2, 3, 4), (0, -1)),
        ("moveaxis", (2, 3, 4), (0, -1)),
        ("moveaxis", (2, 3, 4), ((0, 1), (-1, 0))),
        ("expand_dims", (2, 3), (1,)),
        ("expand_dims", (2,), ((0, -1),)),
        ("squeeze", (1, 2, 1), ()),
        ("squeeze", (1, 2, 1), (-1,)),
        ("tile", (2, 3), (2,)),
        ("tile", (3,), ((2, 1, 2),)),
        ("tile", (2, 3), ((2, 0),)),
        ("repeat", (2, 3), (2,)),
        ("repeat", (2, 3), (2, 1)),
        ("repeat", (2, 3), ([1, 2], 0)),
        ("repeat", (2, 3), ([0, 1, 2], -1)),
        ("flip", (2, 3), ()),
        ("flip", (2, 3), (1,)),
        ("flip", (2, 0), ((0, 1),)),
        ("fliplr", (2, 3), ()),
        ("flipud", (2, 3), ()),
        ("rot90", (2, 3), ()),
        ("rot90", (2, 3), (2,)),
        ("rot90", (2, 3), (-1,)),
        ("rot90", (2, 3, 2), (1, (1, 2))),
        ("roll", (3, 4), (2,)),
        ("roll", (3, 4), (-1, 1)),
        ("roll", (3, 4), ((1, 2), (0, 1))),
        ("broadcast_to", (3, 1), ((2, 3, 4),)),
        ("broadcast_to", (1,), ((0,),)),
        ("diag", (3,), ()),
        ("diag", (3,), (-1,)),
        ("diag", (3, 4), (1,)),
        ("diagflat", (2, 2), (1,)),
        ("diagonal", (3, 4), (1,)),
        ("diagonal", (2, 3, 4), (-1, 1, 2)),
        ("diagonal", (2, 3), (9,)),
        ("trace", (3, 4), (1,)),
        ("trace", (2, 3, 3), (0, 1, 2)),
        ("tril", (3, 4), (1,)),
        ("triu", (2, 3, 4), (-1,)),
        ("tril", (3,), ()),
        ("split", (6, 2), (3,)),
        ("split", (6, 2), ([1, 4],)),
        ("split", (4, 2), ([3, 1, 9],)),
        ("array_split", (7,), (3,)),
        ("array_split", (2, 5), (2, -1)),
        ("hsplit", (2, 4), (2,)),
        ("hsplit", (4,), (2,)),
        ("vsplit", (4, 2), ([1],)),
        ("dsplit", (1, 2, 4), (2,)),
        ("vander", (3,), ()),
        ("vander", (3,), (2, True)),
    ],
)
def test_moving_elements(name, shape, settings, device):
    x = some(*shape)
    same(getattr(ops, name)(x, *settings), getattr(np, name)(x, *settings), "float32")
    if len(shape) == 2:
        turned = some(*shape[::-1]).T
        same(getattr(ops, name)(turned, *settings), getattr(np, name)(turned, *settings), "float32")


@pytest.mark.parametrize(
    ("name", "shapes", "settings"),
    [
        ("concatenate", [(2, 3), (1, 3)], {}),
        ("concatenate", [(2, 1), (2, 3), (2, 0)], {"axis": -1}),
        ("stack", [(2, 3), (2, 3)], {"axis": -2}),
        ("stack", [()], {}),
        ("hstack", [(2,), (3,)], {}),
        ("hstack", [(), ()], {}),
        ("hstack", [(2, 1), (2, 2)], {}),
        ("vstack", [(3,), (2, 3)], {}),
        ("dstack", [(3,), (3,)], {}),
        ("dstack", [(2, 2), (2, 2)], {}),
    ],
)
def test_joining(name, shapes, settings, device):
    xs = [some(*shape) for shape in shapes]
    same(getattr(ops, name)(xs, **settings), getattr(np, name)(xs, **settings), "float32")


def test_joining_different_types(device):
    same(ops.concatenate([some(2), whole(2)]), np.concatenate([some(2), whole(2)]), "float32")
    assert ops.stack([whole(2), whole(2, dtype="int64")]).dtype == "int64"
    same(ops.append(some(2, 2), whole(3)), np.append(some(2, 2), whole(3)), "float32")
    same(ops.append(some(2, 2), some(2, 1), axis=1), np.append(some(2, 2), some(2, 1), axis=1))


def test_taking_apart(device):
    x = some(2, 3)
    same(ops.unstack(x, axis=-1), [x[:, 0], x[:, 1], x[:, 2]])
    assert ops.unstack(some(0, 3)) == []
    with pytest.raises(ValueError, match=r"num=2.*\(2, 3\)"):
        ops.unstack(x, num=2, axis=1)


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric", "edge", "wrap"])
def test_padding(mode, device):
    x = some(3, 4)
    for widths in (1, (1, 2), ((1, 2), (0, 3)), ((0, 0), (5, 0)), 0):
        same(ops.pad(x, widths, mode), np.pad(x, widths, mode), "float32")


def test_padding_with_a_number(device):
    same(ops.pad([1, 2], 1, constant_values=7), [7, 1, 2, 7], "int32")
    same(ops.pad(some(), ()), some())


def test_grids_and_ranges(device):
    x, y, z = some(2), some(3), some(1)
    same(ops.meshgrid(x, y, z), np.meshgrid(x, y, z))
    same(ops.meshgrid(x, y, indexing="ij"), np.meshgrid(x, y, indexing="ij"))
    same(ops.meshgrid(x), np.meshgrid(x))
    same(ops.linspace(0.0, 1.0, 5), np.linspace(0, 1, 5), "float32")
    same(ops.linspace(x, 2 * x, 4, endpoint=False, axis=-1), np.linspace(x, 2 * x, 4, endpoint=False, axis=-1))
    same(ops.linspace(0, 1, 3, retstep=True), np.linspace(0, 1, 3, retstep=True))
    same(ops.linspace(1, 2, 1), [1.0])
    same(ops.linspace(1, 2, 0), [])
    same(ops.logspace(0, 2, 5, base=2), np.logspace(0, 2, 5, base=2), "float32")
    same(ops.geomspace(1, 256, 9), np.geomspace(1, 256, 9), "float32")
    same(ops.geomspace(-1.0, -100.0, 3), np.geomspace(-1, -100, 3))


@pytest.mark.parametrize(
    ("arguments", "dtype"),
    [
        ((5,), "int32"),
        ((1, 7, 2), "int32"),
        ((5, 0, -2), "int32"),
        ((0.0, 1.0, 0.25), "float32"),
        ((3.0,), "float32"),
        ((2**33, 2**33 + 2), "int64"),
        ((0,), "int32"),
    ],
)
def test_ranges_of_numbers(arguments, dtype):
    same(ops.arange(*arguments), np.arange(*arguments), dtype)


def test_new_tensors_are_float32_on_the_current_device(device):
    for made, expected in [
        (ops.zeros((2, 3)), np.zeros((2, 3))),
        (ops.ones(2), np.ones(2)),
        (ops.full((2,), 7), np.full(2, 7)),
        (ops.eye(2, 3, 1), np.eye(2, 3, 1)),
        (ops.identity(2), np.identity(2)),
        (ops.tri(2, 3, 1), np.tri(2, 3, 1)),
        (ops.bartlett(5), np.bartlett(5)),
        (ops.blackman(5), np.blackman(5)),
        (ops.hamming(5), np.hamming(5)),
        (ops.hanning(5), np.hanning(5)),
        (ops.kaiser(5, 2.0), np.kaiser(5, 2.0)),
    ]:
        same(made, expected, "float32")
        assert made.device == device
    assert ops.empty((2, 0)).shape == (2, 0)


def test_triangles_of_truth_values_are_truth_values(device):
    same(ops.tril(np.ones((2, 3), bool)), np.tril(np.ones((2, 3), bool)), "bool")
    same(ops.triu(np.ones((2, 3), bool), 1), np.triu(np.ones((2, 3), bool), 1), "bool")


def test_tensors_like_others(device):
    x = ops.array(whole(2, 3))
    same(ops.zeros_like(x), np.zeros((2, 3)), "int32")
    same(ops.ones_like(x, "float16"), np.ones((2, 3)), "float16")
    same(ops.full_like(x, 7), np.full((2, 3), 7), "int32")
    same(ops.full_like(x, [1, 2, 3]), [[1, 2, 3]] * 2, "int32")
    assert ops.empty_like(x).device == device


def test_casting(device):
    same(ops.cast([1.7, -1.7], "int32"), [1, -1], "int32")
    same(ops.cast([0.0, 2.0], "bool"), [False, True], "bool")
    same(ops.cast(np.array([1 + 2j]), "float32"), [1.0], "float32")
    assert ops.cast([1], "complex64").dtype == "complex64"
    with pytest.raises(ValueError, match="float31"):
        ops.cast([1], "float31")


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([300.0, -5.0, 7.9], "uint8", [255, 0, 7]),
        ([200, -200], "int8", [127, -128]),
        ([-1], "uint32", [0]),
        ([1e20, -1e20], "float16", [65504, -65504]),
        ([1e20, -1e20], "int32", [2147483520, -2147483648]),
        ([True], "int8", [1]),
        ([3.0], "bool", [True]),
    ],
)
def test_saturating(values, dtype, expected, device):
    same(ops.saturate_cast(values, dtype), expected, dtype)


def test_questions_about_tensors():
    x = ops.zeros((2, 3))
    assert (ops.shape(x), ops.ndim(x), ops.size(x), ops.dtype(x)) == ((2, 3), 2, 6, "float32")
    assert (ops.shape([[1]]), ops.ndim(1.0), ops.size([]), ops.dtype([1])) == ((1, 1), 0, 0, "int32")
    assert ops.is_tensor(x)
    assert not ops.is_tensor([1.0])


def test_conversions_copy(device):
    source = np.zeros(2, "float32")
    x = ops.convert_to_tensor(source)
    ops.convert_to_numpy(x)[0] = 1
    source[0] = 2
    same(x, [0.0, 0.0])
    same(ops.copy(x), x.numpy())


def test_reading_bits(device):
    x = some(4)
    same(ops.view(x, "int32"), x.view("int32"), "int32")
    same(ops.view(x, "uint8"), x.view("uint8"))
    assert ops.view(x).dtype == "float32"


@pytest.mark.parametrize(
    ("pattern", "shape", "lengths", "expected"),
    [
        ("b h w c -> b c h w", (2, 3, 4, 5), {}, (2, 5, 3, 4)),
        ("b h w c -> (b h) w c", (2, 3, 4, 5), {}, (6, 4, 5)),
        ("b (h h2) c -> b h (h2 c)", (2, 6, 3), {"h2": 2}, (2, 3, 6)),
        ("a 1 b -> b a", (2, 1, 3), {}, (3, 2)),
        ("a b -> a 1 b", (2, 3), {}, (2, 1, 3)),
        ("a -> a", (0,), {}, (0,)),
        ("(a b) -> b a", (6,), {"a": 2, "b": 3}, (3, 2)),
    ],
)
def test_rearranging(pattern, shape, lengths, expected, device):
    x = some(*shape)
    result = ops.rearrange(x, pattern, **lengths)
    assert result.shape == expected
    np.testing.assert_allclose(np.sort(result.numpy().ravel()), np.sort(x.ravel()))


def test_rearranging_values():
    x = np.arange(12).reshape(2, 6)
    same(ops.rearrange(x, "a (b c) -> b (c a)", b=2), x.reshape(2, 2, 3).transpose(1, 2, 0).reshape(2, 6))


@pytest.mark.parametrize(
    ("pattern", "lengths", "message"),
    [
        ("a b", {}, "'->'"),
        ("a b c -> a b c", {}, "names 3 axes"),
        ("a b -> a", {}, "same axes"),
        ("a a -> a a", {}, "doesn't make up"),
        ("(a b) c -> a b c", {}, "give all but one"),
        ("(a b) c -> a b c", {"a": 4}, "doesn't make up"),
        ("a b -> b a", {"d": 1}, "'d'"),
        ("a [b] -> a b", {}, "isn't made of names"),
    ],
)
def test_errors_of_patterns(pattern, lengths, message):
    with pytest.raises(ValueError, match=message):
        ops.rearrange(some(2, 3), pattern, **lengths)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: ops.reshape(x, (4,)), r"reshape\(float32\[2, 3\], newshape=\(4,\)\)"),
        (lambda x: ops.broadcast_to(x, (2, 4)), "broadcast_to"),
        (lambda x: ops.broadcast_to(x, (3,)), "broadcast_to"),
        (lambda x: ops.transpose(x, (0, 0)), "transpose"),
        (lambda x: ops.moveaxis(x, (0, 1), 0), "moveaxis"),
        (lambda x: ops.swapaxes(x, 0, 5), "axis2=5"),
        (lambda x: ops.expand_dims(x, (0, 0)), "twice"),
        (lambda x: ops.squeeze(x, 0), r"axis=0.*\(2, 3\)"),
        (lambda x: ops.rot90(x, axes=(0, 0)), "different axes"),
        (lambda x: ops.split(x, 2, axis=1), "3 can't be cut into 2 equal parts"),
        (lambda x: ops.split(x, 0, axis=1), "3 can't be cut into 0 equal parts"),
        (lambda x: ops.array_split(x, 0), "at least 1"),
        (lambda x: ops.dsplit(x, 1), "dsplit"),
        (lambda x: ops.concatenate([x, x[0]]), r"concatenate.*float32\[2, 3\]"),
        (lambda x: ops.concatenate([]), "at least one tensor"),
        (lambda x: ops.stack([x, x[0]]), "stack"),
        (lambda x: ops.pad(x, ((1, 1), (1, 1), (1, 1))), "2 axes"),
        (lambda x: ops.pad(x, -1), "negative"),
        (lambda x: ops.pad(x, 0.5), "integers"),
        (lambda x: ops.pad(x, 1, "mirror"), "'mirror'"),
        (lambda x: ops.pad(x, 1, "edge", constant_values=1), "constant_values"),
        (lambda x: ops.pad(x[:0], 1, "edge"), "empty"),
        (lambda x: ops.diag(x[None]), "diag"),
        (lambda x: ops.diagonal(x[0]), "two axes"),
        (lambda x: ops.diagonal(x, 0, 1, 1), "differ"),
        (lambda x: ops.tril(x[0, 0]), "tril"),
        (lambda x: ops.vander(x), "vector"),
        (lambda x: ops.meshgrid(x, indexing="yx"), "'yx'"),
        (lambda x: ops.linspace(0, 1, -1), "num=-1"),
        (lambda x: ops.geomspace(-1.0, 1.0), "same sign"),
        (lambda x: ops.arange(0, 1, 0), "step"),
        (lambda x: ops.view(x[0], "float64"), "view"),
    ],
)
def test_errors_say_what_was_expected(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call(ops.array(some(2, 3)))
    assert len(str(caught.value)) <= 500


def test_stack_takes_the_rows_of_an_array():
    assert np.array_equal(ops.stack(np.arange(6).reshape(2, 3), axis=1), [[0, 3], [1, 4], [2, 5]])
