"""`ArrayArgument`: what a step is given in the place of a NumPy array while it is captured.

A captured step may hand arrays on to layers, ops and losses, which take them as tensors. Whatever else it does with an
array gives NumPy's values, which a replay wouldn't compute again, so the capture must hear of it. NumPy itself tells
nobody: a subclass of its arrays would be asked for most operations, but not by `np.asarray`, nor by functions written
in C. So this is no array at all, and holds one: there is no way to the values but by what is written here.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any

import numpy

from eagerflow.base.capturing import capturing
from eagerflow.capture.arguments.nesting import alike, nested_kind, nested_parts
from eagerflow.core.tensor import Tensor

__all__ = ["ArrayArgument", "opened_in"]

_ABOUT = frozenset({"dtype", "itemsize", "nbytes", "ndim", "shape", "size"})
_ASKING = (numpy.ndim, numpy.shape, numpy.size)
# Operators beside a tensor, which answers for both.
_UFUNCS = {
    "__add__": numpy.add,
    "__sub__": numpy.subtract,
    "__mul__": numpy.multiply,
    "__truediv__": numpy.true_divide,
    "__floordiv__": numpy.floor_divide,
    "__mod__": numpy.remainder,
    "__pow__": numpy.power,
    "__matmul__": numpy.matmul,
    "__and__": numpy.bitwise_and,
    "__or__": numpy.bitwise_or,
    "__xor__": numpy.bitwise_xor,
    "__lt__": numpy.less,
    "__le__": numpy.less_equal,
    "__gt__": numpy.greater,
    "__ge__": numpy.greater_equal,
    "__eq__": numpy.equal,
    "__ne__": numpy.not_equal,
}
# Methods that are found here; those by whose names Python calls what isn't named follow below.
_ANSWERED = {"__array_function__", "__array_ufunc__", "__class__", "__len__"}
_OWN = frozenset(
    """
    __array_finalize__ __array_function__ __array_interface__ __array_priority__ __array_struct__ __array_ufunc__
    __array_wrap__ __class__ __class_getitem__ __doc__ __getattribute__ __hash__ __init__ __init_subclass__ __len__
    __new__ __release_buffer__ __subclasshook__
    """.split()
)


class ArrayArgument:
    """A NumPy array that a step is given. Whoever computes with it gets what NumPy gives, and ends the capture.

    Args:
        array: the array itself.
        name: what messages call it.
        recorder: of the run.
    """

    __slots__ = ("__array", "__name", "__recorder", "__weakref__")

    def __init__(self, array: numpy.ndarray, name: str, recorder: Any) -> None:
        put = object.__setattr__  # names with two underscores, since whoever asks for others means the array's
        put(self, "_ArrayArgument__array", array)
        put(self, "_ArrayArgument__name", name)
        put(self, "_ArrayArgument__recorder", recorder)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # so `isinstance(x, np.ndarray)` is what it is outside of a capture
        return numpy.ndarray

    def _eagerflow_opened(self, how: str) -> numpy.ndarray:
        """The array, for whoever goes on with its values."""
        self.__recorder.opened(self.__name, how)
        return self.__array

    def _eagerflow_handed_over(self, convert: Callable[[Any], Any]) -> Any:
        """What ops and tensors make of the array, which the recorder knows from then on."""
        found = convert(self.__array)
        recording = capturing.get() is self.__recorder
        if recording:
            self.__recorder.conversions.handed_over(self, found)
        else:  # in another thread, say
            self._eagerflow_opened("where nobody records")
        return found

    def __getattribute__(self, name: str) -> Any:
        if name in _ANSWERED or name.startswith(("_ArrayArgument__", "_eagerflow_")):
            return object.__getattribute__(self, name)
        found = getattr(self.__array, name)
        if name not in _ABOUT:
            self._eagerflow_opened(name)
        return found

    def __len__(self) -> int:
        return len(self.__array)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Tensor) for x in (*inputs, *(kwargs.get("out") or ()))):
            return NotImplemented  # tensors have an op for it, or say that there is none
        inputs, kwargs = opened_in(inputs, ufunc.__name__), opened_in(kwargs, ufunc.__name__)
        return getattr(ufunc, method)(*inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(kind, Tensor) for kind in types):
            return NotImplemented
        if function in _ASKING and not kwargs and len(args) == 1:
            return function(self.__array)
        return function(*opened_in(args, function.__name__), **opened_in(kwargs, function.__name__))


def opened_in(x: Any, how: str) -> Any:
    """The same with the arrays themselves, also in lists, tuples and dicts."""
    if type(x) is ArrayArgument:
        return x._eagerflow_opened(how)
    if nested_kind(x) is None:
        return x
    parts = [opened_in(part, how) for part in nested_parts(x)]
    return x if all(map(is_, parts, nested_parts(x))) else alike(x, parts)


def _method(name: str, plain: Any) -> Callable[..., Any]:
    ufunc = _UFUNCS.get(name)

    def method(self: ArrayArgument, *args: Any, **kwargs: Any) -> Any:
        if ufunc is not None and isinstance(args[0], Tensor):
            return ufunc(self, *args)  # which asks the tensor, as it does for an array
        return plain(self._eagerflow_opened(name), *opened_in(args, name), **opened_in(kwargs, name))

    method.__name__ = name
    return method


for _name in dir(numpy.ndarray):
    _plain = getattr(numpy.ndarray, _name)
    if _name.startswith("__") and _name not in _OWN and callable(_plain):
        setattr(ArrayArgument, _name, _method(_name, _plain))
        _ANSWERED.add(_name)
ArrayArgument.__hash__ = None  # type: ignore[assignment]
