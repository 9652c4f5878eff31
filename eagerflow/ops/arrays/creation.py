"""New tensors from numbers, made on the current device. Where no type is given, floats are `floatx()`."""

from __future__ import annotations

import operator
from typing import Any, Literal, overload

import numpy

from eagerflow.base.typing import DType, NewShape, Operand, TensorLike
from eagerflow.core import observe
from eagerflow.core.device import CPU, current_device, device_of, place
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.shape import broadcast_to, expand_dims, moveaxis, reshape
from eagerflow.ops.elementwise.arithmetic import add, multiply, power, subtract
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.exponential import exp, log

__all__ = ["arange", "array", "empty", "empty_like", "eye", "full", "full_like", "geomspace", "identity", "linspace"]
__all__ += ["logspace", "meshgrid", "ones", "ones_like", "tri", "vander", "zeros", "zeros_like"]


def made(array: numpy.ndarray, op: str, *settings: Any) -> Tensor:
    """A tensor that takes over a new array, on the current device; `op` and `settings`: see `Observer.on_fill`."""
    where = current_device()
    placed = array if where is CPU else place(array, where)
    observe.fill(placed, op, *settings)
    return Tensor(placed, None, None)


def shape_of(given: Any, name: str) -> tuple[int, ...]:
    """A shape as a tuple, from a number or a sequence of numbers; `name` is the op's, for messages."""
    several = isinstance(given, (tuple, list)) or (hasattr(given, "ndim") and given.ndim == 1)
    lengths = list(given) if several else [given]
    if any(n is None for n in lengths):
        raise unknown_length(name, f"shape={given!r}")
    try:
        shape = tuple([int(n) for n in lengths])
        if any(isinstance(n, (str, bytes)) for n in lengths):
            raise TypeError
    except (TypeError, ValueError):
        raise TypeError(f"{name}(shape={given!r:.80}): expected whole numbers of at least 0.") from None
    if any(n < 0 for n in shape) or any(isinstance(n, float) and n != int(n) for n in lengths):
        raise ValueError(f"{name}(shape={given!r:.80}): expected whole numbers of at least 0.")
    return shape


def unknown_length(name: str, got: str) -> TypeError:
    """The error for a size that a symbolic tensor doesn't know yet."""
    return TypeError(
        f"{name}({got}): None is a length that the functional API doesn't know before data comes, and it can't be "
        "fixed now. Compute with it inside a layer's call (or a Lambda layer), where every length is known."
    )


@composite
def zeros(shape: NewShape, dtype: DType = None) -> Tensor:
    """A tensor of zeros.

    Args:
        shape: the lengths of the axes.
        dtype: a type name; default `floatx()`.

    >>> ef.ops.zeros((2, 3)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    >>> rows = ef.Variable([[1.0, 2.0]])
    >>> ef.ops.concatenate([ef.ops.zeros((1, 2)), rows]).tolist()
    [[0.0, 0.0], [1.0, 2.0]]
    """
    return made(numpy.zeros(shape_of(shape, "zeros"), as_dtype(dtype)), "zeros")


@composite
def ones(shape: NewShape, dtype: DType = None) -> Tensor:
    """A tensor of ones.

    Args:
        shape: the lengths of the axes.
        dtype: a type name; default `floatx()`.

    >>> ef.ops.ones((2, 3)).tolist(), ef.ops.ones(2, "int32").tolist()
    ([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]], [1, 1])
    >>> matrix = ef.Variable([[1.0, 2.0], [3.0, 4.0]])
    >>> ef.ops.matmul(ef.ops.ones((1, 2)), matrix).tolist()  # column sums
    [[4.0, 6.0]]
    """
    return made(numpy.ones(shape_of(shape, "ones"), as_dtype(dtype)), "ones")


@composite
def empty(shape: NewShape, dtype: DType = None) -> Tensor:
    """A tensor of zeros, since tensors can't be filled later as NumPy's `empty` arrays are.

    Args:
        shape: the lengths of the axes.
        dtype: a type name; default `floatx()`.

    >>> ef.ops.empty((2, 3)).shape
    (2, 3)
    >>> (ef.ops.empty((2,)) + ef.Variable([3.0, 4.0])).tolist()
    [3.0, 4.0]
    """
    return zeros(shape, dtype)


@composite
def full(shape: NewShape, fill_value: TensorLike, dtype: DType = None) -> Tensor:
    """A tensor in which all elements have one value.

    Args:
        shape: the shape of the tensor.
        fill_value: a number, or a tensor that is broadcast to the shape. Gradients flow to it.
        dtype: a type name; default `floatx()`.

    >>> ef.ops.full((2, 3), 7).tolist()
    [[7.0, 7.0, 7.0], [7.0, 7.0, 7.0]]
    >>> ef.ops.full((2, 2), ef.Variable([3.0, 4.0])).tolist()
    [[3.0, 4.0], [3.0, 4.0]]
    """
    kind = as_dtype(dtype)
    if isinstance(fill_value, (bool, int, float, complex)):
        return made(numpy.full(shape_of(shape, "full"), fill_value, kind), "full", fill_value)
    return broadcast_to(cast(fill_value, kind), shape_of(shape, "full"))


def _like(x: Any, value: Any, dtype: DType) -> Tensor:
    """A tensor of one number, of the shape, type and device of another."""
    x = convert_to_tensor(x)
    array = place(numpy.full(x.shape, value, x.dtype if dtype is None else as_dtype(dtype)), device_of(x.data))
    observe.fill(array, *(("zeros",) if value == 0 else ("ones",) if value == 1 else ("full", value)))
    return Tensor(array, None, None)


@composite
def zeros_like(x: TensorLike, dtype: DType = None) -> Tensor:
    """A tensor of zeros with the shape, type and device of `x`.

    Args:
        x: a tensor.
        dtype: a type name; default: the type of `x`.

    >>> ef.ops.zeros_like([1, 2]).tolist()
    [0, 0]
    >>> x = ef.Variable([-1.0, 2.0])
    >>> ef.ops.maximum(x, ef.ops.zeros_like(x)).tolist()
    [0.0, 2.0]
    """
    return _like(x, 0, dtype)


@composite
def ones_like(x: TensorLike, dtype: DType = None) -> Tensor:
    """A tensor of ones with the shape, type and device of `x`.

    Args:
        x: a tensor.
        dtype: a type name; default: the type of `x`.

    >>> ef.ops.ones_like([1, 2], "float32").tolist()
    [1.0, 1.0]
    >>> share = ef.Variable([0.25, 1.0])
    >>> (ef.ops.ones_like(share) - share).tolist()
    [0.75, 0.0]
    """
    return _like(x, 1, dtype)


@composite
def empty_like(x: TensorLike, dtype: DType = None) -> Tensor:
    """A tensor of zeros with the shape and type of `x`, since tensors can't be filled later.

    Args:
        x: a tensor.
        dtype: a type name; default: the type of `x`.

    >>> ef.ops.empty_like([[1, 2, 3]], dtype="float32").shape
    (1, 3)
    >>> x = ef.Variable([3.0, 4.0])
    >>> (ef.ops.empty_like(x) + x).tolist()
    [3.0, 4.0]
    """
    return _like(x, 0, dtype)


@composite
def full_like(x: TensorLike, fill_value: TensorLike, dtype: DType = None) -> Tensor:
    """A tensor filled with one value, with the shape, type and device of `x`.

    Args:
        x: a tensor.
        fill_value: a number, or a tensor that is broadcast to the shape.
        dtype: a type name; default: the type of `x`.

    >>> ef.ops.full_like([1, 2], 7).tolist()
    [7, 7]
    >>> x = ef.Variable([-1.0, 2.0])
    >>> ef.ops.minimum(x, ef.ops.full_like(x, 1.0)).tolist()
    [-1.0, 1.0]
    """
    x = convert_to_tensor(x)
    if isinstance(fill_value, (bool, int, float, complex)):
        return _like(x, fill_value, dtype)
    return broadcast_to(cast(fill_value, x.dtype if dtype is None else dtype), x.shape)


@composite
def array(x: TensorLike, dtype: DType = None) -> Tensor:
    """Converts `x` to a tensor, as `convert_to_tensor` does.

    Args:
        x: an array, number, nested list or tensor.
        dtype: a type name; default: that of the array, `floatx()` for Python floats, int32 for Python ints.

    >>> ef.ops.array([1.0, 2.0]), ef.ops.array([1, 2], "float32")
    (Tensor(2 float32, [1., 2.]), Tensor(2 float32, [1., 2.]))
    >>> (ef.ops.array([1.0, 2.0]) * ef.Variable(3.0)).tolist()
    [3.0, 6.0]
    """
    return convert_to_tensor(x, dtype)


@composite
def arange(start: Operand, stop: Operand | None = None, step: Operand | None = None, dtype: DType = None) -> Tensor:
    """Numbers from `start` up to (not including) `stop`.

    Args:
        start: the first number; if it is the only argument, it is `stop`, and the first number is 0.
        stop: the end, not included.
        step: the distance between numbers; default: 1.
        dtype: a type name; default: int32 for integers, `floatx()` for floats.

    >>> ef.ops.arange(3).tolist(), ef.ops.arange(1.0, 2.0, 0.5).tolist()
    ([0, 1, 2], [1.0, 1.5])
    >>> (ef.ops.arange(3.0) * ef.Variable(0.5)).tolist()
    [0.0, 0.5, 1.0]
    """
    if start is None:
        raise unknown_length("arange", "None")
    first, last = (0, start) if stop is None else (start, stop)
    numbers = [_number(n) for n in (first, last, 1 if step is None else step)]
    if numbers[2] == 0:
        raise ValueError(f"arange({start}, {stop}, {step}): step must not be 0.")
    if dtype is None and all(isinstance(n, int) for n in numbers):
        dtype = "int32" if all(abs(n) < 2**31 for n in numbers) else "int64"
    # NumPy adds up in the type it is given: low precision would drift.
    told = numbers[1:2] if numbers[0] == 0 and numbers[2] == 1 else numbers[: 2 + (numbers[2] != 1)]
    return made(numpy.arange(*numbers).astype(as_dtype(dtype)), "arange", *told)


def _number(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


@composite
def eye(N: int, M: int | None = None, k: int = 0, dtype: DType = None) -> Tensor:
    """A matrix with ones on a diagonal, zeros elsewhere.

    Args:
        N: the number of rows.
        M: the number of columns; default `N`.
        k: which diagonal: 0 for the main one, positive above it, negative below it.
        dtype: a type name; default `floatx()`.

    >>> ef.ops.eye(2, 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    >>> ef.ops.eye(3, k=1, dtype="int32").tolist()
    [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    >>> ef.ops.matmul(ef.Variable([[1.0, 2.0], [3.0, 4.0]]), ef.ops.eye(2, k=1)).tolist()
    [[0.0, 1.0], [0.0, 3.0]]
    """
    rows, columns = operator.index(N), None if M is None else operator.index(M)
    return made(numpy.eye(rows, columns, operator.index(k), as_dtype(dtype)), "eye")


@composite
def identity(n: int, dtype: DType = None) -> Tensor:
    """The identity matrix.

    Args:
        n: the number of rows and columns.
        dtype: a type name; default `floatx()`.

    >>> ef.ops.identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    >>> (ef.Variable([[2.0, 1.0], [1.0, 2.0]]) + ef.ops.identity(2)).tolist()
    [[3.0, 1.0], [1.0, 3.0]]
    """
    return eye(n, dtype=dtype)


@composite
def tri(N: int, M: int | None = None, k: int = 0, dtype: DType = None) -> Tensor:
    """A matrix with ones on and below a diagonal, zeros above.

    Args:
        N: the number of rows.
        M: the number of columns; default `N`.
        k: which diagonal: 0 for the main one, positive above it, negative below it.
        dtype: a type name; default `floatx()`.

    >>> ef.ops.tri(3, dtype="int32").tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    >>> (ef.Variable([[1.0, 2.0], [3.0, 4.0]]) * ef.ops.tri(2)).tolist()
    [[1.0, 0.0], [3.0, 4.0]]
    """
    return made(numpy.tri(int(N), None if M is None else int(M), k, as_dtype(dtype)), "tri")


@overload
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: Literal[False] = False,
    dtype: DType = None,
    axis: int = 0,
) -> Tensor: ...
@overload
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    *,
    retstep: Literal[True],
    dtype: DType = None,
    axis: int = 0,
) -> tuple[Tensor, Tensor]: ...
@composite
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DType = None,
    axis: int = 0,
) -> Any:
    """`num` evenly spaced numbers from `start` to `stop`.

    Args:
        start: the first number, or a tensor of them. Gradients flow to it.
        stop: the last number, or a tensor of them. Gradients flow to it.
        num: the number of values.
        endpoint: whether `stop` is among them.
        retstep: whether to return the distance between numbers, too.
        dtype: a type name; default `floatx()`, or the type of the tensors given.
        axis: the axis of the result along which the numbers lie.

    Returns:
        A tensor, or with `retstep` a pair of tensors.

    Raises:
        ValueError: for a negative `num`.

    >>> ef.ops.linspace(0.0, 1.0, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    if num < 0:
        raise ValueError(f"linspace: num={num} must not be negative.")
    first, last = _float(start), _float(stop)
    parts = num - 1 if endpoint else num
    distance = subtract(last, first)
    fractions = numpy.arange(num) / max(parts, 1)
    weights = Tensor(fractions.reshape((-1,) + (1,) * distance.ndim), distance.dtype, device=distance.device)
    # From both ends, so that the last number is exactly `stop`.
    points = add(multiply(first, 1 - weights), multiply(last, weights))
    points = moveaxis(points, 0, axis) if axis else points
    points = points if dtype is None else cast(points, dtype)
    return (points, multiply(distance, 1 / parts if parts else float("nan"))) if retstep else points


def _float(x: Any) -> Tensor:
    tensor = convert_to_tensor(x)
    return cast(tensor, None) if tensor.dtype.kind in "iub" else tensor


@composite
def logspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    base: TensorLike = 10,
    dtype: DType = None,
    axis: int = 0,
) -> Tensor:
    """`num` numbers from `base ** start` to `base ** stop`, evenly spaced on a logarithmic scale.

    Args:
        start: the first exponent, or a tensor of them.
        stop: the last exponent, or a tensor of them.
        num: the number of values.
        endpoint: whether the last one is among them.
        base: the base of the powers.
        dtype: a type name; default `floatx()`.
        axis: the axis of the result along which the numbers lie.

    >>> ef.ops.logspace(0, 2, 3).tolist()
    [1.0, 10.0, 100.0]
    """
    numbers = power(base, linspace(start, stop, num, endpoint, axis=axis))
    return numbers if dtype is None else cast(numbers, dtype)


@composite
def geomspace(
    start: TensorLike, stop: TensorLike, num: int = 50, endpoint: bool = True, dtype: DType = None, axis: int = 0
) -> Tensor:
    """`num` numbers from `start` to `stop`, evenly spaced on a logarithmic scale.

    Args:
        start: the first number, or a tensor of them, not 0.
        stop: the last number, or a tensor of them, of the same sign.
        num: the number of values.
        endpoint: whether `stop` is among them.
        dtype: a type name; default `floatx()`.
        axis: the axis of the result along which the numbers lie.

    Raises:
        ValueError: where one of the ends is 0, or their signs differ.

    >>> [round(n, 4) for n in ef.ops.geomspace(1.0, 100.0, 3).tolist()]
    [1.0, 10.0, 100.0]
    """
    first, last = _float(start), _float(stop)
    if not bool((first * last > 0).all()):
        raise ValueError("geomspace: start and stop must not be 0 and must have the same sign.")
    growth = linspace(multiply(first, 0), log(last / first), num, endpoint, axis=axis)
    numbers = multiply(expand_dims(first, axis) if first.ndim else first, exp(growth))
    return numbers if dtype is None else cast(numbers, dtype)


@composite
def meshgrid(*x: Any, indexing: Literal["xy", "ij"] | str = "xy") -> list[Tensor]:
    """Makes grids of coordinates from vectors of coordinates.

    Args:
        *x: the vectors.
        indexing: `"xy"` lets the first vector run along axis 1 and the second along axis 0, `"ij"` keeps their order.

    Returns:
        One tensor per vector, all of one shape.

    Raises:
        ValueError: for another `indexing`.

    >>> x, y = ef.ops.meshgrid([1.0, 2.0, 3.0], [5.0, 6.0])
    >>> x.tolist(), y.tolist()
    ([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], [[5.0, 5.0, 5.0], [6.0, 6.0, 6.0]])
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing={indexing!r}; expected 'xy' or 'ij'.")
    vectors = [reshape(v, (-1,)) for v in x]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[:2] = [1, 0]
    shape = [0] * len(vectors)
    for vector, axis in zip(vectors, order, strict=True):
        shape[axis] = vector.size
    return [
        broadcast_to(reshape(v, tuple([-1 if i == axis else 1 for i in range(len(shape))])), tuple(shape))
        for v, axis in zip(vectors, order, strict=True)
    ]


@composite
def vander(x: TensorLike, N: int | None = None, increasing: bool = False) -> Tensor:
    """A Vandermonde matrix, whose rows are the powers of each element of `x`.

    Args:
        x: a vector.
        N: the number of columns; default: the length of `x`.
        increasing: whether the powers increase from left to right.

    Raises:
        ValueError: when `x` isn't a vector.

    >>> ef.ops.vander([2.0, 3.0], 3).tolist()
    [[4.0, 2.0, 1.0], [9.0, 3.0, 1.0]]
    """
    x = convert_to_tensor(x)
    if x.ndim != 1:
        raise ValueError(f"vander: expected a vector; got shape {x.shape}.")
    exponents = numpy.arange(x.size if N is None else N)
    exponents = exponents if increasing else exponents[::-1]
    return power(expand_dims(x, 1), Tensor(exponents, x.dtype, device=x.device))
