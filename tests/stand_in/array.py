"""The stand-in's array: NumPy's numbers behind CuPy's manners."""

from __future__ import annotations

import operator
from types import SimpleNamespace

import numpy

from tests.stand_in import signatures
from tests.stand_in.calls import binder, refusing, unsupported
from tests.stand_in.graphs import hold, launched, refuse_copy, refuse_waiting
from tests.stand_in.kernels.memory import note_address

SCALARS = (bool, int, float, complex, numpy.generic)


class Copies:
    """How many arrays went from the host to the device and back."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.to_device = self.to_host = 0

    def __repr__(self):
        return f"Copies(to_device={self.to_device}, to_host={self.to_host})"


copies = Copies()


def device_zero():
    """The only device there is; `cuda.Device(0)` is equal to it."""
    return SimpleNamespace(id=0)


class Flags:
    """Memory layout: three answers and no more, as CuPy's."""

    def __init__(self, array):
        self.c_contiguous = array._numbers.flags.c_contiguous
        self.f_contiguous = array._numbers.flags.f_contiguous
        self.owndata = array.base is None

    def __getitem__(self, name):
        known = {"C_CONTIGUOUS": self.c_contiguous, "F_CONTIGUOUS": self.f_contiguous, "OWNDATA": self.owndata}
        return known[name]


def wrap(result, *sources):
    """What a function of CuPy answers, given what NumPy answered. A view's base is among the sources."""
    if isinstance(result, (tuple, list)):
        parts = [wrap(part, *sources) for part in result]
        return tuple(parts) if isinstance(result, tuple) else parts
    if result is None:
        return None
    numbers = numpy.asarray(result)
    if numbers.dtype.kind in "OSUMm":
        raise ValueError(f"Unsupported dtype {numbers.dtype}")
    array = object.__new__(ndarray)
    array._numbers = numbers
    array.base = None
    for source in sources:
        if isinstance(source, ndarray) and numpy.may_share_memory(source._numbers, numbers) and numbers.size:
            array.base = source if source.base is None else source.base
            break
    if array.base is None:
        hold(array)
    return array


def unwrap(value):
    """NumPy's array for a device array, also inside lists, tuples and dicts; host arrays are refused."""
    if isinstance(value, ndarray):
        return value._numbers
    if isinstance(value, numpy.ndarray):
        raise unsupported(value)
    if isinstance(value, (list, tuple)):
        return type(value)([unwrap(part) for part in value])
    if isinstance(value, dict):
        return {name: unwrap(part) for name, part in value.items()}
    return value


def operand(value):
    """NumPy's side of what arithmetic accepts: device arrays and numbers."""
    if isinstance(value, ndarray):
        return value._numbers
    if isinstance(value, SCALARS):
        return value
    raise unsupported(value)


def _wrapped_around(indices, length):
    """Integer indices as CuPy reads them: modulo the length."""
    return numpy.mod(indices, length) if length else indices


def index_of(key, shape):
    """A key for NumPy's indexing. Lists are uploaded, as CuPy does; host arrays are refused."""
    parts = [_index_part(part) for part in (key if isinstance(key, tuple) else (key,))]
    taken = sum(_axes_taken(part) for part in parts)
    axis = 0
    for position, part in enumerate(parts):
        if part is Ellipsis:
            axis += len(shape) - taken
            continue
        if isinstance(part, numpy.ndarray) and part.dtype.kind in "iu" and axis < len(shape):
            parts[position] = _wrapped_around(part, shape[axis])
        axis += _axes_taken(part)
    return tuple(parts)


def names_places_again(index):
    """Whether an index may name a place twice: then any of several assignments may be the last, here the first."""
    return any(isinstance(part, numpy.ndarray) and part.ndim and part.dtype.kind in "iu" for part in index)


def _index_part(part):
    if part is None or part is Ellipsis or isinstance(part, (slice, int, numpy.integer)):
        if isinstance(part, slice) and any(isinstance(end, ndarray) for end in (part.start, part.stop, part.step)):
            raise TypeError("slice indices must be integers, and a device array is none")
        return part
    if isinstance(part, ndarray):
        return part._numbers
    if isinstance(part, (list, tuple)):
        refuse_copy("H2D")
        copies.to_device += 1
        found = numpy.array(unwrap(part))
        return found if found.size else found.astype(numpy.int32)
    raise unsupported(part)


def _axes_taken(part):
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if isinstance(part, numpy.ndarray) and part.dtype.kind == "b" else 1


class ndarray:
    """An array on the pretended device."""

    __slots__ = ("__weakref__", "_numbers", "_pool", "base")
    __module__ = "cupy"
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        if memptr is not None or strides is not None:
            raise NotImplementedError("the stand-in makes no arrays from pointers")
        self._numbers = numpy.empty(unwrap_shape(shape), dtype, order)
        self.base = None
        hold(self)

    # -- what it is

    shape = property(lambda self: self._numbers.shape)
    dtype = property(lambda self: self._numbers.dtype)
    ndim = property(lambda self: self._numbers.ndim)
    size = property(lambda self: self._numbers.size)
    itemsize = property(lambda self: self._numbers.itemsize)
    nbytes = property(lambda self: self._numbers.nbytes)
    strides = property(lambda self: self._numbers.strides)
    flags = property(Flags)
    device = property(lambda self: device_zero())
    T = property(lambda self: wrap(self._numbers.T, self))
    mT = property(lambda self: wrap(self._numbers.mT, self))

    @shape.setter
    def shape(self, shape):
        self._numbers.shape = unwrap_shape(shape)

    @property
    def data(self):
        """A pointer, as far as tests need one."""
        own = self._numbers
        note_address(self)

        def copy_from_device_async(source, size, stream=None):
            assert size == own.nbytes == source.numbers.nbytes
            assert own.flags.c_contiguous
            own[...] = source.numbers.reshape(own.shape)

        return SimpleNamespace(
            ptr=own.ctypes.data, mem=None, device_id=0, numbers=own, copy_from_device_async=copy_from_device_async
        )

    @property
    def __cuda_array_interface__(self):
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.data.ptr, False),
            "strides": None if self.flags.c_contiguous else self.strides,
            "version": 3,
        }

    @property
    def real(self):
        return self if self.dtype.kind != "c" else wrap(self._numbers.real, self)

    @real.setter
    @launched
    def real(self, value):
        self._numbers.real = operand(value)

    @property
    @launched
    def imag(self):
        return wrap(self._numbers.imag.copy() if self.dtype.kind != "c" else self._numbers.imag, self)

    @imag.setter
    @launched
    def imag(self, value):
        self._numbers.imag = operand(value)

    def __len__(self):
        return len(self._numbers)

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    # -- copies to the host, each one counted

    def get(self, stream=None, order="C", out=None, blocking=True):
        refuse_copy("D2H")
        copies.to_host += 1
        if out is None:
            return self._numbers.copy(order)
        out[...] = self._numbers
        return out

    def item(self):
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def tobytes(self, order="C"):
        return self.get().tobytes(order)

    def __bool__(self):
        if self.size != 1:
            raise ValueError("The truth value of an array with no or several elements is ambiguous.")
        return bool(self.get())

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def __complex__(self):
        return complex(self.get())

    def __repr__(self):
        return repr(self.get())

    def __str__(self):
        return str(self.get())

    def __format__(self, spec):
        return format(self.get(), spec)

    def __reduce__(self):
        return uploaded, (self.get(),)

    # -- copies from the host

    def set(self, arr, stream=None):
        if not isinstance(arr, numpy.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if (arr.shape, arr.dtype) != (self.shape, self.dtype):
            raise ValueError(f"cannot set {self.dtype}{self.shape} from {arr.dtype}{arr.shape}")
        refuse_copy("H2D")
        copies.to_device += 1
        self._numbers[...] = arr

    # -- NumPy keeps out

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion of a device array to a NumPy array: use .get().")

    def __array_function__(self, function, types, args, kwargs):
        raise TypeError(f"numpy.{function.__name__} was called with a device array: use xp.{function.__name__}.")

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        """Lets `numpy.float32(2) * device_array` through, which NumPy sends here; refuses all else."""
        scalar = any(isinstance(value, numpy.generic) for value in inputs)
        if method != "__call__" or not scalar or "out" in settings:
            raise TypeError(f"numpy.{ufunc.__name__} was called with a device array: use xp.{ufunc.__name__}.")
        return apply(ufunc, *inputs, **settings)

    # -- indexing

    @launched
    def __getitem__(self, key):
        if any(
            isinstance(part, ndarray) and part.dtype.kind == "b" for part in (key if isinstance(key, tuple) else (key,))
        ):
            refuse_copy("D2H")  # how many there are
        parts = index_of(key, self.shape)
        if not any(part is Ellipsis for part in parts):
            parts += (Ellipsis,)  # so that NumPy answers with a view, never with a number
        return wrap(self._numbers[parts], self)

    @launched
    def __setitem__(self, key, value):
        index, value = index_of(key, self.shape), operand(value)
        with numpy.errstate(all="ignore"):
            if not names_places_again(index):
                self._numbers[index] = value
                return
            places = numpy.arange(self.size).reshape(self.shape)[index]
            values = numpy.broadcast_to(value, places.shape).reshape(-1)
            self._numbers.flat[places.reshape(-1)[::-1]] = values[::-1]

    @launched
    def take(self, indices, axis=None, out=None):
        indices = unwrap(indices)
        length = self.size if axis is None else self.shape[axis]
        taken = self._numbers.take(_wrapped_around(indices, length), axis, unwrap(out))
        return wrap(taken, self) if out is None else out

    @launched
    def scatter_add(self, slices, value):
        numpy.add.at(self._numbers, index_of(slices, self.shape), operand(value))

    # -- methods whose arguments differ from NumPy's

    @launched
    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if casting is not None or subok is not None:
            raise TypeError("CuPy's astype has neither casting= nor subok=")
        with numpy.errstate(all="ignore"):
            changed = self._numbers.astype(dtype, order, copy=bool(copy))
        return self if changed is self._numbers else wrap(changed, self)

    @launched
    def copy(self, order="C"):
        return wrap(self._numbers.copy(order))

    @launched
    def fill(self, value):
        if not isinstance(value, SCALARS) and not (isinstance(value, ndarray) and value.ndim == 0):
            raise unsupported(value)
        self._numbers.fill(operand(value))

    @launched
    def reshape(self, *shape, order="C", copy=None):
        return wrap(self._numbers.reshape(unwrap_shape(shape[0] if len(shape) == 1 else shape), order=order), self)

    @launched
    def transpose(self, *axes):
        return wrap(self._numbers.transpose(*axes), self)

    @launched
    def sort(self, axis=-1, kind=None):
        refuse_waiting()
        self._numbers.sort(axis)

    @launched
    def view(self, dtype=None, type=None):
        return wrap(self._numbers.view() if dtype is None else self._numbers.view(dtype), self)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    # -- operators without a twin in the loops below

    def __eq__(self, other):
        return self._equal(other, operator.eq)

    def __ne__(self, other):
        return self._equal(other, operator.ne)

    @launched
    def _equal(self, other, compare):
        if other is None or type(other).__eq__ is object.__eq__:
            return wrap(numpy.full(self.shape, compare is operator.ne))
        return apply(compare, self, other)

    def __divmod__(self, other):
        return apply(divmod, self, other)

    def __rdivmod__(self, other):
        return apply(divmod, other, self)


def unwrap_shape(shape):
    """A shape of plain integers; a device array among them is refused, for it has no `__index__`."""
    sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
    return tuple([operator.index(size) for size in sizes])


def power(x1, x2, *out, **settings):
    """NumPy's, but that of integers to negative integers raises nothing: 0, or what 1 and -1 give."""
    if numpy.result_type(x1, x2).kind not in "iu" or not numpy.any(numpy.less(x2, 0)):
        return numpy.power(x1, x2, *out, **settings)
    of_negative = numpy.where(numpy.equal(x1, 1), 1, numpy.where(numpy.equal(x1, -1), 1 - 2 * numpy.mod(x2, 2), 0))
    found = numpy.where(numpy.less(x2, 0), of_negative, numpy.power(x1, numpy.maximum(x2, 0)))
    return found.astype(numpy.result_type(x1, x2))


def floor_divide(x1, x2, *out, **settings):
    """NumPy's; of floats the quotient rounded, and then down (`cupy/_core/include/cupy/carray.cuh`)."""
    if numpy.result_type(x1, x2).kind != "f":
        return numpy.floor_divide(x1, x2, *out, **settings)
    return numpy.floor(numpy.true_divide(x1, x2), *out, **settings)


def remainder(x1, x2, *out, **settings):
    """NumPy's; of floats what that quotient leaves."""
    if numpy.result_type(x1, x2).kind != "f":
        return numpy.remainder(x1, x2, *out, **settings)
    return numpy.subtract(x1, floor_divide(x1, x2) * x2, *out, **settings)


OTHERWISE = {"power": power, "floor_divide": floor_divide, "remainder": remainder, "mod": remainder}  # than NumPy's


@launched
def apply(function, *inputs, **settings):
    """A function of numbers and device arrays, quiet about invalid arithmetic, as a GPU is."""
    with numpy.errstate(all="ignore"):
        return wrap(function(*[operand(value) for value in inputs], **settings), *inputs)


def uploaded(host):
    """A counted copy of a host array on the device."""
    refuse_copy("H2D")
    copies.to_device += 1
    return wrap(numpy.array(host))


def _binary(name, function):
    def method(self, other):
        return apply(function, self, other) if _is_operand(other) else _refuse(self, other)

    def reflected(self, other):
        return apply(function, other, self) if _is_operand(other) else _refuse(self, other)

    setattr(ndarray, f"__{name}__", method)
    if name not in ("lt", "le", "gt", "ge"):
        setattr(ndarray, f"__r{name}__", reflected)


def _unary(name, function):
    setattr(ndarray, f"__{name}__", lambda self: apply(function, self))


def _is_operand(value):
    return isinstance(value, (ndarray, *SCALARS))


def _refuse(array, other):
    """Types which opted out of NumPy's protocol get their turn; everything else is an error."""
    if getattr(other, "__array_ufunc__", array) is None:
        return NotImplemented
    if hasattr(other, "__array_ufunc__") and not isinstance(other, numpy.ndarray):
        return NotImplemented
    raise unsupported(other)


def _in_place(name, function):
    def method(self, other):
        with numpy.errstate(all="ignore"):
            function(self._numbers, operand(other))
        return self

    setattr(ndarray, f"__i{name}__", launched(method))


def _answer(name, signature):
    bind = binder(name, signature)

    def method(self, *args, **kwargs):
        out, args, kwargs = bind(args, kwargs)
        function = getattr(self._numbers, name)
        with numpy.errstate(all="ignore"):
            result = function(*map(unwrap, args), **{key: unwrap(value) for key, value in kwargs.items()})
        return wrap(result, self) if out is None else out

    method.__name__ = name
    setattr(ndarray, name, launched(refusing(name, method)))


for _name, _function in {"pow": power, "floordiv": floor_divide, "mod": remainder}.items():
    _binary(_name, _function)
    _in_place(_name, getattr(operator, f"__i{_name}__"))
for _name in ["add", "sub", "mul", "truediv", "lshift", "rshift", "and", "or", "xor"]:
    _function = getattr(operator, f"__{_name}__")
    _binary(_name, _function)
    _in_place(_name, getattr(operator, f"__i{_name}__"))
for _name in ["lt", "le", "gt", "ge"]:
    _binary(_name, getattr(operator, f"__{_name}__"))
_binary("matmul", refusing("matmul", operator.matmul))
for _name in ["neg", "pos", "abs", "invert"]:
    _unary(_name, getattr(operator, f"__{_name}__"))
for _name, _signature in signatures.METHODS.items():
    if _name != "take":
        _answer(_name, _signature)
