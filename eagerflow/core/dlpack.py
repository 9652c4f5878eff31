"""DLPack: arrays handed from one library to another, on the CPU and on GPUs, by their `__dlpack__`.

The protocol is that of the Python array API standard (2024.12), and of DLPack 1.0.
"""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.errors import WrongTypeError
from eagerflow.base.typing import Array
from eagerflow.core.device import CPU, Device, device_of, load_cupy
from eagerflow.core.tensor import Tensor, register_methods

__all__ = ["from_dlpack"]

_CPU, _CUDA = 1, (2, 3, 13)  # DLPack's numbers for devices: of CUDA the device's memory, pinned and managed memory


def _device(tensor: Tensor) -> tuple[int, int]:
    """`__dlpack_device__` of tensors: kind and number."""
    where = device_of(tensor.data)
    return (_CPU, 0) if where == CPU else (_CUDA[0], where.index)


def _exported(
    tensor: Tensor,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: Any = None,
    copy: bool | None = None,
) -> Any:
    """`__dlpack__` of tensors, which nobody may change: a copy, or with `copy=False` the array itself, read-only.

    A mark alone won't do as the default: NumPy heeds it, PyTorch writes through it.

    Raises:
        BufferError: where that can't be: `copy=False` for a library that doesn't know the mark, another device, or a
            type that DLPack or NumPy's part of it doesn't have.
    """
    array = tensor.data
    if device_of(array) != CPU:
        return (array if copy is False else array.copy()).__dlpack__(stream=stream, max_version=max_version)
    array = numpy.asarray(array)
    if copy is False:
        if max_version is None or max_version[0] < 1:
            raise BufferError(
                "__dlpack__(copy=False): tensors never change, and the library that asks doesn't know read-only memory "
                "(DLPack 1.0). Leave copy out, which copies."
            )
        array = array.view()
        array.flags.writeable = False
    else:
        array = array.copy()
    return array.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device)


def _imported(x: Any) -> tuple[Array, Device]:
    """The memory of an object that has `__dlpack__`, and where it is. It isn't copied, and may still be written to.

    Raises:
        TypeError: for other objects, and for types of numbers that NumPy doesn't have.
        ValueError: for a device that is neither the CPU nor a GPU of CUDA.
    """
    if not hasattr(x, "__dlpack__") or not hasattr(x, "__dlpack_device__"):
        raise WrongTypeError(
            f"from_dlpack(x): expected an array of a library that knows DLPack, such as PyTorch's or JAX's; got "
            f"{type(x).__name__}. Lists and numbers go to convert_to_tensor."
        )
    kind, number = x.__dlpack_device__()
    if kind != _CPU and kind not in _CUDA:
        raise ValueError(
            f"from_dlpack(x): x lies on a device of DLPack's kind {int(kind)}; expected the CPU or a GPU of CUDA. "
            "Move it to the CPU first."
        )
    try:
        if kind == _CPU:
            return numpy.from_dlpack(x), CPU
        return load_cupy().from_dlpack(x), Device(f"gpu:{number}")
    except (BufferError, RuntimeError) as error:
        hint = " Convert it first, to float32 or another type that NumPy has." if "type" in str(error) else ""
        raise WrongTypeError(f"from_dlpack(x): {str(error).rstrip('.')}.{hint}") from error


register_methods(__dlpack__=_exported, __dlpack_device__=_device)


def from_dlpack(x: Any, *, device: str | Device | None = None, copy: bool | None = None) -> Tensor:
    """Converts an array of another library (PyTorch, JAX, CuPy, ...) to a tensor, by its `__dlpack__` method.

    In the other direction, `torch.from_dlpack(tensor)`, `jax.numpy.from_dlpack(tensor)` and `numpy.from_dlpack(tensor)`
    return copies, since tensors never change. With `copy=False` NumPy shares a tensor's memory and refuses to write to
    it. PyTorch has no read-only memory: don't write to the result of `torch.from_dlpack(tensor, copy=False)`.

    Args:
        x: an array that has `__dlpack__` and `__dlpack_device__`.
        device: a device name; default: where `x` is.
        copy: True or None: the tensor is a copy. False: it shares the memory of `x`, which must not be changed any
            more.

    Raises:
        TypeError: for objects without `__dlpack__`, and for types that NumPy doesn't have, such as PyTorch's bfloat16.
        ValueError: with `copy=False`, for another device than that of `x`.

    >>> ef.from_dlpack(np.arange(3, dtype="float32"))
    Tensor(3 float32, [0., 1., 2.])
    >>> np.from_dlpack(ef.Tensor([1.0, 2.0]))
    array([1., 2.], dtype=float32)
    """
    array, where = _imported(x)
    wanted = where if device is None else Device(device)
    if copy is not False:
        return Tensor(array, device=wanted)
    if wanted != where:
        raise ValueError(f"from_dlpack(copy=False, device={str(wanted)!r}): x is on {str(where)!r}. Leave copy out.")
    if isinstance(array, numpy.ndarray):
        array.flags.writeable = False
    return Tensor(array, key=None)
