"""Where arrays live: NumPy on the CPU, CuPy on a GPU. The one file which imports cupy.

`namespaces` maps an array type to the module with its functions; CuPy enters it when a GPU is
first asked for. Arrays are moved only on request (`tensor.to`, `convert_to_tensor`): an op that
meets two devices raises a `DeviceError`.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy

from eagerflow.base.errors import DeviceError, did_you_mean
from eagerflow.base.text.extras import pip_install
from eagerflow.base.typing import Array
from eagerflow.core.links import above

__all__ = ["Device", "current_device", "default_device", "device", "device_of", "list_devices", "load_cupy"]
__all__ += ["is_array", "is_for_gpu_kernels", "memory_info", "namespace_of", "place", "set_default_device", "to_host"]

namespaces: dict[type, ModuleType] = {numpy.ndarray: numpy}
# The module whose arrays kernels take, by the kind of device: for a GPU CuPy, from when it is first asked for.
kernels_take: dict[str, ModuleType | None] = {"cpu": numpy, "gpu": None}
_default: list[Device | None] = [None]
_scoped: contextvars.ContextVar[Device | None] = contextvars.ContextVar("device", default=None)
_SPELLING = re.compile(r"/?(?:device:)?(cpu|gpu|cuda)(?::(\d+))?", re.IGNORECASE)


class Device:
    """A device that holds arrays: `"cpu"` or `"gpu:N"`. It compares equal to its name as a string.

    Args:
        name: `"cpu"`, `"gpu"` (the first), `"gpu:1"`; also spelled `"cuda:0"` or `"/GPU:0"`.

    Raises:
        ValueError: for a name which is none of these.

    >>> ef.Device("/CPU:0"), ef.Device("gpu")
    (Device('cpu'), Device('gpu:0'))
    >>> ef.Device("gpu:1").kind, ef.Device("gpu:1").index
    ('gpu', 1)
    >>> ef.Tensor([1.0], device="cpu").device == "cpu"
    True
    """

    __slots__ = ("index", "kind")

    def __init__(self, name: str | Device) -> None:
        match = _SPELLING.fullmatch(str(name))
        if match is None:
            hint = did_you_mean(str(name), ["cpu", "gpu", "gpu:0", "gpu:1", "cuda:0"])
            raise ValueError(f"device name {name!r}: expected 'cpu', 'gpu' or 'gpu:0', 'gpu:1', ...{hint}")
        self.kind = "cpu" if match[1].lower() == "cpu" else "gpu"
        self.index = int(match[2] or 0)

    def __str__(self) -> str:
        return "cpu" if self.kind == "cpu" else f"gpu:{self.index}"

    def __repr__(self) -> str:
        return f"Device({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str) and _SPELLING.fullmatch(other):
            other = Device(other)
        return isinstance(other, Device) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


CPU = Device("cpu")


def default_device() -> Device:
    """The device of new tensors outside any `device(...)` block.

    It is set by `set_default_device`, else by the environment variable `EAGERFLOW_DEVICE`; else it is the CPU.

    >>> ef.set_default_device("cpu")
    >>> str(ef.default_device())
    'cpu'
    >>> ef.set_default_device(None)
    """
    return _default[0] or Device(os.environ.get("EAGERFLOW_DEVICE") or "cpu")


def set_default_device(name: str | Device | None) -> None:
    """Sets the device of new tensors for the whole process; None for that of the environment variable, or the CPU.

    Args:
        name: `"cpu"`, `"gpu"` or `"gpu:0"`, or None.

    Raises:
        ImportError: for a GPU without CuPy; the message names the extra to install.
        DeviceError: for a GPU that isn't there.

    >>> ef.set_default_device("cpu")
    >>> str(ef.ops.ones(2).device)
    'cpu'
    >>> ef.set_default_device(None)
    """
    _default[0] = None if name is None else _available(Device(name))


def current_device() -> Device:
    """The device on which new tensors are made now: that of the innermost `device(...)` block, or the default.

    >>> with ef.device("cpu"):
    ...     str(ef.current_device())
    'cpu'
    """
    return _scoped.get() or default_device()


@contextlib.contextmanager
def device(device_name: str | Device) -> Iterator[Device]:
    """A block inside which new tensors are made on this device. Existing ones stay where they are.

    Args:
        device_name: `"cpu"`, `"gpu"`, `"gpu:1"`, or a `Device`.

    Raises:
        ImportError: for a GPU without CuPy; the message names the extra to install.
        DeviceError: for a GPU that isn't there.

    >>> with ef.device("cpu"):
    ...     x = ef.ops.ones((2, 3))
    >>> x.device
    Device('cpu')
    """
    chosen = _available(Device(device_name))
    before = _scoped.get()
    _scoped.set(chosen)
    try:
        yield chosen
    finally:
        _scoped.set(before)


def list_devices() -> list[str]:
    """The names of all devices that can be used now, the CPU first.

    >>> ef.list_devices()[0]
    'cpu'
    """
    return ["cpu", *[f"gpu:{i}" for i in range(_gpu_count())]]


def memory_info(name: str | Device | None = None) -> dict[str, int | None]:
    """The memory of a device in bytes: a dict of `used`, `peak`, `free` and `total`; None for what can't be known.

    For the CPU, `used` and `peak` are this process' resident memory. For a GPU, `used` is what
    CuPy's pool holds in arrays, and `peak` is None: CuPy doesn't keep it.

    Args:
        name: `"cpu"` or `"gpu:0"`; default: the current device.

    >>> sorted(ef.memory_info("cpu"))
    ['free', 'peak', 'total', 'used']
    >>> ef.memory_info("cpu")["used"] > 0
    True
    """
    asked = current_device() if name is None else Device(name)
    if asked.kind == "cpu":
        return _host_memory()
    _available(asked)
    cupy = load_cupy()
    with cupy.cuda.Device(asked.index):
        free, total = cupy.cuda.runtime.memGetInfo()
        used = cupy.get_default_memory_pool().used_bytes()
    return {"used": int(used), "peak": None, "free": int(free), "total": int(total)}


def _host_memory() -> dict[str, int | None]:
    found: dict[str, int | None] = dict.fromkeys(("used", "peak", "free", "total"))
    for source, names in (
        ("self/status", {"VmRSS": "used", "VmHWM": "peak"}),
        ("meminfo", {"MemAvailable": "free", "MemTotal": "total"}),
    ):
        path = Path("/proc") / source
        for line in path.read_text(encoding="ascii", errors="replace").splitlines() if path.exists() else []:
            label, _, rest = line.partition(":")
            if label in names:
                found[names[label]] = int(rest.split()[0]) * 1024
    return found


def load_cupy() -> ModuleType:
    """CuPy, entered into `namespaces` on first use."""
    try:
        import cupy
    except ImportError:
        raise ImportError(
            "A GPU device needs CuPy, which is not installed; 'eagerflow[cuda12]' brings it for CUDA 12, "
            f"and 'eagerflow[cuda13]' for CUDA 13. Fix: {pip_install('cupy-cuda12x[ctk]')}, or with cupy-cuda13x"
        ) from None
    if cupy.ndarray not in namespaces:
        namespaces[cupy.ndarray] = cupy
        if above.load_gpu_kernels is not None:
            above.load_gpu_kernels(cupy)
    return cupy


def _gpu_count() -> int:
    try:
        cupy = load_cupy()
        return int(cupy.cuda.runtime.getDeviceCount())
    except (ImportError, RuntimeError):  # CuPy's CUDARuntimeError (no driver, no GPU) is a RuntimeError
        return 0


def _available(asked: Device) -> Device:
    if asked.kind == "gpu":
        load_cupy()
        count = _gpu_count()
        if asked.index >= count:
            raise DeviceError(f"device '{asked}' is not there: found {count} GPU(s). Available: {list_devices()}.")
    return asked


def namespace_of(*arrays: Array) -> ModuleType:
    """The array module (numpy, cupy) of raw arrays; Python and NumPy numbers fit any.

    Raises:
        DeviceError: when the arrays live on different devices.
    """
    found: ModuleType | None = None
    for array in arrays:
        module = namespaces.get(type(array))
        if module is None or module is found:
            continue
        if found is not None:
            raise DeviceError(
                f"tensors of different devices met: {', '.join(str(device_of(a)) for a in arrays if a is not None)}. "
                "Move one of them: tensor.to('cpu') or tensor.to('gpu:0')."
            )
        found = module
    return numpy if found is None else found


def device_of(array: Array) -> Device:
    """The device of a raw array; Python numbers and NumPy scalars count as the CPU's."""
    if type(array) is numpy.ndarray or namespaces.get(type(array), numpy) is numpy:
        return CPU
    return Device(f"gpu:{array.device.id}")


def is_for_gpu_kernels(array: Array) -> bool:
    """Whether an array is of the CuPy whose arrays kernels for a GPU take."""
    cupy = kernels_take["gpu"]
    return cupy is not None and isinstance(array, cupy.ndarray)


def place(array: Array, where: Device) -> Array:
    """`array` on the device `where`: itself when it is there already, else a copy."""
    if device_of(array) == where:
        return array
    if where.kind == "cpu":
        return to_host(array)
    _available(where)
    cupy = load_cupy()
    with cupy.cuda.Device(where.index):
        return cupy.asarray(array)


def to_host(array: Array) -> Array:
    """The array as NumPy's: itself on the CPU, a copy of a GPU's."""
    return array.get() if namespaces.get(type(array), numpy) is not numpy else array


def is_array(value: Any) -> bool:
    """True for NumPy's arrays and CuPy's."""
    return isinstance(value, numpy.ndarray) or is_device_array(value)


def is_device_array(value: Any) -> bool:
    """True for CuPy's arrays, also of a CuPy that the user imported before we did."""
    kind = type(value)
    if kind in namespaces:
        return namespaces[kind] is not numpy
    if str(kind.__module__).partition(".")[0] == "cupy" and "cupy" in sys.modules and kind.__name__ == "ndarray":
        load_cupy()
        return True
    return False
