"""NumPy's arrays of what users give, and the errors and warnings of arrays, for functions that serve all devices."""

from __future__ import annotations

import itertools
import numbers
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy
from numpy import errstate, ndarray
from numpy.exceptions import AxisError

from eagerflow.base.config import floatx
from eagerflow.base.typing import DType
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.log import TapedArray, log, note_return

__all__ = ["REDUCTIONS", "AxisError", "Deferred", "as_tensor", "errstate", "first_odd_one", "host_array", "no_such_op"]
__all__ += ["not_single", "reads_as_numbers", "shape_and_type", "stands_for_tensor", "without_defaults"]

_MOST = 1_000_000  # cells that are looked at


REDUCTIONS = {
    numpy.add: numpy.sum,
    numpy.multiply: numpy.prod,
    numpy.maximum: numpy.max,
    numpy.minimum: numpy.min,
    numpy.logical_and: numpy.all,
    numpy.logical_or: numpy.any,
}


def stands_for_tensor(value: Any) -> bool:
    """Whether an object of another library has a tensor, which its method `__eagerflow_tensor__()` returns.

    Such an object may stand wherever a tensor may, and gradients flow to its tensor.
    """
    return hasattr(type(value), "__eagerflow_tensor__")


def as_tensor(value: Any) -> Any:
    """The tensor for which an object stands; all else as it is."""
    return value.__eagerflow_tensor__() if stands_for_tensor(value) else value


def reads_as_numbers(array: numpy.ndarray) -> bool:
    """Whether text, or objects, can be taken for numbers.

    >>> from eagerflow.core.host_arrays import reads_as_numbers
    >>> reads_as_numbers(np.array(["1", "2.5"])), reads_as_numbers(np.array(["1", "one"]))
    (True, False)
    """
    try:
        array.astype("float64")
    except (TypeError, ValueError):
        return False
    return True


def first_odd_one(value: Any, array: numpy.ndarray) -> str:
    """Where the first cell is that holds no number, for a message: `": '?' at [3, 2]"`, or nothing.

    Args:
        value: the argument, perhaps a table with named columns.
        array: the same as an array of objects or text.

    >>> from eagerflow.core.host_arrays import first_odd_one
    >>> x = np.array([[1, 2], [3, "?"]], object)
    >>> first_odd_one(x, x)
    ": '?' at [1, 1]"
    """
    for place, cell in itertools.islice(numpy.ndenumerate(array), _MOST):
        if isinstance(cell, (numbers.Number, numpy.number, numpy.bool_)):
            continue
        if not isinstance(cell, (str, bytes)) and cell is not None and hasattr(cell, "__len__"):
            return ""  # lists within an array: it isn't the cell that is at fault
        columns = getattr(value, "columns", None)
        if columns is not None and len(place) == 2:
            return f": {_shown(cell)} in column {_shown(columns[place[1]])}, row {place[0]}"
        return f": {_shown(cell)} at {list(place)}" if place else ""
    return ""


def _shown(cell: Any) -> str:
    return repr(cell.item() if isinstance(cell, numpy.generic) else cell)[:40]


def not_single(asked: str, tensor: Any) -> str:
    """Says that `asked` needs one element, and what the tensor has."""
    return f"{asked} needs a tensor of one element; got shape {tensor.shape}. Reduce it, or use .numpy()."


def without_defaults(function: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """NumPy passes `out=None` and the like on; ops don't take them, and `out=tensor` can't work."""
    out = kwargs.get("out")
    if any(part is not None for part in (out if isinstance(out, tuple) else (out,))):
        raise TypeError(f"numpy.{function.__name__}(out=...): tensors don't change in place; use the result.")
    no_value = getattr(numpy, "_NoValue", None)
    empty = {k: v for k, v in kwargs.items() if v is no_value or (k in ("out", "dtype", "order") and v is None)}
    return {k: v for k, v in kwargs.items() if k not in empty and not (k == "where" and v is True)}


def no_such_op(name: str) -> NoReturn:
    """Raises for a function of NumPy that has no op."""
    raise TypeError(
        f"{name} has no op for tensors. Use an op of eagerflow.ops, or {name}(tensor.numpy()) without gradient."
    )


class Deferred(Exception):
    """Raised by tensors which aren't plain arrays (symbolic ones, say) when an op reaches for `data`.

    The op's wrapper catches it and lets `resolve` answer instead, which costs plain tensors nothing.
    """

    def resolve(self, op: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """The result of `op(*arguments)`, by another way."""
        raise NotImplementedError


def host_array(value: Any, dtype: DType) -> numpy.ndarray:
    """A NumPy array of what the user gave; Python's numbers get our default types, not NumPy's."""
    kind = type(value)
    if (kind is TapedArray or (kind is ndarray and value.base is not None)) and log.get() is not None:
        note_return(value)
    if kind is numpy.ndarray:
        array = value
    elif kind is float:
        return numpy.array(value, as_dtype(dtype))
    else:
        array = _from_objects(value)
        if dtype is None and not hasattr(value, "dtype"):
            array = _default_type(array)
    if array.dtype.kind in "OUSMmV" and array.dtype.name != "bfloat16":
        raise TypeError(
            f"cannot make a tensor of {type(value).__name__} with {array.dtype} elements"
            f"{first_odd_one(value, array)}: tensors hold numbers. "
            "Ragged lists need padding (pad_sequences); text and objects need encoding first."
        )
    return array


def _from_objects(value: Any) -> numpy.ndarray:
    if value is None:
        raise TypeError("cannot make a tensor of None. Was a function missing its return?")
    try:
        return numpy.array(value)  # never the memory of an object that its owner goes on using
    except ValueError as error:  # NumPy's word for lists of unequal lengths
        raise ValueError(
            f"cannot make a tensor of this {type(value).__name__}: its parts have unequal lengths ({error}). "
            "Pad them first (pad_sequences)."
        ) from None


def _default_type(array: numpy.ndarray) -> numpy.ndarray:
    kind = array.dtype.kind
    if kind == "f":
        return array.astype(as_dtype(floatx()), copy=False)
    if kind == "c":
        return array.astype("complex64", copy=False)
    if kind == "i" and array.dtype.itemsize == 8 and _fits_int32(array):
        return array.astype("int32")
    return array


def _fits_int32(array: numpy.ndarray) -> bool:
    return not array.size or bool(array.min() >= -(2**31) and array.max() < 2**31)


def shape_and_type(shape: Sequence[int], dtype: Any) -> str:
    """What a tensor shows first, as a debugger's one line cuts its end.

    >>> shape_and_type((3, 200, 4), "float32"), shape_and_type((), "int32")
    ('3×200×4 float32', 'int32')
    """
    return f"{'×'.join(map(str, shape))} {dtype}".lstrip()
