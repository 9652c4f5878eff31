"""Variables: assignment never changes what was read before."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core.in_place import undone
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable


def test_assignments_change_the_values_and_keep_the_type(device):
    v = Variable([1.0, 2.0])
    v.assign([3.0, 4.0])
    v.assign_add([1.0, 1.0])
    v.assign_sub(2.0)
    assert v.tolist() == [2.0, 3.0]
    v = Variable(np.zeros(2, "float32"))
    v.assign(np.ones(2, "float64"))
    v.assign_add(np.ones(2, "int64"))
    assert v.dtype == "float32"
    assert v.tolist() == [2.0, 2.0]


def test_assignment_is_in_place_when_nobody_looks():
    v = Variable(np.zeros(4000))
    address = v.data.ctypes.data
    v.assign_add(1.0)
    v.assign(ef.Tensor(np.full(4000, 7.0)))
    v.assign_sub(np.ones(4000))
    assert v.data.ctypes.data == address
    assert v.tolist() == [6.0] * 4000


@pytest.mark.parametrize(
    "look",
    [
        lambda v: v.value,
        lambda v: v.reshape((2, 2)),
        lambda v: v[1:],
        lambda v: np.asarray(v),
        lambda v: v.__array__().reshape(2, 2).T,
        lambda v: v + 0.0,
    ],
    ids=["value", "reshape", "slice", "asarray", "view-of-view", "sum"],
)
def test_what_was_read_does_not_change(look):
    v = Variable(np.zeros(4))
    seen = look(v)
    before = np.array(seen)
    v.assign_add(1.0)
    v.assign(np.full(4, 9.0))
    assert np.array_equal(np.array(seen), before)
    assert v.tolist() == [9.0] * 4


def test_assignment_between_forward_and_gradient_does_not_change_the_gradient(device):
    w = Variable([2.0, 3.0])
    with GradientTape() as tape:
        loss = (w * w * w).sum()
    w.assign_sub([1.0, 1.0])
    assert tape.gradient(loss, w).tolist() == [12.0, 27.0]


def test_assignment_inside_the_block_separates_old_and_new():
    w = Variable(2.0)
    with GradientTape() as tape:
        a = w * w
        w.assign(10.0)
        b = w * w
        total = a + b
    assert float(total) == 104.0
    assert float(tape.gradient(total, w)) == 24.0


def test_two_tapes_two_updates_as_in_a_gan():
    g, d = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    with GradientTape() as tape_g, GradientTape() as tape_d:
        loss_g = (g * d).sum()
        loss_d = (g * d * d).sum()
    g.assign_sub(tape_g.gradient(loss_g, g))
    assert tape_d.gradient(loss_d, d).tolist() == [6.0, 16.0]  # 2 g d with the g of the forward pass
    assert g.tolist() == [-2.0, -2.0]


def test_nothing_is_shared(device):
    array = np.zeros(3)
    v = Variable(array)
    array[:] = 5.0
    assert v.tolist() == [0.0] * 3
    v.assign(array)
    array[:] = 7.0
    assert v.tolist() == [5.0] * 3
    t = Tensor([1.0, 2.0])
    v = Variable([0.0, 0.0])
    keep = v.value  # forces a new array
    v.assign(t)
    v.assign_add(1.0)
    assert t.tolist() == [1.0, 2.0]
    assert keep.tolist() == [0.0, 0.0]
    v = Variable([1.0, 2.0])
    v.numpy()[:] = 100.0
    assert v.tolist() == [1.0, 2.0]


def test_array_view_is_read_only():
    v = Variable([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(v)[0] = 5.0


def test_assign_of_another_shape_names_the_variable():
    v = Variable(np.zeros((2, 3)), name="kernel")
    with pytest.raises(ValueError, match=r"'kernel'.*expected shape \(2, 3\).*\[3, 2\]"):
        v.assign(np.zeros((3, 2)))


def test_assign_add_broadcasts_but_assign_does_not():
    v = Variable(np.zeros((2, 3)))
    v.assign_add([1.0, 2.0, 3.0])
    assert v.tolist() == [[1.0, 2.0, 3.0]] * 2
    with pytest.raises(ValueError, match="expected shape"):
        v.assign([1.0, 2.0, 3.0])


def test_item_assignment_and_augmented_assignment_say_what_to_write():
    v = Variable([1.0, 2.0])
    with pytest.raises(TypeError, match="assign"):
        v[0] = 1.0
    with pytest.raises(TypeError, match="assign_add"):
        v += 1.0
    with pytest.raises(TypeError, match="assign_sub"):
        v -= 1.0


def test_initializers():
    v = Variable(lambda shape, dtype: np.full(shape, 3, dtype), shape=(2,), dtype="float64")
    assert v.tolist() == [3.0, 3.0]
    assert v.dtype == "float64"
    assert Variable(lambda shape, dtype: np.ones(shape), shape=(2,)).dtype == "float32"
    assert ef.Variable("ones", shape=(2,), dtype="int32").tolist() == [1, 1]
    with pytest.raises(ValueError, match=r"needs shape="):
        ef.Variable("ones")
    with pytest.raises(ValueError, match="Unknown initializer 'onez'"):
        ef.Variable("onez", shape=(2,))


def test_what_a_function_made_for_the_variable_is_not_copied():
    addresses = []

    def make(shape, dtype):
        made = ef.ops.ones(shape, dtype)
        addresses.append(made.data.ctypes.data)
        return made

    assert ef.Variable(make, shape=(50, 50)).data.ctypes.data == addresses[0]


def test_a_variable_shares_nothing_with_what_its_function_keeps():
    tensor, array = ef.ops.ones((2, 3)), np.ones((2, 3), "float32")
    for kept in (tensor, array):
        both = [ef.Variable(lambda shape, dtype, kept=kept: kept, shape=(2, 3)) for _ in range(2)]
        both[0].assign_add(np.ones((2, 3), "float32"))
        assert both[1].numpy().tolist() == np.asarray(kept).tolist() == [[1.0] * 3] * 2
        assert both[0].numpy().tolist() == [[2.0] * 3] * 2


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Variable(lambda shape, dtype: np.zeros(shape, dtype)), ValueError, "shape"),
        (lambda: Variable([1.0, 2.0], shape=(3,)), ValueError, "another shape"),
    ],
)
def test_shapes_that_are_missing_or_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("shape", [(-1,), (None, 2), (1.5,)])
def test_impossible_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="shape"):
        Variable(lambda shape, dtype: np.zeros(shape, dtype), shape=shape)


def test_integers_are_never_tracked():
    v = Variable([1, 2])
    with GradientTape() as tape:
        _ = v * 2
    assert v.key is None
    assert tape.watched_variables() == ()


def test_frozen_variables():
    v = Variable(3.0, trainable=False)
    v.trainable = True
    with GradientTape() as tape:
        y = v * v
    assert float(tape.gradient(y, v)) == 6.0
    v = Variable(3.0)
    with GradientTape() as tape:
        y = v * v
    v.trainable = False
    assert float(tape.gradient(y, v)) == 6.0


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_are_independent(make):
    v = Variable([1.0, 2.0], name="v", trainable=False)
    w = make(v)
    w.assign([5.0, 5.0])
    assert v.tolist() == [1.0, 2.0]
    assert (w.name, w.trainable, w.dtype) == ("v", False, v.dtype)
    assert w.identity != v.identity


def test_assignments_in_a_probe_are_taken_back():
    v = Variable([1.0, 2.0])
    with undone():
        v.assign_add(1.0)
        v.assign([9.0, 9.0])
        assert v.tolist() == [9.0, 9.0]
    assert v.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("size", [2, 4000])
def test_an_array_is_changed_in_place_unless_somebody_sees_it(size):
    v = Variable(np.ones(size))
    snapshot = v.value
    with v.changing() as array:
        array += 1.0
    v.increase(1.0)
    assert v.tolist() == [3.0] * size
    assert snapshot.tolist() == [1.0] * size


def test_a_small_change_that_fails_changes_nothing():
    v = Variable([1.0, 2.0])

    def change():
        with v.changing() as array:
            array[0] = 5.0
            array[:] = np.ones(3)

    with pytest.raises(ValueError, match="broadcast"):
        change()
    assert v.tolist() == [1.0, 2.0]


def test_what_is_added_broadcasts_but_never_stretches_the_variable():
    v = Variable(np.zeros((3, 2)))
    v.assign_add([[1.0], [2.0], [3.0]])
    v.assign_sub([1.0, 0.0])
    assert v.tolist() == [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]]
    with pytest.raises(ValueError, match="shape"):
        Variable(np.zeros((3, 1))).assign_add(np.ones((3, 2)))
