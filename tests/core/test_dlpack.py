"""Tensors handed to other libraries and taken from them by DLPack."""

from __future__ import annotations

import json

import numpy as np
import pytest

import eagerflow as ef


class Foreign:
    """An array of another library, which notes how it is asked."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.device = array, device

    def __dlpack__(self, **asked):
        return self.array.__dlpack__(**asked)

    def __dlpack_device__(self):
        return self.device


class OldConsumer:
    """A library that doesn't know DLPack 1.0 asks as this does, without a version."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __dlpack__(self, **asked):
        return self.tensor.__dlpack__(stream=None)

    def __dlpack_device__(self):
        return self.tensor.__dlpack_device__()


DTYPES = ["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool", "complex64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_there_and_back(dtype, shape):
    tensor = ef.Tensor(np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype))
    out = np.from_dlpack(tensor)
    assert (out.dtype, out.shape) == (tensor.dtype, shape)
    assert np.array_equal(out, tensor.numpy())
    again = ef.from_dlpack(tensor)
    assert (again.dtype, again.shape) == (tensor.dtype, shape)
    assert np.array_equal(again.numpy(), tensor.numpy())


def test_what_goes_out_is_a_copy_of_what_is_there_now():
    tensor = ef.Tensor([1.0, 2.0])
    out = np.from_dlpack(tensor)
    out[0] = 7
    assert tensor.tolist() == [1, 2]
    variable = ef.Variable([1.0, 2.0])
    out = np.from_dlpack(variable)
    variable.assign([3.0, 4.0])
    assert out.tolist() == [1, 2]


def test_without_a_copy_what_goes_out_is_read_only():
    tensor = ef.Tensor([[1.0, 2.0], [3.0, 4.0]])
    out = np.from_dlpack(tensor, copy=False)
    assert np.shares_memory(out, tensor.data)
    with pytest.raises(ValueError, match="read-only"):
        out[0] = 7


def test_a_library_that_knows_no_read_only_memory_gets_a_copy():
    tensor = ef.Tensor([1.0, 2.0])
    out = np.from_dlpack(OldConsumer(tensor))
    assert out.tolist() == [1, 2]
    assert not np.shares_memory(out, tensor.data)
    with pytest.raises(BufferError, match="Leave copy out"):
        tensor.__dlpack__(copy=False)


def test_what_comes_in_is_a_copy_or_shares_memory_that_we_dont_write_to():
    theirs = np.ones((2, 3), "float32")
    copied, shared = ef.from_dlpack(Foreign(theirs)), ef.from_dlpack(Foreign(theirs), copy=False)
    theirs[0, 0] = 7
    assert copied[0, 0] == 1
    assert shared[0, 0] == 7
    with pytest.raises(ValueError, match="read-only"):
        shared.data[0, 0] = 3
    assert theirs.flags.writeable  # it stays theirs


def test_views_that_are_not_contiguous_go_both_ways():
    theirs = np.arange(12.0).reshape(3, 4)[::-1, ::2].T
    assert np.array_equal(ef.from_dlpack(theirs).numpy(), theirs)
    assert np.array_equal(ef.from_dlpack(theirs, copy=False).numpy(), theirs)
    tensor = ef.Tensor(np.arange(6.0).reshape(2, 3)).T
    assert np.array_equal(np.from_dlpack(tensor), tensor.numpy())


def test_shared_memory_takes_part_in_gradients():
    theirs = np.array([1.0, 2.0], "float32")
    x = ef.from_dlpack(theirs, copy=False)
    with ef.GradientTape() as tape:
        tape.watch(x)
        y = (x * x).sum()
    assert tape.gradient(y, x).tolist() == [2, 4]


@pytest.mark.parametrize("wrong", [[1.0], 3, None, "text"])
def test_what_knows_no_dlpack_is_refused(wrong):
    with pytest.raises(TypeError, match=r"from_dlpack\(x\): expected an array.*convert_to_tensor"):
        ef.from_dlpack(wrong)


def test_other_devices_and_types_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"kind 8.*Move it to the CPU"):
        ef.from_dlpack(Foreign(np.ones(2), (8, 0)))

    class Strange(Foreign):
        def __dlpack__(self, **asked):
            raise BufferError("no such type.")

    with pytest.raises(TypeError, match=r"no such type\. Convert it first"):
        ef.from_dlpack(Strange(np.ones(2)))


def test_a_scalar_goes_into_json_by_its_list():
    text = json.dumps({"loss": ef.Tensor(0.5), "all": [ef.Tensor([1, 2])]}, default=ef.Tensor.tolist)
    assert json.loads(text) == {"loss": 0.5, "all": [[1, 2]]}
