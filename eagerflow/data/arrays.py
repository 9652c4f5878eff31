"""What users hand in as data, made into arrays: floats of one type, rows counted and compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.config import floatx
from eagerflow.base.errors import a_kind, signature_of
from eagerflow.core.device import current_device, is_device_array, place
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.host_arrays import first_odd_one, reads_as_numbers
from eagerflow.core.tensor import Tensor
from eagerflow.layer.symbolic.text_type import is_text

__all__ = ["as_arrays", "as_batch", "check_lengths", "is_array_like", "refuse_holes", "rows_of", "with_our_floats"]


def is_array_like(value: Any) -> bool:
    """True for what has rows: arrays, tensors, pandas objects, lists of numbers; and nests of those.

    A dict may hold None, for optional inputs.
    """
    if isinstance(value, (list, tuple)):
        return all(is_array_like(v) or isinstance(v, (bool, int, float, numpy.generic)) for v in value)
    if isinstance(value, Mapping):
        given = [v for v in value.values() if v is not None]
        return all(is_array_like(v) for v in given) and bool(given or not value)
    return hasattr(value, "shape") and (hasattr(value, "__array__") or is_device_array(value))


def as_arrays(what: str, value: Any) -> Any:
    """The structure of `value` with raw arrays as leaves, float arrays as `floatx()`.

    A list of arrays is a structure; a list of numbers (or of lists of numbers) is an array.

    Args:
        what: the argument's name, for messages.
        value: arrays, tensors, pandas objects, or lists, tuples and dicts of them.

    Text stays in NumPy arrays, and only inputs may be text.

    Raises:
        TypeError: for objects, and for text in targets and weights.
        ValueError: for arrays without rows.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {k: as_arrays(f"{what}[{k!r}]", v) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and any(hasattr(v, "shape") and getattr(v, "ndim", 0) for v in value):
        return tree.refill(value, [as_arrays(f"{what}[{i}]", v) for i, v in enumerate(value)])
    return _as_array(what, value)


def _as_array(what: str, value: Any) -> Any:
    if isinstance(value, Tensor):
        array = value.data
    elif is_device_array(value):
        array = value
    else:
        array = _host(what, value)
    if not array.ndim:
        raise ValueError(f"{what}: expected an array whose first axis counts samples; got {signature_of(value)}.")
    if isinstance(array, numpy.memmap):
        return array  # perhaps larger than memory: batches of it are converted
    return with_our_floats(array)


def _host(what: str, value: Any) -> numpy.ndarray:
    try:
        array = value if isinstance(value, numpy.memmap) else numpy.asarray(value)
    except ValueError as error:
        if what == "x" and _are_batches(value):
            raise ValueError(
                f"x: a list is taken for arrays, and this one holds {len(value)} batches. Repeat them without end, "
                f"fit(itertools.cycle(batches), steps_per_epoch={len(value)}), or join their rows by numpy.concatenate."
            ) from None
        lengths = _lengths(value) if isinstance(value, (list, tuple)) else ""
        said = lengths or str(error).partition(". The requested")[0]
        raise ValueError(f"{what}: its parts have unequal lengths ({said}). Pad them first (pad_sequences).") from None
    kinds = {getattr(kind, "kind", "O") for kind in value.dtypes} if hasattr(value, "columns") else {"O"}
    if array.dtype.kind == "O" and kinds <= set("biuf"):
        array = numpy.asarray(value.astype(floatx()))  # a table with columns of bool and of numbers
    if array.dtype.kind in "OUST" and what.startswith(("x", "a batch")) and _holds_text(array):
        return array
    lengths = _unequal_lengths(array)
    if lengths:
        raise ValueError(f"{what}: its parts have unequal lengths ({lengths}). Pad them first (pad_sequences).")
    if array.dtype.kind in "OUSTMmV" and array.dtype.name != "bfloat16":
        raise TypeError(
            f"{what}: expected numbers; got {a_kind(value)} with {array.dtype} elements{first_odd_one(value, array)}. "
            f"{_as_numbers(what, value, array)}"
        )
    if array.ndim == 1 and what.startswith("x") and type(value).__module__.partition(".")[0] == "pandas":
        return array[:, None]  # a column of a table: one feature
    return array


def _as_numbers(what: str, value: Any, array: numpy.ndarray) -> str:
    """How to make numbers of an array of something else."""
    table = hasattr(value, "columns")
    if array.dtype.kind in "US" and array.size and reads_as_numbers(array):
        return f"They are numbers written as text: numpy.asarray({what}, 'float32') reads them."
    if table:
        return f"A column of words becomes columns of 0 and 1 by pandas.get_dummies({what}, dtype='float32')."
    if what == "y" and array.ndim == 1 and _holds_text(array):
        return "Number the classes from 0: names, y = numpy.unique(y, return_inverse=True)."
    return "Encode text and objects as numbers first."


def _are_batches(value: Any) -> bool:
    """Does a list hold pairs (or triples) of arrays with equal numbers of rows, as a generator gives them?"""
    return isinstance(value, (list, tuple)) and all(
        isinstance(each, (list, tuple))
        and 2 <= len(each) <= 3
        and all(getattr(part, "ndim", 0) for part in each)
        and len({part.shape[0] for part in each}) == 1
        for each in value
    )


def _unequal_lengths(array: numpy.ndarray) -> str:
    """Those of lists and arrays in an array of objects, in words; nothing where it holds others, or equal ones."""
    return _lengths(array.flat) if array.dtype.kind == "O" else ""


def _lengths(parts: Iterable[Any]) -> str:
    """Those of lists and arrays, in words; nothing where there is something else, or where they are equal."""
    found = [len(part) if isinstance(part, (list, tuple)) or numpy.ndim(part) else 0 for part in parts]
    if not found or 0 in found or len(set(found)) == 1:
        return ""
    return ", ".join(map(str, found[:4])) + (", ..." if len(found) > 4 else "")


def _holds_text(array: numpy.ndarray) -> bool:
    return array.dtype.kind != "O" or all(isinstance(x, (str, bytes)) for x in array.flat)


def with_our_floats(array: Any) -> Any:
    """The array, floats of another type as `floatx()`."""
    if array.dtype.kind == "f" and array.dtype != floatx():
        return array.astype(as_dtype(floatx()))
    return array


def as_batch(value: Any) -> Any:
    """A batch that a generator gave, with tensors on the current device as leaves; None stays."""
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(v, (bool, int, float)) for v in value):
            return _tensor(numpy.asarray(value))
        return tree.refill(value, [as_batch(v) for v in value])
    if isinstance(value, Mapping):
        return {k: as_batch(v) for k, v in value.items()}
    if value is None:
        return None
    if isinstance(value, Tensor):
        return value if value.device == current_device() else value.to(current_device())
    return _tensor(value if is_device_array(value) else _host("a batch", value))


def _tensor(array: Any) -> Any:
    if is_text(array):
        return array
    made = place(with_our_floats(array), current_device())
    # Generators go on using their arrays: a tensor of one must not change with it.
    return Tensor(made.copy() if made is array else made, None, None)


def rows_of(structure: Any) -> int:
    """The number of samples: the first length of the first array."""
    if structure.__class__ is Tensor:  # asked at every step
        shape = structure.data.shape
        return int(shape[0]) if shape else 1
    first = next((leaf for leaf in tree.flatten(structure) if leaf is not None), None)
    return int(first.shape[0]) if first is not None and len(first.shape) else 1


def _why_lengths_differ(named: dict[str, Any]) -> str:
    """What is likely wrong where arrays have different numbers of rows: samples in a list, or rows that got lost."""
    counts = {name: len(leaves) for name, x in named.items() if len(leaves := tree.flatten(x)) > 1}
    for name, count in counts.items():
        if any(each != name and rows_of(x) == count for each, x in named.items() if x is not None):
            return f"A list has one array for each input. {name} seems to be a list of samples: np.stack({name})."
    for name, x in named.items():
        shape = [] if x is None or tree.is_nested(x) else list(x.shape)
        others = [rows_of(each) for other, each in named.items() if other != name and each is not None]
        if len(shape) > 1 and shape[0] < shape[1] and shape[1] in others:
            kind = "inputs" if name == "x" else "outputs"
            each = f"[{name}[0], {name}[1]{', ...' * (shape[0] > 2)}]"
            several = f"For a model with {shape[0]} {kind} pass a list, {each}; otherwise" if shape[0] > 1 else "Pass"
            return f"{name} is {shape}, with the samples along its second axis. {several} {name}.swapaxes(0, 1)."
    return "Row i of each belongs to sample i: look where one of them was cut, filtered or split without the others."


def check_lengths(**named: Any) -> int:
    """The common number of rows of all arrays.

    Raises:
        ValueError: when they differ, or there are none.
    """
    lengths: dict[str, int] = {}
    for name, structure in named.items():
        leaves = [leaf for leaf in tree.flatten(structure) if leaf is not None]
        for i, leaf in enumerate(leaves):
            lengths[name if len(leaves) == 1 else f"{name} #{i}"] = int(leaf.shape[0])
    if len(set(lengths.values())) > 1:
        described = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        raise ValueError(
            f"all arrays need the same number of samples (first axis): {described}. {_why_lengths_differ(named)}"
        )
    rows = next(iter(lengths.values()), 0)
    if not rows:
        raise ValueError(f"the data is empty: {', '.join(lengths) or 'x'} has no samples.")
    return rows


def refuse_holes(x: Any, what: str) -> None:
    """A list of rows of numbers, with None among them, is neither an array nor a list of batches.

    Raises:
        TypeError: for such a list.
    """
    rows = x if isinstance(x, (list, tuple)) else ()
    at = next(
        (i for i, row in enumerate(rows) if isinstance(row, (list, tuple)) and any(each is None for each in row)), None
    )
    if at is not None and all(isinstance(each, (int, float, type(None))) for each in rows[at]):
        raise TypeError(
            f"{what}: a list with None among its numbers, first in row {at}, is no array yet. Put a number in its "
            "place, or leave such rows out of x and y."
        )
