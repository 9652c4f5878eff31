"""Tensors: made, looked at, refused."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor, convert_to_tensor, is_tensor
from eagerflow.core.variable import Variable


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.5, "float32"),
        ([1.5], "float32"),
        (1, "int32"),
        ([[1, 2]], "int32"),
        (True, "bool"),
        ([True], "bool"),
        (1j, "complex64"),
        ([2**40], "int64"),
        (np.float64(1.0), "float64"),
        (np.ones(2), "float64"),
        (np.ones(2, "int64"), "int64"),
        (np.ones(2, "float16"), "float16"),
        ([], "float32"),
        (range(3), "int32"),
        ([np.float32(1.0), 2.0], "float32"),
    ],
)
def test_default_types(value, dtype, device):
    assert Tensor(value).dtype == dtype


def test_dtype_argument_wins(device):
    assert Tensor([1, 2], "float64").dtype == "float64"
    assert convert_to_tensor(np.ones(2), dtype="float16").dtype == "float16"
    assert convert_to_tensor(Tensor([1.7]), dtype="int32").tolist() == [1]


def test_what_is_copied():
    array = np.zeros(3)
    tensors = [Tensor(array), convert_to_tensor(array), Variable(array).value]
    array[:] = 1.0
    assert all(t.tolist() == [0.0] * 3 for t in tensors)
    array, w = np.ones(2), Variable(np.ones(2))
    with GradientTape() as tape:
        y = (w * array).sum()
    array[:] = 100.0
    assert tape.gradient(y, w).tolist() == [1.0, 1.0]
    t = Tensor([1.0])
    assert convert_to_tensor(t) is t
    assert convert_to_tensor(t, "float32") is t


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ([[1, 2], [3]], ValueError, "unequal lengths"),
        ("text", TypeError, "hold numbers"),
        ([object()], TypeError, "hold numbers"),
        (None, TypeError, "None"),
        (np.array(["a"]), TypeError, "hold numbers"),
        ({"a": 1}, TypeError, "dict"),
    ],
)
def test_what_is_no_array_is_refused(value, error, words):
    with pytest.raises(error, match=words):
        Tensor(value)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Tensor([1.0], "flaot32"), ValueError, "Did you mean 'float32'"),
        (lambda: bool(Tensor([True, False])), ValueError, "any"),
        (lambda: [1, 2][Tensor(1.0)], TypeError, "integer"),
        (lambda: Tensor(np.array([255], "uint8")) + 300, OverflowError, r"add\(uint8\[1\], 300\)"),
    ],
)
def test_mistakes(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("option", ["sparse", "ragged"])
def test_sparse_and_ragged_are_refused(option):
    with pytest.raises(ValueError, match=option):
        convert_to_tensor([1.0], **{option: True})


def test_new_tensors_lie_in_order(device):
    """A GPU's copy would keep the columns of the host, and weights that lie so aren't updated in one launch."""
    by_columns = np.arange(6, dtype="float32").reshape(3, 2).T
    for made in (Tensor(by_columns), Variable(by_columns)):
        assert made.data.flags.c_contiguous
        np.testing.assert_array_equal(made.numpy(), by_columns)
    assert Tensor(np.float32(2)).shape == ()
    assert Tensor(np.asarray(2.0)).shape == ()


def test_numbers(device):
    t = Tensor(2.5)
    assert float(t) == 2.5
    assert int(t) == 2
    assert complex(t) == 2.5
    assert t.item() == 2.5
    assert bool(t)
    assert f"{t:.2f}" == "2.50"
    assert [10, 20, 30][Tensor(1)] == 20


@pytest.mark.parametrize("call", [float, int, complex])
def test_number_of_several_elements_is_a_type_error(call):
    with pytest.raises(TypeError, match=r"shape \(2,\)"):
        call(Tensor([1.0, 2.0]))


def test_length_and_iteration(device):
    t = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert len(t) == 2
    assert [row.tolist() for row in t] == [[1.0, 2.0], [3.0, 4.0]]
    for call in (len, iter):
        with pytest.raises(TypeError, match=r"shape \(\)"):
            call(Tensor(1.0))


def test_tensors_do_not_change_in_place():
    with pytest.raises(TypeError, match="slice_update"):
        Tensor([1.0])[0] = 2.0
    with pytest.raises(TypeError, match="out="):
        np.add(Tensor([1.0]), 1.0, out=Tensor([1.0]))
    with pytest.raises(TypeError, match="out="):
        np.add(np.ones(1), Tensor([1.0]), out=np.zeros(1))


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("backward", "GradientTape"),
        ("grad", "gradient"),
        ("detach", "stop_gradient"),
        ("cuda", "gpu:0"),
        ("state_dict", "get_weights"),
        ("unsqueeze", "expand_dims"),
        ("float", "astype\\(.float32"),
        ("long", "astype\\(.int64"),
        ("dim", "tensor.ndim"),
        ("numel", "tensor.size"),
        ("contiguous", "Leave it out"),
        ("masked_fill", "ops.where"),
        ("requires_grad", "watch"),
    ],
)
def test_names_of_other_frameworks_name_our_way(name, way):
    with pytest.raises(AttributeError, match=way):
        getattr(Tensor(1.0), name)


def test_unset_slots_are_attribute_errors():
    t = Tensor(1.0)
    assert getattr(t, "mask", None) is None
    assert getattr(t, "serial", None) is None
    with pytest.raises(AttributeError, match="'nonsense'"):
        _ = t.nonsense


def test_representation(device):
    where = " on gpu:0" if device == "gpu:0" else ""
    assert repr(Tensor([1.0])) == f"Tensor(1 float32{where}, [1.])"
    assert repr(Tensor(2.0)) == f"Tensor(float32{where}, 2.)"
    assert len(repr(Tensor(np.zeros((1000, 1000))))) < 1000
    assert Tensor([1.0])._repr_html_().startswith("<pre ")


def test_pickling_and_copying(device):
    t = Tensor([[1.0, 2.0]], "float64")
    for other in (pickle.loads(pickle.dumps(t)), copy.deepcopy(t), copy.copy(t)):
        assert other.tolist() == t.tolist()
        assert other.dtype == t.dtype
        assert other.device == t.device


def test_attributes_and_keys(device):
    t = Tensor(np.zeros((2, 3), "float32"))
    assert (t.shape, t.ndim, t.size, t.nbytes) == ((2, 3), 2, 6, 24)
    assert is_tensor(t)
    assert not is_tensor(t.numpy())
    t = Tensor([[1.0, 2.0]])
    assert (np.shape(t), np.ndim(t), np.size(t)) == ((1, 2), 2, 2)
    a, b = Tensor([1.0]), Tensor([1.0])
    assert {a: 1, b: 2}[a] == 1


def test_numpy_functions_on_tensors_that_have_no_op_say_so():
    with pytest.raises(TypeError, match=r"numpy\.busday_count|no op"):
        np.trim_zeros(Tensor([0.0, 1.0]))
    with pytest.raises(TypeError, match="no op"):
        np.spacing(Tensor([0.0, 1.0]))


def test_array_on_the_left_of_an_operator(device):
    t = Tensor([1.0, 2.0])
    total = np.ones(2, "float32") + t
    assert isinstance(total, Tensor)
    assert total.tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("number", "dtype"),
    [(2**31 - 1, "int32"), (2**31, "int64"), (-(2**31), "int32"), (-(2**31) - 1, "int64"), (-(2**63), "int64")],
)
def test_python_integers_keep_their_value(number, dtype):
    assert (int(Tensor(number)), Tensor(number).dtype) == (number, dtype)


@pytest.mark.parametrize("again", [1, 1000])
def test_a_list_that_holds_itself_is_refused(again):
    value = []
    value += [value] * again
    with pytest.raises(ValueError, match="holds itself, or is nested more than 64 deep"):
        Tensor(value)


def test_a_copy_in_another_type_keeps_its_gradient():
    x = Variable([1.5, 2.0])
    with GradientTape() as tape:
        copied = Tensor(x * x, "float64")
    assert copied.dtype == "float64"
    assert tape.gradient(copied, x).tolist() == [3.0, 4.0]
