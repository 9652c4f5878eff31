"""cuBLAS, called directly: CuPy's own calls refuse to be recorded into CUDA graphs, which cuBLAS itself allows.

A handle belongs to one thread and one GPU. It is given memory to work in for each stream: what cuBLAS takes by itself
may be in use by two graphs at once.

Source: the cuBLAS documentation, "CUDA Graphs Support" and `cublasGemmEx`.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from eagerflow.core.device import load_cupy

__all__ = ["TYPES", "gemm"]

# Bytes to work in: what NVIDIA recommends for its newest GPUs, and less for the streams of graphs, which are many.
_ROOM, _ROOM_OF_OTHERS = 1 << 25, 1 << 23
_DEFAULT_ALGORITHM = -1


class _Type:
    """How cuBLAS calls a type of numbers, and in which it adds: numbers of float32 are never rounded to fewer bits."""

    def __init__(self, number: int, adding: int, factor: Callable[[float], Any]) -> None:
        self.number, self.adding = number, adding
        self.one, self.zero = factor(1.0), factor(0.0)


_SINGLE, _DOUBLE = 68, 70  # CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_64F
# By the characters of NumPy's types.
TYPES = {
    "e": _Type(2, _SINGLE, ctypes.c_float),
    "f": _Type(0, _SINGLE, ctypes.c_float),
    "d": _Type(1, _DOUBLE, ctypes.c_double),
}


@cache
def _library() -> Any:
    """The cuBLAS that CuPy has loaded; None where it isn't found."""
    cupy = load_cupy()
    _ = cupy.cuda.Device().cublas_handle  # which loads it
    major = cupy.cuda.runtime.runtimeGetVersion() // 1000
    name = f"cublas64_{major}.dll" if sys.platform == "win32" else f"libcublas.so.{major}"
    try:
        library = ctypes.CDLL(name)
    except OSError:
        return None
    pointer: Any = ctypes.c_void_p
    number: Any = ctypes.c_int
    matrix = [pointer, number, number]  # its address, type and the distance of columns
    library.cublasCreate_v2.argtypes = [ctypes.POINTER(pointer)]
    library.cublasSetStream_v2.argtypes = [pointer, pointer]
    library.cublasSetWorkspace_v2.argtypes = [pointer, pointer, ctypes.c_size_t]
    head = [pointer, *[number] * 5, pointer]
    library.cublasGemmEx.argtypes = [*head, *matrix, *matrix, pointer, *matrix, number, number]
    step: Any = ctypes.c_longlong
    library.cublasGemmStridedBatchedEx.argtypes = [
        *head,
        *[*matrix, step] * 2,
        pointer,
        *[*matrix, step],
        *[number] * 3,
    ]
    return library


class _Handle:
    """cuBLAS on one GPU, for one thread."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.pointer = ctypes.c_void_p()
        _checked(library.cublasCreate_v2(ctypes.byref(self.pointer)))
        self._stream: int | None = None
        self._rooms: dict[int, Any] = {}

    def on(self, stream: int) -> ctypes.c_void_p:
        """Its pointer, with calls put onto this stream from now on."""
        if stream != self._stream:
            room = self._rooms.get(stream)
            if room is None:
                size = _ROOM if stream == 0 else _ROOM_OF_OTHERS
                room = self._rooms[stream] = load_cupy().cuda.alloc(size)
            _checked(self.library.cublasSetStream_v2(self.pointer, stream))
            _checked(self.library.cublasSetWorkspace_v2(self.pointer, room.ptr, room.mem.size))
            self._stream = stream
        return self.pointer


_of_thread = threading.local()


def _checked(status: int) -> None:
    if status:
        raise RuntimeError(f"cuBLAS answered with status {status}")


def gemm(
    kind: str, device: int, stream: int, turned: tuple[int, int], sizes: tuple[int, int, int], *matrices: Any
) -> bool:
    """`a @ b` into `out`, matrices or stacks of them that lie column by column, on a stream.

    Args:
        kind: the character of their type, one of `TYPES`.
        device: the number of the GPU.
        stream: its address.
        turned: for `a` and `b` 1 if the matrix is the transposed one of what lies there, else 0.
        sizes: rows of `out`, its columns, and the length that is summed over.
        *matrices: for `a`, `b` and `out` its address, the distance of columns and that of the stack's matrices, in
            numbers; at the end how many matrices there are.

    Returns:
        False where cuBLAS isn't found: nothing has happened.

    Raises:
        RuntimeError: where cuBLAS refuses.
    """
    try:
        handle = _of_thread.handles[device]
    except (AttributeError, KeyError):
        library = _library()
        if library is None:
            return False
        _of_thread.__dict__.setdefault("handles", {})[device] = handle = _Handle(library)
    a, b, out, count = matrices
    how, number = TYPES[kind], TYPES[kind].number
    head = (handle.on(stream), *turned, *sizes, ctypes.addressof(how.one))
    zero = ctypes.addressof(how.zero)
    if count == 1:
        (at_a, ld_a, _), (at_b, ld_b, _), (at_out, ld_out, _) = a, b, out
        status = handle.library.cublasGemmEx(
            *head, at_a, number, ld_a, at_b, number, ld_b, zero, at_out, number, ld_out, how.adding, _DEFAULT_ALGORITHM
        )
    else:
        (at_a, ld_a, by_a), (at_b, ld_b, by_b), (at_out, ld_out, by_out) = a, b, out
        of_a, of_b, of_out = (at_a, number, ld_a, by_a), (at_b, number, ld_b, by_b), (at_out, number, ld_out, by_out)
        status = handle.library.cublasGemmStridedBatchedEx(
            *head, *of_a, *of_b, zero, *of_out, count, how.adding, _DEFAULT_ALGORITHM
        )
    _checked(status)
    return True
