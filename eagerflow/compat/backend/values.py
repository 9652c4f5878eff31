"""Tensors and variables made, read and changed: the part of `keras.backend` about single values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy

from eagerflow import ops, random
from eagerflow.base.config import floatx
from eagerflow.base.output import write
from eagerflow.base.typing import Shape
from eagerflow.compat.arguments import Older, renamed, taking
from eagerflow.compat.shapes import Lengths
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

cast, stop_gradient, identity = ops.cast, ops.stop_gradient, renamed(ops.copy, "x")
zeros_like, ones_like = renamed(ops.zeros_like, "x dtype"), renamed(ops.ones_like, "x dtype")
arange = renamed(ops.arange, "start stop step dtype", step=1, dtype="int32")
random_uniform = renamed(random.uniform, "shape minval maxval dtype seed")
random_normal = taking(Older({"std": "stddev"}))(renamed(random.normal, "shape mean stddev dtype seed"))
truncated_normal = taking(Older({"std": "stddev"}))(renamed(random.truncated_normal, "shape mean stddev dtype seed"))


def to_dense(tensor: Any) -> Any:
    """The tensor, which is dense."""
    return tensor


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A variable with this value, in `floatx()` unless `dtype` says otherwise.

    >>> variable([1, 2]).numpy()
    array([1., 2.], dtype=float32)
    """
    made = Variable(value, dtype=dtype or floatx(), name=name)
    made.constraint = constraint
    return made


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor with this value, in `floatx()` unless `dtype` says otherwise; one number fills `shape`.

    >>> constant(3.0, shape=(2, 2)).tolist()
    [[3.0, 3.0], [3.0, 3.0]]
    """
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

    >>> placeholder((None, 3)).shape, placeholder(ndim=2).shape
    ((None, 3), (None, None))
    """
    if sparse:
        raise ValueError("placeholder(sparse=True): there are no sparse tensors here.")
    if shape is None and ndim is None:
        raise ValueError("placeholder: give shape (with the batch axis) or ndim.")
    made = Input(batch_shape=(None,) * int(ndim or 0) if shape is None else shape, dtype=dtype, name=name)
    assert isinstance(made, SymbolicTensor)
    return made


def is_placeholder(x: Any) -> bool:
    """Whether `x` is what `placeholder` or `Input` gave.

    >>> is_placeholder(placeholder((None, 3))), is_placeholder(ones((2,)))
    (True, False)
    """
    return isinstance(x, SymbolicTensor) and x.node is not None and isinstance(x.node.operation, InputLayer)


def is_tensor(x: Any) -> bool:
    """True for tensors and variables.

    >>> is_tensor(ones((2,))), is_tensor([1.0])
    (True, False)
    """
    return isinstance(x, Tensor)


def is_variable(x: Any) -> bool:
    """True for variables.

    >>> is_variable(ones((2,))), is_variable(ones_like([1.0]))
    (True, False)
    """
    return isinstance(x, Variable)


def is_sparse(tensor: Any) -> bool:
    """False: there are no sparse tensors.

    >>> is_sparse(ones((2,)))
    False
    """
    return False


def shape(x: Any) -> Lengths:
    """The shape, which counts as a vector in arithmetic; None where a symbolic tensor doesn't know.

    >>> shape(ones((2, 3))), (shape(ones((2, 3))) * 2).tolist()
    ((2, 3), [4, 6])
    """
    return Lengths(x.shape)


def int_shape(x: Any) -> Shape:
    """The shape as a tuple, with None for unknown lengths.

    >>> int_shape(ones((2, 3))), int_shape(placeholder((None, 3)))
    ((2, 3), (None, 3))
    """
    return tuple(x.shape)


get_variable_shape = int_shape


def ndim(x: Any) -> int:
    """The number of axes.

    >>> ndim(ones((2, 3)))
    2
    """
    return len(x.shape)


def dtype(x: Any) -> str:
    """The name of the type.

    >>> dtype(ones((2, 3)))
    'float32'
    """
    return numpy.dtype(x.dtype).name if not isinstance(x, Tensor) else x.dtype.name


def count_params(x: Any) -> int:
    """The number of elements.

    >>> count_params(ones((2, 3)))
    6
    """
    return int(numpy.prod(x.shape))


def eval(x: Any) -> numpy.ndarray:
    """The values as a NumPy array.

    Raises:
        TypeError: for a symbolic tensor, which has none.

    >>> eval(constant([1.0, 2.0]) * 2)
    array([2., 4.], dtype=float32)
    """
    if isinstance(x, SymbolicTensor):
        raise TypeError(
            "K.eval: a symbolic tensor has no values; write K.function([model.input], [x]) and call that on data."
        )
    return numpy.array(ops.convert_to_numpy(x))


get_value = eval


def batch_get_value(ops: Iterable[Any]) -> list[numpy.ndarray]:
    """The values of several variables.

    >>> batch_get_value([ones((2,)), zeros((1,))])
    [array([1., 1.], dtype=float32), array([0.], dtype=float32)]
    """
    return [get_value(x) for x in ops]


def set_value(x: Variable, value: Any) -> None:
    """Set all values of a variable (or of an optimizer's `lr`).

    Raises:
        TypeError: for something that can't be assigned to.

    >>> x = zeros((2,))
    >>> set_value(x, [1.0, 2.0])
    >>> x.numpy()
    array([1., 2.], dtype=float32)
    """
    if not isinstance(x, Variable):
        raise TypeError(
            f"K.set_value(x, value): expected a variable; got {type(x).__name__}. A learning rate that a schedule or "
            "decay decides can't be set; write optimizer.learning_rate = value."
        )
    x.assign(value)


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """`set_value` for pairs of a variable and a value.

    >>> x, y = zeros((2,)), zeros((1,))
    >>> batch_set_value([(x, [1.0, 2.0]), (y, [3.0])])
    >>> x.numpy(), y.numpy()
    (array([1., 2.], dtype=float32), array([3.], dtype=float32))
    """
    for x, value in tuples:
        set_value(x, value)


def update(x: Variable, new_x: Any) -> Variable:
    """Assign, now.

    >>> x = zeros((2,))
    >>> _ = update(x, [1.0, 2.0])
    >>> x.numpy()
    array([1., 2.], dtype=float32)
    """
    return x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Variable:
    """Add to a variable, now.

    >>> x = ones((2,))
    >>> _ = update_add(x, 10.0)
    >>> x.numpy()
    array([11., 11.], dtype=float32)
    """
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: Any) -> Variable:
    """Subtract from a variable, now.

    >>> x = ones((2,))
    >>> _ = update_sub(x, 1.0)
    >>> x.numpy()
    array([0., 0.], dtype=float32)
    """
    return x.assign_sub(decrement)


def moving_average_update(x: Variable, value: Any, momentum: float) -> Variable:
    """Assign `x * momentum + value * (1 - momentum)`, now.

    >>> x = variable(0.0)
    >>> _ = moving_average_update(x, 10.0, momentum=0.5)
    >>> float(x)
    5.0
    """
    return x.assign(x * momentum + value * (1 - momentum))


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of zeros.

    >>> zeros((2, 3)).numpy().tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return variable(ops.zeros(shape, dtype or floatx()), dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of ones.

    >>> ones((2, 3)).numpy().tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    return variable(ops.ones(shape, dtype or floatx()), dtype, name)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable with the identity matrix; `size` is a number or (rows, columns).

    >>> eye(2).numpy().tolist(), eye((1, 3)).numpy().tolist()
    ([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0, 0.0]])
    """
    rows, columns = size if isinstance(size, Sequence) else (size, size)
    return variable(ops.eye(rows, columns, dtype=dtype or floatx()), dtype, name)


@composite
def print_tensor(x: Any, message: str = "") -> Any:
    """Print the values whenever they are computed; gives `x` itself.

    >>> _ = print_tensor(constant([1.0, 2.0]), message="x =")
    x = [1. 2.]
    """
    context = current_call.get()
    if context is None or not context.probing:
        write(f"{message} {ops.convert_to_numpy(x)}\n")
    return x


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Ones with probability `p`, zeros otherwise.

    >>> sorted(set(random_bernoulli((100,), p=0.5, seed=1).tolist()))
    [0.0, 1.0]
    """
    return random.binomial(shape, 1, p, dtype, seed)


random_binomial = random_bernoulli


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Variable:
    """A variable of evenly distributed numbers.

    >>> random_uniform_variable((2, 3), 0.0, 1.0, seed=1).shape
    (2, 3)
    """
    return variable(random_uniform(shape, low, high, dtype, seed), dtype, name)


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Variable:
    """A variable of normally distributed numbers.

    >>> random_normal_variable((2, 3), 0.0, 1.0, seed=1).shape
    (2, 3)
    """
    return variable(random_normal(shape, mean, scale, dtype, seed), dtype, name)
