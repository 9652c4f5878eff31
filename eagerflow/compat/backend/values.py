"""Tensors and variables made, read and changed: the part of `keras.backend` about single values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy

from eagerflow import ops, random
from eagerflow.base.config import floatx
from eagerflow.base.spellings import also
from eagerflow.base.typing import Shape
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.call_context import current_call
from eagerflow.layer.symbolic.input import Input, InputLayer
from eagerflow.layer.symbolic.tensors import SymbolicTensor

__all__ = ["arange", "batch_get_value", "batch_set_value", "cast", "constant", "count_params", "dtype", "eval", "eye"]
__all__ += ["get_value", "get_variable_shape", "identity", "int_shape", "is_placeholder", "is_sparse", "is_tensor"]
__all__ += ["is_variable", "moving_average_update", "ndim", "ones", "ones_like", "placeholder", "print_tensor"]
__all__ += ["random_bernoulli", "random_binomial", "random_normal", "random_normal_variable", "random_uniform"]
__all__ += ["random_uniform_variable", "set_value", "shape", "stop_gradient", "to_dense", "truncated_normal", "update"]
__all__ += ["update_add", "update_sub", "variable", "zeros", "zeros_like"]

cast, shape, stop_gradient = ops.cast, ops.shape, ops.stop_gradient


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A variable with this value, in `floatx()` unless `dtype` says otherwise."""
    made = Variable(value, dtype=dtype or floatx(), name=name)
    made.constraint = constraint
    return made


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor with this value, in `floatx()` unless `dtype` says otherwise; one number fills `shape`."""
    made = ops.convert_to_tensor(value, dtype or floatx())
    if shape is None:
        return made
    return ops.broadcast_to(made, shape) if made.size == 1 else ops.reshape(made, shape)


def placeholder(
    shape: Any = None, ndim: int | None = None, dtype: Any = None, sparse: bool = False, name: str | None = None
) -> SymbolicTensor:
    """A symbolic tensor, for `K.function` and models. `shape` has the batch axis, unlike that of `Input`.

    Raises:
        ValueError: without `shape` and `ndim`, or for a sparse one.
    """
    if sparse:
        raise ValueError("placeholder(sparse=True): there are no sparse tensors here.")
    if shape is None and ndim is None:
        raise ValueError("placeholder: give shape (with the batch axis) or ndim.")
    return Input(batch_shape=(None,) * int(ndim or 0) if shape is None else shape, dtype=dtype, name=name)


def is_placeholder(x: Any) -> bool:
    """Whether `x` is what `placeholder` or `Input` gave."""
    return isinstance(x, SymbolicTensor) and x.node is not None and isinstance(x.node.operation, InputLayer)


def is_tensor(x: Any) -> bool:
    """True for tensors and variables."""
    return isinstance(x, Tensor)


def is_variable(x: Any) -> bool:
    """True for variables."""
    return isinstance(x, Variable)


def is_sparse(tensor: Any) -> bool:
    """False: there are no sparse tensors."""
    return False


def to_dense(tensor: Any) -> Any:
    """The tensor, which is dense."""
    return tensor


def int_shape(x: Any) -> Shape:
    """The shape as a tuple, with None for unknown lengths."""
    return tuple(x.shape)


get_variable_shape = int_shape


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(x.shape)


def dtype(x: Any) -> str:
    """The name of the type."""
    return numpy.dtype(x.dtype).name if not isinstance(x, Tensor) else x.dtype.name


def count_params(x: Any) -> int:
    """The number of elements."""
    return int(numpy.prod(x.shape))


def eval(x: Any) -> numpy.ndarray:
    """The values as a NumPy array.

    Raises:
        TypeError: for a symbolic tensor, which has none.
    """
    if isinstance(x, SymbolicTensor):
        raise TypeError(
            "K.eval: a symbolic tensor has no values; write K.function([model.input], [x]) and call that on data."
        )
    return numpy.array(ops.convert_to_numpy(x))


get_value = eval


def batch_get_value(ops: Iterable[Any]) -> list[numpy.ndarray]:
    """The values of several variables."""
    return [get_value(x) for x in ops]


def set_value(x: Variable, value: Any) -> None:
    """Set all values of a variable (or of an optimizer's `lr`).

    Raises:
        TypeError: for something that can't be assigned to.
    """
    if not isinstance(x, Variable):
        raise TypeError(
            f"K.set_value(x, value): expected a variable; got {type(x).__name__}. A learning rate that a schedule or "
            "decay decides can't be set; write optimizer.learning_rate = value."
        )
    x.assign(value)


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """`set_value` for pairs of a variable and a value."""
    for x, value in tuples:
        set_value(x, value)


def update(x: Variable, new_x: Any) -> Variable:
    """Assign, now."""
    return x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Variable:
    """Add to a variable, now."""
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: Any) -> Variable:
    """Subtract from a variable, now."""
    return x.assign_sub(decrement)


def moving_average_update(x: Variable, value: Any, momentum: float) -> Variable:
    """Assign `x * momentum + value * (1 - momentum)`, now."""
    return x.assign(x * momentum + value * (1 - momentum))


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of zeros."""
    return variable(ops.zeros(shape, dtype or floatx()), dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of ones."""
    return variable(ops.ones(shape, dtype or floatx()), dtype, name)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable with the identity matrix; `size` is a number or (rows, columns)."""
    rows, columns = size if isinstance(size, Sequence) else (size, size)
    return variable(ops.eye(rows, columns, dtype=dtype or floatx()), dtype, name)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros in the shape of `x`."""
    return ops.zeros_like(x, dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones in the shape of `x`."""
    return ops.ones_like(x, dtype)


def identity(x: Any, name: str | None = None) -> Tensor:
    """The same values in another tensor."""
    return ops.copy(x)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Tensor:
    """Numbers in equal steps; integers by default."""
    return ops.arange(start, stop, step, dtype=dtype)


@composite
def print_tensor(x: Any, message: str = "") -> Any:
    """Print the values whenever they are computed; gives `x` itself."""
    context = current_call.get()
    if context is None or not context.probing:
        print(message, ops.convert_to_numpy(x))
    return x


@also(std="stddev")
def random_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Normally distributed numbers."""
    return random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers distributed evenly from `minval` to below `maxval`."""
    return random.uniform(shape, minval, maxval, dtype, seed)


@also(std="stddev")
def truncated_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Normally distributed numbers within two standard deviations."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Ones with probability `p`, zeros otherwise."""
    return random.binomial(shape, 1, p, dtype, seed)


random_binomial = random_bernoulli


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Variable:
    """A variable of evenly distributed numbers."""
    return variable(random_uniform(shape, low, high, dtype, seed), dtype, name)


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Variable:
    """A variable of normally distributed numbers."""
    return variable(random_normal(shape, mean, scale, dtype, seed), dtype, name)
