"""Indexing, scattering and segments agree with NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from tests.ops.compare import same, some, whole

KEYS = [
    0,
    -1,
    slice(None),
    slice(1, None),
    slice(None, None, -2),
    (..., 0),
    (0, ...),
    None,
    (slice(None), None, 1),
    (),
    [0, 2],
    [[0], [2]],
    (slice(None), [0, -1]),
    ([0, 2], [1, 1]),
    ([0, 2], slice(1, 3)),
    [True, False, True],
    (slice(None), [True, False, True, False]),
    (0, [1, 2]),
    ([[0], [1]], [0, 1]),
    np.int64(1),
    [],
    slice(5, 9),
    True,
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_every_index_that_numpy_knows(key, device):
    x = some(3, 4)
    same(ops.array(x)[key], x[key], "float32")
    same(ops.get_item(x.T[:3].T[:, :3].T, 0), x.T[:3].T[:, :3].T[0])


def test_tensors_and_arrays_as_indices(device):
    x = ops.array(some(3, 4))
    same(x[ops.array([2, 0])], x.numpy()[[2, 0]])
    same(x[:, ops.array([[0, 1], [1, 0]])], x.numpy()[:, [[0, 1], [1, 0]]])
    same(x[x > 0], x.numpy()[x.numpy() > 0])
    same(x[ops.array(1) : ops.array(3)], x.numpy()[1:3])
    same(x[ops.argmax([1, 5, 2])], x.numpy()[1])
    x = ops.array(some(3, 4))
    same(x[np.array([2, 0])], x.numpy()[[2, 0]])
    same(x[x.numpy() > 0], x.numpy()[x.numpy() > 0])


@pytest.mark.parametrize("key", [3, (0, 4), (0, 0, 0), [3], 1.0, [0.5], "a"], ids=repr)
def test_impossible_indices(key):
    with pytest.raises((IndexError, TypeError)):
        ops.array(some(3, 4))[key]


def test_repeated_indices_add_up_in_the_gradient(device):
    same(ef.grad(lambda x: (x[[0, 0, 2]] * ops.array([1.0, 2.0, 4.0])).sum())(some(3)), [3.0, 0.0, 4.0])
    same(ef.grad(lambda x: x[ops.array([[1, 1], [1, -2]])].sum())(some(3)), [0.0, 4.0, 0.0])


def test_take(device):
    x = some(3, 4)
    same(ops.take(x, [[2, 0], [1, 1]], axis=1), np.take(x, [[2, 0], [1, 1]], axis=1))
    same(ops.take(x, -1), x.ravel()[-1])
    same(ops.take(x, 1, axis=-1), x[:, 1])
    same(ops.take(x, [], axis=0), x[:0])
    same(ops.take(x, [True, False], axis=0), x[[1, 0]])
    with pytest.raises(IndexError, match="indexed by integers"):
        ops.take(x, [0.5])


def test_take_along_axis(device):
    x = some(3, 4)
    order = np.argsort(x, axis=1)
    same(ops.take_along_axis(x, order, axis=1), np.take_along_axis(x, order, axis=1))
    same(ops.take_along_axis(x, [[0, 1, 2, 0]], axis=0), np.take_along_axis(x, np.array([[0, 1, 2, 0]]), axis=0))
    same(ops.take_along_axis(x[:1], [[0], [1], [3]], axis=-1), x[0, [[0], [1], [3]]])
    same(ops.take_along_axis(x, [5, 0]), x.ravel()[[5, 0]])
    with pytest.raises(ValueError, match="as many axes"):
        ops.take_along_axis(x, [0], axis=1)
    with pytest.raises(ValueError, match="don't fit"):
        ops.take_along_axis(x, [[0], [0]], axis=1)


def test_blocks(device):
    x = some(4, 5)
    same(ops.slice(x, (1, 2), (2, -1)), x[1:3, 2:])
    same(ops.slice(x, ops.array([0, 0]), (0, 5)), x[:0])
    changed = x.copy()
    changed[1:3, 2:4] = 7
    same(ops.slice_update(x, (1, 2), np.full((2, 2), 7)), changed, "float32")
    with pytest.raises(ValueError, match="doesn't lie inside"):
        ops.slice(x, (3, 0), (2, 5))
    with pytest.raises(ValueError, match="one start and one length per axis"):
        ops.slice_update(x, (0,), [1.0])


def test_scatter_of_numbers_and_bools(device):
    same(ops.scatter([[0, 1], [2, 2], [0, 1]], [1.0, 2.0, 3.0], (3, 3)), [[0, 4, 0], [0, 0, 0], [0, 0, 2]])
    same(ops.scatter([[1], [0]], some(2, 3), (2, 3)), some(2, 3)[::-1])
    same(ops.scatter(np.zeros((0, 1), int), some(0), (2,)), [0.0, 0.0])
    with pytest.raises(ValueError, match=r"want values of shape \(2,\); got \(3,\)"):
        ops.scatter([[0], [1]], [1.0, 2.0, 3.0], (4,))
    same(ops.scatter([[1], [1]], [True, False], (3,)), [False, True, False], "bool")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ops.scatter([[9]], [1.0], (4,)), IndexError, "scatter"),
        (lambda: ops.scatter_update([1.0], [[0]], [2.0], "sum"), ValueError, "reduction='sum'"),
    ],
)
def test_what_scatter_refuses(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        (None, [1, 8, 3, 9]),
        ("add", [1, 17, 3, 13]),
        ("mul", [1, 112, 3, 36]),
        ("max", [1, 8, 3, 9]),
        ("min", [1, 2, 3, 4]),
    ],
)
def test_scatter_update(reduction, expected, device):
    x = ops.array([1, 2, 3, 4], "float32")
    same(ops.scatter_update(x, [[1], [1], [3]], [7.0, 8.0, 9.0], reduction), expected, "float32")
    same(x, [1, 2, 3, 4])


@pytest.mark.parametrize("reduction", [None, "add", "mul", "max", "min"])
def test_scatter_update_of_rows(reduction, device):
    x, rows = some(3, 2), some(2, 2) + 1
    combine = {None: lambda a, b: b, "add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}[reduction]
    expected = x.copy()
    expected[[2, 0]] = combine(x[[2, 0]], rows)
    same(ops.scatter_update(x, [[2], [0]], rows, reduction), expected)


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_segments(dtype, device):
    data, ids = whole(5, 2, dtype=dtype), [0, 2, 0, 3, 2]
    groups = [data[np.array(ids) == i] for i in range(5)]
    lowest, highest = (np.iinfo(dtype).min, np.iinfo(dtype).max) if dtype == "int32" else (-np.inf, np.inf)
    for name, combine, empty in (
        ("sum", np.sum, 0),
        ("prod", np.prod, 1),
        ("max", np.max, lowest),
        ("min", np.min, highest),
    ):
        expected = [combine(g, axis=0) if len(g) else [empty, empty] for g in groups]
        same(getattr(ops, f"segment_{name}")(data, ids, 5), np.array(expected, dtype), dtype)
        assert getattr(ops, f"segment_{name}")(data, ids).shape == (4, 2)


def test_ties_in_a_segment_share_the_gradient():
    same(ef.grad(lambda x: ops.segment_max(x, [0, 0, 1]).sum())([2.0, 2.0, 1.0]), [0.5, 0.5, 1.0])


def test_no_segments(device):
    assert ops.segment_sum(some(0, 3), np.zeros(0, int)).shape == (0, 3)
    same(ops.segment_prod(some(0), np.zeros(0, int), 2), [1.0, 1.0])


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
def test_rows_of_negative_segments_are_left_out(name, device):
    function, data = getattr(ops, f"segment_{name}"), some(4, 2)
    kept = ef.Variable(data)
    with ef.GradientTape() as tape:
        found = function(kept, [1, -1, 0, -3])
    same(found, function(data[[0, 2]], [1, 0]))
    assert (tape.gradient(found, kept).numpy() != 0).tolist() == [[True] * 2, [False] * 2, [True] * 2, [False] * 2]
    same(function(data, [-1, -1, -1, -1], 2), function(data[:0], np.zeros(0, int), 2))


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
def test_segments_must_be_numbered_properly(name):
    function = getattr(ops, f"segment_{name}")
    with pytest.raises(ValueError, match="go up to 3; num_segments=3"):
        function(some(2), [0, 3], 3)
    with pytest.raises(ValueError, match="one per row"):
        function(some(2), [0, 1, 2])
    with pytest.raises(ValueError, match="integers"):
        function(some(2), [0.0, 1.0])


# -- sorting and searching


@pytest.mark.parametrize("axis", [0, -1, None])
def test_sorting(axis, device):
    x = whole(4, 5)
    same(ops.sort(x, axis), np.sort(x, axis), "int32")
    same(ops.argsort(x, axis), np.argsort(x, axis, kind="stable"), "int64")


def test_partitions(device):
    x = whole(4, 5)
    order = ops.argpartition(x, 2, axis=0).numpy()
    parted = np.take_along_axis(x, order, axis=0)
    np.testing.assert_array_equal(parted[2], np.sort(x, axis=0)[2])
    assert (parted[:2] <= parted[2]).all()
    assert (parted[3:] >= parted[2]).all()
    assert x.ravel()[ops.argpartition(x, 17, axis=None).numpy()[17]] == np.sort(x, axis=None)[17]


def test_sorting_nothing_and_nan(device):
    same(ops.sort(some(2, 0)), some(2, 0))
    same(ops.sort([np.nan, 2.0, 1.0]), [1.0, 2.0, np.nan])


def test_largest_elements(device):
    x = np.array([[1.0, 5.0, 5.0, 2.0], [4.0, 3.0, 2.0, 1.0]], "float32")
    values, indices = ops.top_k(x, 3)
    same(values, [[5, 5, 2], [4, 3, 2]], "float32")
    same(indices, [[1, 2, 3], [0, 1, 2]])
    assert ops.top_k(x, 0).values.shape == (2, 0)
    with pytest.raises(ValueError, match=r"k=5.*\(2, 4\)"):
        ops.top_k(x, 5)


def test_in_top_k(device):
    scores = np.array([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4], [np.nan, 0.5, 0.5]], "float32")
    same(ops.in_top_k([1, 0, 0], scores, 1), [True, False, False], "bool")
    same(ops.in_top_k([2, 1, 1], scores, 2), [True, True, True])


@pytest.mark.parametrize("side", ["left", "right"])
def test_searching(side, device):
    steps, x = np.array([-1.0, 0.0, 0.0, 1.0], "float32"), some(3, 4)
    same(ops.searchsorted(steps, x, side), np.searchsorted(steps, x, side), "int64")
    same(ops.digitize(x, steps), np.digitize(x, steps))
    with pytest.raises(ValueError, match=r"searchsorted.*\(3, 4\)"):
        ops.searchsorted(x, x)


@pytest.mark.parametrize(
    ("call", "message"),
    [(lambda: ops.argpartition([1.0], 1), "kth=1"), (lambda: ops.searchsorted([1.0], [1.0], "middle"), "searchsorted")],
)
def test_errors_of_sorting(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_order_of_a_number():
    assert ops.argsort(2.0).item() == 0


def test_unique_filled_up():
    """Indices go on with the first one, of the element that fills; counts with 0."""
    found = ops.unique([5, 1, 2, 1], size=5, fill_value=-1, return_index=True, return_inverse=True, return_counts=True)
    assert [part.tolist() for part in found] == [[1, 2, 5, -1, -1], [1, 2, 0, 1, 1], [2, 0, 1, 0], [2, 1, 1, 0, 0]]
    assert ops.unique([0.0][:0], size=2, return_index=True)[1].tolist() == [0, 0]


def test_running_sums_without_nan_along_the_axis_of_a_tuple():
    x = some(2, 3)
    same(ops.nancumsum(x, axis=(1,)), np.cumsum(x, 1))
    same(ops.nancumprod(x, axis=[0]), np.cumprod(x, 0))
