"""CuPy's functions and ufuncs, answered by NumPy once the call has passed CuPy's rules."""

from __future__ import annotations

import warnings

import numpy

from tests.stand_in import signatures
from tests.stand_in.array import (
    OTHERWISE,
    apply,
    copies,
    index_of,
    names_places_again,
    ndarray,
    operand,
    unwrap,
    uploaded,
    wrap,
)
from tests.stand_in.calls import binder, refusing, unsupported
from tests.stand_in.graphs import launched

# Answers that live on the host in CuPy, too.
ON_HOST = {
    "can_cast",
    "iscomplexobj",
    "isrealobj",
    "isscalar",
    "min_scalar_type",
    "ndim",
    "result_type",
    "shape",
    "size",
}
# Parameters that must be plain numbers: a device array there fails in CuPy, for it has no `__index__`.
PLAIN = set(
    """
    shape newshape axis axes axis1 axis2 axisa axisb num N M k n s reps shift pad_width decimals source
    destination
    """.split()
)
# Functions whose first argument may be a number or a sequence of arrays. All others want one device array.
LENIENT = set(
    """
    allclose arange array_equal atleast_1d atleast_2d atleast_3d bartlett blackman broadcast_arrays
    can_cast column_stack concat concatenate dstack einsum empty eye fftfreq full hamming hanning hstack
    identity isclose iscomplexobj isrealobj isscalar kaiser linspace logspace matmul meshgrid
    min_scalar_type ndim ones ravel_multi_index result_type rfftfreq select shape size stack tri
    tril_indices triu_indices vstack where zeros
    """.split()
)


class Ufunc:
    """An elementwise function: device arrays and numbers in, device arrays out."""

    def __init__(self, name):
        self._function = OTHERWISE.get(name) or getattr(numpy, name)
        self.__name__ = self.name = name
        self.nin = getattr(getattr(numpy, name), "nin", 1)
        self.nout = getattr(getattr(numpy, name), "nout", 1)

    def __repr__(self):
        return f"<ufunc 'cupy_{self.name}'>"

    @launched
    def __call__(self, *args, out=None, dtype=None, casting="same_kind"):
        if not self.nin <= len(args) <= self.nin + self.nout:
            raise TypeError(f"Wrong number of arguments for {self!r}")
        if len(args) > self.nin:
            out = args[self.nin]
        settings = {}
        if out is not None:
            settings["out"] = _output(out)
        if dtype is not None:
            settings.update(dtype=dtype, casting=casting)
        result = apply(self._function, *args[: self.nin], **settings)
        return result if out is None else out

    def outer(self, A, B, **settings):
        return self(A[(...,) + (None,) * B.ndim], B, **settings)

    @launched
    def at(self, a, indices, b=None):
        if self.name not in signatures.AT:
            raise NotImplementedError(f"`cupy_{self.name}.at` is not supported yet")
        index, values = index_of(indices, a.shape), operand(b)
        if names_places_again(index):
            if str(a.dtype) not in signatures.AT[self.name]:
                raise TypeError(f"cupy.{self.name}.at only supports {', '.join(sorted(signatures.AT[self.name]))}")
            if self.name in ("maximum", "minimum") and a.dtype.kind == "f":
                _atomic_extreme(self.name, a._numbers, index, values)
                return
        self._function.at(a._numbers, index, values)

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        method = {"add": "sum", "multiply": "prod"}.get(self.name)
        if method is None:
            raise NotImplementedError(f"`cupy_{self.name}.reduce` is not supported yet")
        return getattr(array, method)(axis, dtype, out, keepdims)

    def accumulate(self, array, axis=0, dtype=None, out=None):
        method = {"add": "cumsum", "multiply": "cumprod"}.get(self.name)
        if method is None:
            raise NotImplementedError(f"`cupy_{self.name}.accumulate` is not supported yet")
        return getattr(array, method)(axis, dtype, out)

    @launched
    def reduceat(self, array, indices, axis=0, dtype=None, out=None):
        if self.name != "add":
            raise NotImplementedError(f"`cupy_{self.name}.reduceat` is not supported yet")
        return wrap(numpy.add.reduceat(array._numbers, unwrap(indices), axis, dtype))


def _atomic_extreme(name, numbers, index, values):
    """As the device does it (`cupy/_core/include/cupy/atomics.cuh`): by `fmaxf`, in float32 and without NaN."""
    among = numpy.zeros(numbers.shape, bool)
    among[index] = True
    narrow = numbers.astype("f4")
    getattr(numpy, {"maximum": "fmax", "minimum": "fmin"}[name]).at(narrow, index, values)
    numbers[among] = narrow[among]


def _output(out):
    """Where to write: device arrays only."""
    if isinstance(out, tuple):
        return tuple([_output(part) for part in out])
    if not isinstance(out, ndarray):
        raise TypeError(f"return arrays must be device arrays, not {type(out)}")
    return out._numbers


def function(name, signature, home=numpy):
    """The function `name` of NumPy's module `home`, held to CuPy's signature and rules."""
    bind = binder(name, signature)
    parameters = [part.partition("=")[0].strip() for part in signature.split(",")]
    answer_by_numpy = refusing(name, getattr(home, name))

    def call(*args, **kwargs):
        out, args, kwargs = bind(args, kwargs)
        if name not in LENIENT and not isinstance(args[0], ndarray):
            raise TypeError(f"cupy.{name} wants a device array first, not {type(args[0])}")
        _refuse_arrays_for_numbers(name, {**dict(zip(parameters, args)), **kwargs})
        given = [unwrap(value) for value in args]
        settings = {key: unwrap(value) for key, value in kwargs.items()}
        with numpy.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing are NaN on a GPU without a word
            result = answer_by_numpy(*given, **settings)
        if name in ON_HOST:
            return result
        return wrap(_plain_tuple(result), *_flat(args)) if out is None else out

    call.__name__ = call.__qualname__ = name
    return launched(call)


def _refuse_arrays_for_numbers(name, arguments):
    if name in ("linspace", "logspace"):
        return
    for parameter in PLAIN & arguments.keys():
        value = arguments[parameter]
        for part in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(part, ndarray):
                raise TypeError(f"cupy.{name}({parameter}=) wants integers, and a device array is none")


def _plain_tuple(result):
    """NumPy's named results (of `eigh`, `slogdet`) as the plain tuples that CuPy gives."""
    return tuple(result) if isinstance(result, tuple) else result


def _flat(values):
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        else:
            yield value


# -- written out: what crosses between host and device, and what NumPy would answer differently


@launched
def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if subok:
        raise NotImplementedError
    if isinstance(obj, ndarray):
        return wrap(numpy.array(obj._numbers, dtype, copy=copy or None, order=order, ndmin=ndmin), obj)
    if isinstance(obj, (list, tuple)) and any(isinstance(part, ndarray) for part in _flat(obj)):
        return wrap(numpy.array(unwrap(obj), dtype, ndmin=ndmin))
    return uploaded(numpy.array(obj, dtype, order=order, ndmin=ndmin))


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    if isinstance(a, ndarray) and not copy and (dtype is None or a.dtype == dtype):
        return a
    return array(a, dtype, copy or False, order or "K")


def ascontiguousarray(a, dtype=None):
    if not isinstance(a, ndarray):
        raise TypeError(f"Argument 'a' has incorrect type (expected cupy.ndarray, got {type(a).__name__})")
    return a if a.flags.c_contiguous and dtype in (None, a.dtype) else a.astype(dtype or a.dtype, "C")


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get(stream, order, out) if isinstance(a, ndarray) else numpy.asarray(a, order=order)


@launched
def copyto(dst, src, casting="same_kind", where=None):
    with numpy.errstate(all="ignore"):
        numpy.copyto(_output(dst), operand(src), casting, True if where is None else operand(where))


def take(a, indices, axis=None, out=None):
    return a.take(indices, axis, out)


def get_array_module(*args):
    return cupy_module() if any(isinstance(value, ndarray) for value in args) else numpy


def cupy_module():
    """The stand-in as it is installed now."""
    import cupy

    return cupy


WRITTEN_OUT = {f.__name__: f for f in (array, asarray, ascontiguousarray, copyto, take)}
WRITTEN_OUT["asanyarray"] = asarray

__all__ = ["WRITTEN_OUT", "Ufunc", "asnumpy", "copies", "function", "get_array_module", "unsupported"]
