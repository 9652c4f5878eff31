"""Python inside of TensorFlow's graphs, and lists that grow there: `py_function`, `TensorArray`, ..."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow import initializers, ops
from eagerflow.base import tree
from eagerflow.compat.tensorflow.arrays import map_fn
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor, holds_text, text_tensor

__all__ = ["TensorArray", "constant_initializer", "group", "numpy_function", "ones_initializer", "py_function"]
__all__ += ["random_normal_initializer", "random_uniform_initializer", "vectorized_map", "zeros_initializer"]
__all__ += ["control_dependencies", "scan"]

constant_initializer, ones_initializer = initializers.Constant, initializers.Ones
random_normal_initializer, random_uniform_initializer = initializers.RandomNormal, initializers.RandomUniform
zeros_initializer = initializers.Zeros
vectorized_map = map_fn


def py_function(
    func: Callable[..., Any] | None = None, inp: Sequence[Any] = (), Tout: Any = None, name: str | None = None
) -> Any:
    """The function's results as tensors of these types; a decorator where only `Tout` is given."""
    if func is None:
        return lambda function: lambda *args: py_function(function, args, Tout)
    return _typed(func(*[_tensor(x) for x in inp]), Tout)


def numpy_function(
    func: Callable[..., Any] | None = None,
    inp: Sequence[Any] = (),
    Tout: Any = None,
    stateful: bool = True,
    name: str | None = None,
) -> Any:
    """`py_function` of NumPy arrays; a decorator where only `Tout` is given."""
    if func is None:
        return lambda function: lambda *args: numpy_function(function, args, Tout)
    arrays = [x.numpy() if isinstance(x, (Tensor, TextTensor)) else numpy.asarray(x) for x in inp]
    return _typed(func(*arrays), Tout)


def _tensor(x: Any) -> Any:
    return text_tensor(x) if holds_text(x) else ops.convert_to_tensor(x)


def _typed(results: Any, types: Any) -> Any:
    if isinstance(types, (list, tuple)):
        given = results if isinstance(results, (list, tuple)) else [results] if types else []
        return [_typed(x, t) for x, t in zip(given, types, strict=True)]
    if types is None:
        return None if results is None else _tensor(results)
    return text_tensor(results) if types == "string" else ops.cast(ops.convert_to_tensor(results), types)


def scan(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, *, reverse: bool = False, **kwargs: Any
) -> Any:
    """What `fn(result, element)` gives for one row after the other, stacked.

    >>> scan(lambda total, x: total + x, ops.convert_to_tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 3.0, 6.0]
    """
    columns = tree.map_structure(ops.convert_to_tensor, elems)
    count = tree.flatten(columns)[0].shape[0]
    rows = [tree.map_structure(lambda x, i=i: x[i], columns) for i in range(count)]
    rows = rows[::-1] if reverse else rows
    results = [] if initializer is not None else [rows.pop(0)]
    result = results[0] if results else tree.map_structure(ops.convert_to_tensor, initializer)
    for row in rows:
        result = fn(result, row)
        results.append(result)
    return tree.map_structure(lambda *x: ops.stack(x), *(results[::-1] if reverse else results))


def control_dependencies(control_inputs: Any) -> contextlib.AbstractContextManager[Any]:
    """Accepted: everything runs in the order in which it is written."""
    return contextlib.nullcontext()


def group(*inputs: Any, **kwargs: Any) -> None:
    """Nothing: what was called has run."""


class TensorArray:
    """A list of tensors that are written one by one."""

    def __init__(self, dtype: Any, size: Any = 0, **kwargs: Any) -> None:
        self.dtype = dtype
        self.rows: list[Any] = [None] * int(size)

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Put a tensor in its place."""
        index = int(index)
        self.rows.extend([None] * (index + 1 - len(self.rows)))
        self.rows[index] = ops.cast(ops.convert_to_tensor(value), self.dtype)
        return self

    def read(self, index: Any, name: str | None = None) -> Any:
        """The tensor in a place."""
        return self.rows[int(index)]

    def stack(self, name: str | None = None) -> Tensor:
        """All along a new first axis.

        Raises:
            ValueError: when one was never written.
        """
        missing = [i for i, row in enumerate(self.rows) if row is None]
        if missing:
            raise ValueError(f"TensorArray.stack: nothing was written at {missing[:5]}.")
        return ops.stack(self.rows)

    def concat(self, name: str | None = None) -> Tensor:
        """All along their first axis."""
        return ops.concatenate(self.rows)

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The rows of a tensor."""
        self.rows = list(ops.unstack(ops.convert_to_tensor(value)))
        return self

    def size(self, name: str | None = None) -> int:
        """How many there are."""
        return len(self.rows)
