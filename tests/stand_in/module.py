"""Puts the module `cupy` together from the parts of the stand-in."""

from __future__ import annotations

from types import ModuleType

import numpy

from tests.stand_in import devices, random, signatures, solvers
from tests.stand_in.array import ndarray
from tests.stand_in.functions import WRITTEN_OUT, Ufunc, asnumpy, function, get_array_module
from tests.stand_in.kernels import memory
from tests.stand_in.kernels.elementwise import ElementwiseKernel
from tests.stand_in.kernels.raw import RawKernel, raw_module

# Types and constants which CuPy takes from NumPy as they are.
SHARED = (
    """
    bool bool_ broadcast_shapes complex128 complex64 complexfloating dtype e euler_gamma finfo float16
    float32 float64 floating generic iinfo inexact inf int16 int32 int64 int8 int_ integer intp isdtype
    issubdtype nan newaxis number pi promote_types s_ signedinteger uint16 uint32 uint64 uint8
    unsignedinteger
    """
).split()


def build(kernels: bool) -> dict[str, ModuleType]:
    """New modules under the names that `sys.modules` wants; with or without kernels in CUDA C."""
    cupy = _module("cupy")
    cupy.__version__ = "14.0.0"
    cupy.__file__ = __file__
    cupy.ndarray = ndarray
    for name in SHARED:
        setattr(cupy, name, getattr(numpy, name))
    for name in signatures.UFUNCS:
        setattr(cupy, name, Ufunc(name))
    for name, signature in signatures.FUNCTIONS.items():
        if hasattr(numpy, name):  # NumPy 2.0 lacks a few that came later
            home = memory.HOME if hasattr(memory.HOME, name) else numpy
            setattr(cupy, name, WRITTEN_OUT.get(name) or function(name, signature, home))
    cupy.asnumpy, cupy.get_array_module = asnumpy, get_array_module
    cupy.ufunc = Ufunc
    cupy.get_default_memory_pool = lambda: devices.POOL
    cupy.is_available = lambda: True
    if kernels:
        cupy.RawKernel, cupy.RawModule, cupy.ElementwiseKernel = RawKernel, raw_module, ElementwiseKernel
    cupy.linalg = _delegating("cupy.linalg", signatures.LINALG, solvers.HOME)
    cupy.linalg.LinAlgError = numpy.linalg.LinAlgError
    cupy.fft = _delegating("cupy.fft", signatures.FFT, numpy.fft)
    cupy.random, cupy.cuda = _module("cupy.random"), _module("cupy.cuda")
    random.build(cupy.random)
    runtime = devices.build(cupy.cuda)
    cupyx = _module("cupyx")
    cupyx.errstate = solvers.errstate
    modules = (cupyx, cupy, cupy.linalg, cupy.fft, cupy.random, cupy.cuda, runtime)
    return {module.__name__: module for module in modules}


def _delegating(name, table, home):
    module = _module(name)
    for function_name, signature in table.items():
        setattr(module, function_name, function(function_name, signature, home))
    return module


def _module(name):
    module = ModuleType(name)

    def missing(attribute):
        raise AttributeError(f"module '{name}' has no attribute '{attribute}': CuPy 14 or the stand-in lacks it")

    module.__getattr__ = missing
    return module
