"""`Tensor`: an array, and the number under which gradients find it.

Operators and methods such as `+`, `[...]`, `reshape` and `sum` are ops; `eagerflow.ops` puts them
on the class (with `register_methods`), so that this file knows nothing of arithmetic.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

import numpy
from numpy import ndarray

from eagerflow.base import notebook
from eagerflow.base.config import floatx
from eagerflow.base.errors import WrongTypeError, missing_attribute
from eagerflow.base.text.arrays import shown_numbers
from eagerflow.base.tracebacks import shorten
from eagerflow.base.typing import Array, Axes, DType, InSequence, NewShape, Operand, TensorLike
from eagerflow.core.device import CPU, Device, current_device, device_of, is_device_array, place, to_host
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.host_arrays import (
    REDUCTIONS,
    Deferred,
    as_tensor,
    host_array,
    no_such_op,
    not_single,
    shape_and_type,
    without_defaults,
)
from eagerflow.core.links import above
from eagerflow.core.log import log
from eagerflow.core.observe import read, state

__all__ = ["Assembled", "Deferred", "Tensor", "assembled", "convert_to_tensor", "holds_tensors", "is_tensor"]
__all__ += ["numpy_functions", "register_methods"]

_UNSET = frozenset(("logits", "mask", "serial"))  # slots without a value
_CHECK: Any = object()  # marks the public constructor, which copies and checks; internal calls pass a key

# NumPy's functions that have an op, filled by `eagerflow.ops`: `np.sum(tensor)` is then `ops.sum(tensor)`.
numpy_functions: dict[Any, Callable[..., Any]] = {
    numpy.shape: lambda a: a.shape,
    numpy.ndim: lambda a: a.ndim,
    numpy.size: lambda a: a.size,
}


class Assembled(Deferred):
    """Raised where a nested list holds tensors: its array must be made by ops, or gradients would stop there."""

    def resolve(self, op: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """The result of `op` for one tensor in the place of each such list."""
        made: Any = op.op  # type: ignore[attr-defined]
        given = dict(zip(inspect.signature(op).parameters, arguments, strict=True))
        for name in made.arrays:
            value = given[name]
            if made.sequence and name == made.arrays[0] and isinstance(value, (list, tuple)):
                given[name] = [assembled(part) if holds_tensors(part) else as_tensor(part) for part in value]
            else:
                given[name] = assembled(value) if holds_tensors(value) else as_tensor(value)
        return op(**given)


class Tensor(InSequence):
    """An array on a device, whose operations tapes can record; it can't be changed.

    Args:
        value: anything `convert_to_tensor` takes; arrays are copied, so later changes to them don't show. Gradients
            flow to a tensor, and to each of the tensors in a nested list.
        dtype: a type name; default: that of the array, `floatx()` for Python floats, int32 for Python ints.
        device: a device name; default: the current device.

    Attributes:
        data: the array itself (`numpy.ndarray`, a NumPy scalar, or `cupy.ndarray`). Don't change it.
        key: the number under which tapes know the tensor, None where gradients stop.

    >>> x = ef.Tensor([[1, 2, 3], [4, 5, 6]], dtype="float32", device="cpu")
    >>> x.shape, x.dtype, x.ndim, x.size, x.nbytes, x.device
    ((2, 3), dtype('float32'), 2, 6, 24, Device('cpu'))
    >>> x[0] * 10, x.sum(axis=0).tolist(), x[1, 2].item()
    (Tensor(3 float32, [10., 20., 30.]), [5.0, 7.0, 9.0], 6.0)
    """

    # `serial` belongs to observers, `logits` to activations: unset until used, so they cost nothing. `mask` belongs to
    # layers, which ask for it in each call: None, since to ask for what is unset takes half a microsecond or more.
    __slots__ = ("__weakref__", "data", "key", "logits", "mask", "serial")
    __array_priority__ = 100

    data: Any
    key: int | None
    logits: tuple[str, Tensor, int]
    mask: Any
    serial: int | None

    if TYPE_CHECKING:  # what eagerflow.ops puts on the class, for type checkers

        def __add__(self, other: Operand) -> Tensor: ...
        def __radd__(self, other: Operand) -> Tensor: ...
        def __sub__(self, other: Operand) -> Tensor: ...
        def __rsub__(self, other: Operand) -> Tensor: ...
        def __mul__(self, other: Operand) -> Tensor: ...
        def __rmul__(self, other: Operand) -> Tensor: ...
        def __truediv__(self, other: Operand) -> Tensor: ...
        def __rtruediv__(self, other: Operand) -> Tensor: ...
        def __floordiv__(self, other: Operand) -> Tensor: ...
        def __mod__(self, other: Operand) -> Tensor: ...
        def __pow__(self, other: Operand) -> Tensor: ...
        def __rpow__(self, other: Operand) -> Tensor: ...
        def __matmul__(self, other: Operand) -> Tensor: ...
        def __rmatmul__(self, other: Operand) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __and__(self, other: TensorLike) -> Tensor: ...
        def __or__(self, other: TensorLike) -> Tensor: ...
        def __lt__(self, other: TensorLike) -> Tensor: ...
        def __le__(self, other: TensorLike) -> Tensor: ...
        def __gt__(self, other: TensorLike) -> Tensor: ...
        def __ge__(self, other: TensorLike) -> Tensor: ...
        def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __getitem__(self, index: Any) -> Tensor: ...
        def reshape(self, *shape: NewShape) -> Tensor: ...
        def transpose(self, *axes: Any) -> Tensor: ...
        def swapaxes(self, axis1: int, axis2: int) -> Tensor: ...
        def astype(self, dtype: DType) -> Tensor: ...
        def sum(self, axis: Axes = None, keepdims: bool = False) -> Tensor: ...
        def mean(self, axis: Axes = None, keepdims: bool = False) -> Tensor: ...
        def max(self, axis: Axes = None, keepdims: bool = False) -> Tensor: ...
        def min(self, axis: Axes = None, keepdims: bool = False) -> Tensor: ...
        @property
        def T(self) -> Tensor: ...
        def all(self, axis: Axes = None, keepdims: bool = False) -> Tensor: ...
        def any(self, axis: Axes = None, keepdims: bool = False) -> Tensor: ...
        def prod(self, axis: Axes = None, keepdims: bool = False, dtype: DType = None) -> Tensor: ...
        def std(self, axis: Axes = None, keepdims: bool = False) -> Tensor: ...
        def var(self, axis: Axes = None, keepdims: bool = False) -> Tensor: ...
        def argmax(self, axis: int | None = None, keepdims: bool = False) -> Tensor: ...
        def argmin(self, axis: int | None = None, keepdims: bool = False) -> Tensor: ...
        def argsort(self, axis: int | None = -1) -> Tensor: ...
        def cumprod(self, axis: int | None = None, dtype: DType = None) -> Tensor: ...
        def cumsum(self, axis: int | None = None, dtype: DType = None) -> Tensor: ...
        def clip(self, min: Any = None, max: Any = None) -> Tensor: ...
        def conj(self) -> Tensor: ...
        def conjugate(self) -> Tensor: ...
        def copy(self) -> Tensor: ...
        def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor: ...
        def dot(self, x2: TensorLike) -> Tensor: ...
        def flatten(self) -> Tensor: ...
        def nonzero(self) -> tuple[Tensor, ...]: ...
        def ravel(self) -> Tensor: ...
        def repeat(self, repeats: Any, axis: int | None = None) -> Tensor: ...
        def round(self, decimals: int = 0) -> Tensor: ...
        def squeeze(self, axis: Axes = None) -> Tensor: ...
        def take(self, indices: TensorLike, axis: int | None = None) -> Tensor: ...
        def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor: ...
        def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]: ...
        def __rfloordiv__(self, other: Operand) -> Tensor: ...
        def __rmod__(self, other: Operand) -> Tensor: ...
        def __xor__(self, other: TensorLike) -> Tensor: ...
        def __lshift__(self, other: TensorLike) -> Tensor: ...
        def __rshift__(self, other: TensorLike) -> Tensor: ...
        def __pos__(self) -> Tensor: ...
        @property
        def mT(self) -> Tensor: ...
        @property
        def real(self) -> Tensor: ...
        @property
        def imag(self) -> Tensor: ...
        def __dlpack__(self, **asked: Any) -> Any: ...  # by core/dlpack.py
        def __dlpack_device__(self) -> tuple[int, int]: ...

        name: str  # of symbolic tensors, which have the same type there

    def __init__(
        self, value: TensorLike, dtype: DType = None, key: Any = _CHECK, *, device: str | Device | None = None
    ) -> None:
        if key is _CHECK:
            where = current_device() if device is None else Device(device)
            try:
                if isinstance(value, Tensor) and value.key is not None:
                    made = _copied(value, dtype, where)
                    value, key = made.data, made.key
                else:
                    value, key = _owned_array(value, dtype, where), None
            except Assembled:
                value = as_tensor(value)
                made = _copied(value, dtype, where) if isinstance(value, Tensor) else assembled(value, dtype)
                value, key = made.data, made.key
            except BaseException as error:
                shorten(error)
                raise
        self.data = value
        self.key = key
        self.mask = self.serial = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes.

        >>> ef.Tensor([[1, 2, 3], [4, 5, 6]]).shape
        (2, 3)
        """
        return self.data.shape

    @property
    def dtype(self) -> numpy.dtype:
        """The data type, comparable with its name: `t.dtype == "float32"`.

        >>> x = ef.Tensor([1.0, 2.0])
        >>> x.dtype, x.dtype == "float32"
        (dtype('float32'), True)
        """
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes.

        >>> ef.Tensor([[1, 2, 3], [4, 5, 6]]).ndim
        2
        """
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements.

        >>> ef.Tensor([[1, 2, 3], [4, 5, 6]]).size
        6
        """
        return int(self.data.size)

    @property
    def nbytes(self) -> int:
        """The number of bytes of the elements.

        >>> ef.Tensor([1.0, 2.0, 3.0]).nbytes
        12
        """
        return self.data.nbytes

    @property
    def device(self) -> Device:
        """Where the array lives: `"cpu"` or `"gpu:N"`.

        >>> ef.Tensor([1.0], device="cpu").device
        Device('cpu')
        """
        return device_of(self.data)

    def numpy(self) -> ndarray:
        """A copy of the values as a NumPy array, from any device.

        >>> ef.Tensor([[1, 2], [3, 4]]).numpy()
        array([[1, 2],
               [3, 4]], dtype=int32)
        """
        if state.ops:
            read(self, "numpy")
        return numpy.array(to_host(self.data))

    def item(self) -> Any:
        """The one element as a Python number.

        Raises:
            ValueError: when there are more or none.

        >>> ef.Tensor([[2.5]]).item()
        2.5
        """
        if self.data.size != 1:
            raise ValueError(not_single(".item()", self))
        if state.ops:
            read(self, "item")
        return self.data.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers.

        >>> ef.Tensor([[1, 2], [3, 4]]).tolist()
        [[1, 2], [3, 4]]
        >>> import json
        >>> json.dumps({"loss": ef.Tensor(0.5)}, default=ef.Tensor.tolist)  # a tensor is no number for json
        '{"loss": 0.5}'
        """
        if state.ops:
            read(self, "tolist")
        return to_host(self.data).tolist()

    def set_shape(self, shape: Any) -> None:
        """Checks that the tensor has this shape, as TensorFlow's eager tensors do.

        Args:
            shape: the expected shape; None in it matches any length.

        Raises:
            ValueError: when it isn't.

        >>> x = ef.ops.ones((2, 3))
        >>> x.set_shape((None, 3))
        >>> x.set_shape((None, 4))
        Traceback (most recent call last):
            ...
        ValueError: set_shape([None, 4]): the shape is [2, 3]. Use tensor.reshape(shape).
        """
        wanted = None if shape is None else tuple(shape)
        here = self.shape
        if wanted is not None and (
            len(wanted) != len(here) or any(None not in (n, m) and n != m for n, m in zip(wanted, here))
        ):
            raise ValueError(f"set_shape({list(wanted)}): the shape is {list(here)}. Use tensor.reshape(shape).")

    def to(self, device: str | Device) -> Tensor:
        """The tensor on another device (itself when it is there already). Gradients flow through.

        Args:
            device: the device or its name, such as `"cpu"`.

        >>> ef.Tensor([1.0], device="cpu").to("cpu").device
        Device('cpu')
        """
        where = Device(device)
        return self if self.device == where else above.move(self, where)

    def __array__(self, dtype: DType = None, copy: bool | None = None) -> ndarray:
        mark = None
        if self.key is not None and (recording := log.get()) is not None:
            mark = recording.note_array(self.key)
        if state.ops:
            read(self, "array")
        host = numpy.asarray(to_host(self.data))
        if copy or (dtype is not None and host.dtype != dtype):
            view = numpy.array(host, dtype=dtype)
        else:
            view = host.view()
            view.flags.writeable = False  # others may hold the same memory
        return view if mark is None else mark.put_on(view)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "reduce" and ufunc in REDUCTIONS:
            axis = kwargs.pop("axis", 0)
            return numpy_functions[REDUCTIONS[ufunc]](*inputs, axis=axis, **without_defaults(ufunc, kwargs))
        if method != "__call__" or ufunc not in numpy_functions:
            return no_such_op(f"numpy.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}"))
        return numpy_functions[ufunc](*inputs, **without_defaults(ufunc, kwargs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        op = numpy_functions.get(function)
        if op is None:
            return no_such_op(f"{function.__module__}.{function.__name__}")
        return op(*args, **without_defaults(function, kwargs))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a tensor without axes (shape ())")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("cannot iterate over a tensor without axes (shape ()); use float(tensor) for its value")
        return iter([self[i] for i in range(self.shape[0])])

    def __bool__(self) -> bool:
        if self.data.size != 1:
            raise WrongTypeError(
                f"a tensor of shape {self.shape} has no single truth value. Use ops.any(tensor) or ops.all(tensor)."
            )
        if state.ops:
            read(self, "bool")
        return bool(self.data)

    def __float__(self) -> float:
        if state.ops:
            read(self, "float")
        return float(self._single("float()"))

    def __int__(self) -> int:
        if state.ops:
            read(self, "int")
        return int(self._single("int()"))

    def __complex__(self) -> complex:
        if state.ops:
            read(self, "complex")
        return complex(self._single("complex()"))

    def __index__(self) -> int:
        if self.dtype.kind not in "iu" or self.data.size != 1:
            raise TypeError(f"only an integer tensor of one element is an index; got {self.dtype}{list(self.shape)}")
        if state.ops:
            read(self, "index")
        return int(self.data.item())

    def _single(self, asked: str) -> Any:
        if self.data.size != 1:
            raise TypeError(not_single(asked, self))
        return self.data.item()

    __hash__ = object.__hash__  # by identity, though `==` compares elements: tensors serve as keys of dicts

    if not TYPE_CHECKING:  # to type checkers `x[0] = 1` is a mistake; NoReturn would end the program there

        def __getattr__(self, name: str) -> Any:
            if name in _UNSET:  # asked for in each call of a layer
                raise AttributeError(name)
            raise missing_attribute(self, name)

        def __setitem__(self, index: Any, value: Any) -> NoReturn:
            raise TypeError(
                "tensors don't change in place. Use ops.slice_update / ops.scatter_update, "
                "or a Variable with .assign()."
            )

    def __reduce__(self) -> Any:
        return _rebuild, (self.numpy(), str(self.device))

    def __copy__(self) -> Tensor:
        return self

    def __format__(self, spec: str) -> str:
        value = self.data.item() if spec and self.data.size == 1 else self if spec or self.shape else to_host(self.data)
        return format(value if spec and self.data.size == 1 else str(value), spec)

    def __repr__(self) -> str:
        return self._shown("Tensor")

    def _shown(self, name: str, more: str = "") -> str:
        where = "" if self.device == CPU else f" on {self.device}"
        before = f"{name}({shape_and_type(self.shape, self.dtype)}{where}, "
        return f"{before}{shown_numbers(numpy.asarray(to_host(self.data)), before)}{more})"

    def _repr_html_(self) -> str:
        return notebook.pre(repr(self))


def _copied(tensor: Any, dtype: DType, where: Device) -> Tensor:
    """A copy of a tensor that tapes track, by ops."""
    made: Tensor = tensor.copy()
    wanted = made.dtype if dtype is None else as_dtype(dtype)
    return (made if made.dtype == wanted else made.astype(wanted)).to(where)


def _rebuild(array: numpy.ndarray, where: str) -> Tensor:
    return Tensor(array, device=where)


_DEEPEST = 64  # axes of an array
_NO_LISTS = frozenset({ndarray, float, int})


def _owned_array(value: Any, dtype: DType, where: Device) -> Any:
    """A fresh array of `value` on the device `where`."""
    if isinstance(value, Tensor):
        value = value.data
    if not is_device_array(value):
        if type(value) not in _NO_LISTS and (as_tensor(value) is not value or holds_tensors(value)):
            raise Assembled
        value = host_array(value, dtype)
        if where.kind == "gpu":  # where it is to lie in order, too, as a copy on the CPU does
            value = numpy.asarray(value, order="C")
    array = place(value, where)
    if dtype is not None and array.dtype != (wanted := as_dtype(dtype)):
        return array.astype(wanted)
    return array.copy() if array is value else array


def holds_tensors(value: Any) -> bool:
    """Whether a nested list holds a tensor. Looks at types alone, which takes less time than making an array.

    >>> holds_tensors([[1.0], [ef.Tensor(2.0)]]), holds_tensors([[1.0], (2,)])
    (True, False)

    Raises:
        ValueError: for a list that holds itself, or is nested deeper than arrays can be.
    """
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes, range)):
        return False
    parts: Any = value
    for _ in range(_DEEPEST):
        kinds = set(map(type, parts))
        if any(issubclass(kind, Tensor) or hasattr(kind, "__eagerflow_tensor__") for kind in kinds):
            return True
        nested = tuple([kind for kind in kinds if issubclass(kind, (list, tuple, deque))])
        if not nested:
            return False
        if len(nested) < len(kinds):
            parts = [part for part in parts if isinstance(part, nested)]
        parts = list(chain.from_iterable({id(part): part for part in parts}.values()))
    raise ValueError(
        f"cannot make a tensor of this {type(value).__name__}: it holds itself, or is nested more than {_DEEPEST} deep."
    )


def assembled(value: Any, dtype: DType = None) -> Tensor:
    """One tensor of a nested list that holds tensors; gradients flow to each of them.

    Numbers among them take the type of the tensors: float64 appears only where one of them has it.

    Raises:
        ValueError: for parts of different shapes.
    """
    arrays, numbers = list[Any](), list[Any]()
    _sort_leaves(value, arrays, numbers)
    kinds = {array.dtype for array in arrays}
    kind = numpy.result_type(*kinds, *numbers) if dtype is None else as_dtype(dtype)
    if dtype is None and kind == "float64" and kind not in kinds:
        floats = [k for k in kinds if k.kind == "f"]
        kind = max(floats, key=lambda k: k.itemsize) if floats else as_dtype(floatx())
    return _stacked(value, kind, next(array.device for array in arrays if isinstance(array, Tensor)))


def _sort_leaves(value: Any, arrays: list[Any], numbers: list[Any]) -> None:
    """The tensors and arrays in a nested list, and one number of each Python type."""
    for part in map(as_tensor, value):
        if isinstance(part, (Tensor, numpy.ndarray)):
            arrays.append(part)
        elif isinstance(part, (list, tuple, deque)):
            _sort_leaves(part, arrays, numbers)
        elif part.__class__ in WEAK and part.__class__ not in map(type, numbers):
            numbers.append(part.__class__())


def _stacked(value: Any, kind: numpy.dtype, where: Device) -> Tensor:
    value = as_tensor(value)
    if isinstance(value, Tensor):
        return value if value.dtype == kind else value.astype(kind)
    if holds_tensors(value):
        return numpy_functions[numpy.stack]([_stacked(part, kind, where) for part in value])
    return Tensor(value, kind, device=where)


def convert_to_tensor(
    x: TensorLike, dtype: DType = None, sparse: bool | None = None, ragged: bool | None = None
) -> Tensor:
    """Converts `x` to a tensor on the current device; a tensor of the right type is returned as it is.

    Args:
        x: a tensor, array, number, nested list of these, pandas object, or a CuPy array. Arrays are copied; gradients
            flow to tensors in lists.
        dtype: a type name. Default: the array's own; `floatx()` for Python floats, int32 for Python ints.
        sparse: accepted for Keras' signature; only False and None are possible.
        ragged: accepted for Keras' signature; only False and None are possible.

    Raises:
        TypeError: for text, objects and None.
        ValueError: for lists of unequal lengths and unknown types.

    >>> ef.convert_to_tensor([1, 2]), ef.convert_to_tensor([1.0, 2.0])
    (Tensor(2 int32, [1, 2]), Tensor(2 float32, [1., 2.]))
    >>> ef.convert_to_tensor([1, 2], "float32").dtype.name
    'float32'
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor(sparse=True / ragged=True): there are no sparse or ragged tensors here.")
    x = as_tensor(x)
    if isinstance(x, Tensor):
        return x if dtype is None or x.dtype == as_dtype(dtype) else x.astype(dtype)
    return Tensor(x, dtype)


def is_tensor(x: Any) -> bool:
    """True for tensors and variables.

    Args:
        x: anything.

    >>> ef.is_tensor([1.0]), ef.is_tensor(ef.Tensor(1.0))
    (False, True)
    """
    return isinstance(x, Tensor)


WEAK = frozenset({int, float, bool, complex})  # numbers that never widen an array they meet


def coerce(x: TensorLike) -> Array:
    """What an op does with an argument that is no tensor: Python's and NumPy's numbers stay numbers."""
    if x.__class__ in WEAK or x is None:
        return x
    if isinstance(x, numpy.generic) and not hasattr(x, "mask"):
        return x.item()
    return _owned_array(x, None, current_device())


def coerce_array(x: TensorLike) -> Array:
    """The same for ops which need arrays: numbers become arrays too."""
    return None if x is None else _owned_array(x, None, current_device())


def register_methods(**methods: Callable[..., Any]) -> None:
    """Put ops on the class as operators and methods."""
    for name, method in methods.items():
        setattr(Tensor, name, method)
