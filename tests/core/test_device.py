"""Devices: named, chosen, never mixed."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from eagerflow import ops
from eagerflow.base.errors import DeviceError
from eagerflow.core import device as devices
from eagerflow.core.device import Device, list_devices, memory_info, set_default_device
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable


@pytest.fixture(autouse=True)
def _default_untouched():
    yield
    set_default_device(None)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("cpu", "cpu"),
        ("CPU:0", "cpu"),
        ("/cpu:0", "cpu"),
        ("gpu", "gpu:0"),
        ("cuda:1", "gpu:1"),
        ("/device:GPU:2", "gpu:2"),
    ],
)
def test_spellings(spelling, name):
    assert str(Device(spelling)) == name
    assert Device(spelling) == name
    assert hash(Device(spelling)) == hash(Device(name))


def test_unknown_device_suggests():
    with pytest.raises(ValueError, match="Did you mean 'gpu"):
        Device("gpu0")


def test_gpu_without_cupy_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    cure = r"'eagerflow\[cuda13\]' for CUDA 13. Fix: pip install 'cupy-cuda12x\[ctk\]>=14', or with cupy-cuda13x"
    with pytest.raises(ImportError, match=cure), devices.device("gpu:0"):
        pass
    assert list_devices() == ["cpu"]


def test_gpu_that_is_not_there(cupy_stand_in):
    with pytest.raises(DeviceError, match=r"gpu:99.*not there"):
        set_default_device("gpu:99")


def test_block_and_default_and_environment(cupy_stand_in, monkeypatch):
    assert Tensor(1.0).device == "cpu"
    monkeypatch.setenv("EAGERFLOW_DEVICE", "gpu:0")
    assert Tensor(1.0).device == "gpu:0"
    set_default_device("cpu")
    assert Tensor(1.0).device == "cpu"
    with devices.device("gpu:0"):
        assert Tensor(1.0).device == "gpu:0"
        with devices.device("cpu"):
            assert Tensor(1.0).device == "cpu"
    assert list_devices()[:2] == ["cpu", "gpu:0"]


def test_block_ends_after_an_exception(cupy_stand_in):
    with pytest.raises(ZeroDivisionError), devices.device("gpu:0"):
        _ = 1 / 0
    assert Tensor(1.0).device == "cpu"


def test_mixed_devices_are_an_error_that_names_both(cupy_stand_in):
    here = Tensor([1.0, 2.0])
    with devices.device("gpu:0"):
        there = Tensor([1.0, 2.0])
    for call in (ops.add, ops.matmul):
        for pair in ((here, there), (there, here)):
            with pytest.raises(DeviceError, match=r"(cpu, gpu:0|gpu:0, cpu).*\.to\("):
                call(*pair)
    with pytest.raises(DeviceError):
        ops.stack([here, there])
    with pytest.raises(DeviceError):
        Variable([0.0, 0.0]).assign(there)


def test_moving_between_devices_keeps_values_and_gradients(cupy_stand_in):
    w = Variable([1.0, 2.0])
    with GradientTape() as tape:
        there = (w * w).to("gpu:0")
        assert there.device == "gpu:0"
        y = (there * 3.0).to("cpu").sum()
    assert tape.gradient(y, w).tolist() == [6.0, 12.0]
    assert w.value.to("cpu").device == "cpu"


def test_numbers_fit_any_device(device):
    t = Tensor([1.0, 2.0])
    assert (2.0 * t + np.float64(1.0)).tolist() == [3.0, 5.0]
    assert (t * 2.0).dtype == "float32"
    assert (t + np.float64(1.0)).device == device


def test_training_on_the_device_copies_nothing_to_the_host(cupy_stand_in):
    with devices.device("gpu:0"):
        w, x = Variable(np.ones((3, 2), "float32")), Tensor(np.ones((4, 3), "float32"))
        before = dict(cupy_stand_in.copies) if hasattr(cupy_stand_in, "copies") else None
        with GradientTape() as tape:
            y = ops.tanh(ops.matmul(x, w)).mean()
        gradient = tape.gradient(y, w)
        if before is not None:
            assert dict(cupy_stand_in.copies)["device_to_host"] == before["device_to_host"]
    assert gradient.device == "gpu:0"


def test_memory_info_of_the_cpu():
    info = memory_info("cpu")
    assert set(info) == {"used", "peak", "free", "total"}
    if sys.platform == "linux":
        assert 0 < info["used"] <= info["total"]


def test_memory_info_of_a_gpu(cupy_stand_in):
    assert memory_info("gpu:0")["total"] > 0
