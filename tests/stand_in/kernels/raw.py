"""`RawKernel`: a function of a text in CUDA C, called with what CuPy takes, and stricter about it."""

from __future__ import annotations

import numpy

from tests.stand_in.array import ndarray
from tests.stand_in.calls import unsupported
from tests.stand_in.graphs import CUDARuntimeError, get_current_stream, launched
from tests.stand_in.kernels import compiler, memory

__all__ = ["RawKernel", "refuse_loading"]

_OPTIONS = {"--std=c++17", "--fmad=false"}
_SIZES = {"grid": (2**31 - 1, 65535, 65535), "block": (1024, 1024, 64)}


class RawKernel:
    """A kernel that is compiled when it is first called.

    As CuPy hands arguments over: arrays as pointers, Python's numbers as 8 bytes, NumPy's by their own size. Errors
    here, and not in CuPy, are arguments of other kinds and sizes than the kernel's parameters, too few or too many,
    arrays that don't lie in order or not where the type has to, and memory that is written to outside of arrays.
    """

    def __init__(self, code, name, options=(), backend="nvrtc", translate_cucomplex=False):
        unknown = set(options) - _OPTIONS
        if unknown or backend != "nvrtc" or translate_cucomplex:
            raise NotImplementedError(f"the stand-in's compiler has no options {unknown or backend}")
        self.code, self.name = code, name

    def __call__(self, grid, block, args, *, shared_mem=0):
        if shared_mem:
            raise NotImplementedError("the stand-in has no shared memory that is told in calls")
        sizes = [*_three("grid", grid), *_three("block", block)]
        if not compiler.is_loaded(self.code, self.name):
            refuse_loading(self.name)
        kernel = compiler.compiled(self.code, self.name)
        count = sizes[3] * sizes[4] * sizes[5]
        if count > kernel.most:
            raise CUDARuntimeError(
                f"cudaErrorLaunchOutOfResources: {count} threads, and {self.name} is for {kernel.most}"
            )
        if len(args) != len(kernel.parameters):
            raise TypeError(f"{self.name} takes {len(kernel.parameters)} arguments; given {len(args)}")
        for number, (value, parameter) in enumerate(zip(args, kernel.parameters)):
            _check(f"argument {number} of {self.name}", value, *parameter)
        _run(kernel, self.name, sizes, list(args))


def refuse_loading(name):
    """A kernel is loaded when it is first called, which a stream that captures doesn't allow."""
    if get_current_stream().is_capturing():
        raise CUDARuntimeError(f"cudaErrorStreamCaptureUnsupported: {name} is loaded while the stream is capturing")


def _three(what, lengths):
    lengths = (*lengths, 1, 1)[:3]
    if not all(1 <= length <= most for length, most in zip(lengths, _SIZES[what])):
        raise CUDARuntimeError(f"cudaErrorInvalidConfiguration: a {what} of {lengths}")
    return lengths


def _check(where, value, what, size, alignment):
    """Whether an argument is what the parameter takes: an array, a table of addresses, or a number of a size."""
    if isinstance(value, ndarray):
        if what not in ("array", "table"):
            raise TypeError(f"{where} is a number; given an array")
        if not value.flags.c_contiguous:
            raise ValueError(f"{where} doesn't lie in order: {value.shape} with strides {value.strides}")
        if size % value.itemsize or value._numbers.ctypes.data % alignment:
            raise ValueError(
                f"{where} is of other numbers than {value.dtype}, or lies where they can't be read at once"
            )
        if what == "table" and value.dtype != numpy.uint64:
            raise TypeError(f"{where} is a table of addresses; given {value.dtype}")
    elif isinstance(value, (bool, int)) and what in ("array", "table"):
        if value or isinstance(value, bool):
            raise TypeError(f"{where} is an array; given {value!r}")
    elif isinstance(value, numpy.generic):
        if what not in ("f", "i") or (value.dtype.kind == "f") != (what == "f") or value.dtype.itemsize != size:
            raise TypeError(f"{where} has {size} bytes ({what}); given {value.dtype}")
    elif isinstance(value, (int, float)):
        if (what == "f") != isinstance(value, float) or (what == "f" and size != 8):
            raise TypeError(f"{where} has {size} bytes ({what}); given {value!r}, of 8")
        if what == "i" and not -(2 ** (8 * size - 1)) <= value < 2 ** (8 * size - 1):
            raise OverflowError(f"{where} has {size} bytes; given {value}")
    else:
        raise unsupported(value)


def _launch(kernel, name, sizes, args):
    held, arrays = [], []
    for value, (what, *_) in zip(args, kernel.parameters):
        if isinstance(value, ndarray):
            arrays.append(value)
            if what == "table":
                arrays += [memory.lying_at(int(address))[0] for address in value._numbers.ravel()]
            value = numpy.uint64(value._numbers.ctypes.data)
        elif not isinstance(value, numpy.generic):
            value = numpy.float64(value) if isinstance(value, float) else numpy.int64(value)
        held.append(numpy.array(value))
    said = kernel([*map(int, sizes)], [each.ctypes.data for each in held])
    memory.check_zones(arrays, name)
    if said:
        raise AssertionError(f"{name}: {said}")


_run = launched(_launch, gives=False)


def raw_module(*args, **kwargs):
    """Its name alone says that kernels can be compiled."""
    raise NotImplementedError("the stand-in has no RawModule that can be used")
