"""Errors and warnings of arrays: NumPy's kinds, for functions that serve all devices; CuPy warns of nothing.

And what tensors refuse to NumPy's functions.
"""

from __future__ import annotations

import itertools
import numbers
from typing import Any, NoReturn

import numpy
from numpy import errstate
from numpy.exceptions import AxisError

__all__ = ["AxisError", "errstate", "first_odd_one", "no_such_op", "not_single", "reads_as_numbers", "without_defaults"]

_MOST = 1_000_000  # cells that are looked at


def reads_as_numbers(array: numpy.ndarray) -> bool:
    """Whether text, or objects, can be taken for numbers.

    >>> from eagerflow.core.array_errors import reads_as_numbers
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

    >>> from eagerflow.core.array_errors import first_odd_one
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
