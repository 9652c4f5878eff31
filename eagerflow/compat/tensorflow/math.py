"""Arithmetic, comparisons and reductions under TensorFlow's names: `tf.reduce_mean`, `tf.math.log`, ..."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eagerflow import ops
from eagerflow.compat.arguments import Older, renamed, taking
from eagerflow.core.dtypes import is_half
from eagerflow.core.tensor import Tensor

__all__ = ["abs", "acos", "acosh", "add", "add_n", "argmax", "argmin", "asin", "asinh", "atan", "atan2", "atanh"]
__all__ += ["bincount", "ceil", "clip_by_global_norm", "clip_by_norm", "clip_by_value", "complex", "confusion_matrix"]
__all__ += ["conj", "cos", "cosh", "count_nonzero", "cumprod", "cumsum", "divide", "divide_no_nan", "equal", "erf"]
__all__ += ["erfc", "erfinv", "exp", "expm1", "floor", "floordiv", "floormod", "global_norm", "greater"]
__all__ += ["greater_equal", "imag", "in_top_k", "is_finite", "is_inf", "is_nan", "l2_normalize", "less", "less_equal"]
__all__ += ["log", "log1p", "log_sigmoid", "log_softmax", "logical_and", "logical_not", "logical_or", "logical_xor"]
__all__ += ["matmul", "maximum", "minimum", "mod", "multiply", "multiply_no_nan", "negative", "not_equal", "pow"]
__all__ += ["real", "reciprocal", "reduce_all", "reduce_any", "reduce_logsumexp", "reduce_max", "reduce_mean"]
__all__ += ["reduce_min", "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance", "round", "rsqrt", "scalar_mul"]
__all__ += ["sequence_mask", "sigmoid", "sign", "sin", "sinh", "softmax", "softplus", "softsign", "sqrt"]
__all__ += ["square", "squared_difference", "subtract", "tan", "tanh", "top_k", "truediv"]


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, Sequence) else axis


def _one(op: Callable[..., Any]) -> Callable[..., Any]:
    return renamed(op, "x")


def _two(op: Callable[..., Any]) -> Callable[..., Any]:
    return renamed(op, "x y")


def _over(op: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction over some axes, with the argument names of TensorFlow 1, too."""

    def call(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
        return op(input_tensor, axis, keepdims)

    call.__name__ = call.__qualname__ = f"reduce_{op.__name__}"
    call.__doc__ = op.__doc__
    return taking(Older({"keep_dims": "keepdims", "reduction_indices": "axis"}))(call)


abs, acos, asin, atan, ceil, cos = map(_one, (ops.abs, ops.arccos, ops.arcsin, ops.arctan, ops.ceil, ops.cos))
acosh, asinh, atanh = map(_one, (ops.arccosh, ops.arcsinh, ops.arctanh))
erfc, erfinv = map(_one, (ops.erfc, ops.erfinv))
cosh, erf, exp, expm1, floor = map(_one, (ops.cosh, ops.erf, ops.exp, ops.expm1, ops.floor))
is_finite, is_inf, is_nan, log, log1p = map(_one, (ops.isfinite, ops.isinf, ops.isnan, ops.log, ops.log1p))
log_sigmoid, logical_not, negative = map(_one, (ops.log_sigmoid, ops.logical_not, ops.negative))
reciprocal, round, rsqrt, sigmoid, sign = map(_one, (ops.reciprocal, ops.round, ops.rsqrt, ops.sigmoid, ops.sign))
sin, sinh, softplus, softsign, sqrt = map(_one, (ops.sin, ops.sinh, ops.softplus, ops.softsign, ops.sqrt))
conj, imag, real = map(_one, (ops.conj, ops.imag, ops.real))
square, tan, tanh = map(_one, (ops.square, ops.tan, ops.tanh))

add, atan2, divide, divide_no_nan = map(_two, (ops.add, ops.arctan2, ops.divide, ops.divide_no_nan))
equal, greater, greater_equal = map(_two, (ops.equal, ops.greater, ops.greater_equal))
floordiv, floormod, less, less_equal = map(_two, (ops.floor_divide, ops.mod, ops.less, ops.less_equal))
logical_and, logical_or, logical_xor = map(_two, (ops.logical_and, ops.logical_or, ops.logical_xor))
maximum, minimum, mod, multiply = map(_two, (ops.maximum, ops.minimum, ops.mod, ops.multiply))
not_equal, pow, scalar_mul, subtract = map(_two, (ops.not_equal, ops.power, ops.multiply, ops.subtract))
truediv = _two(ops.true_divide)

reduce_all, reduce_any, reduce_logsumexp = map(_over, (ops.all, ops.any, ops.logsumexp))
reduce_max, reduce_mean, reduce_min = map(_over, (ops.max, ops.mean, ops.min))
reduce_prod, reduce_std, reduce_sum, reduce_variance = map(_over, (ops.prod, ops.std, ops.sum, ops.var))


clip_by_value = renamed(ops.clip, "t clip_value_min clip_value_max")
softmax, log_softmax = renamed(ops.softmax, "logits axis", axis=-1), renamed(ops.log_softmax, "logits axis", axis=-1)
top_k, in_top_k = renamed(ops.top_k, "input k sorted", k=1), renamed(ops.in_top_k, "targets predictions k")
bincount = renamed(ops.bincount, "arr weights minlength", minlength=0)


def _place(op: Callable[..., Any]) -> Callable[..., Any]:
    def call(input: Any, axis: int | None = None, output_type: Any = "int64", name: str | None = None) -> Any:
        return ops.cast(op(input, axis or 0), output_type)

    return call


argmax, argmin = _place(ops.argmax), _place(ops.argmin)


def _accumulated(op: Callable[..., Any], start: Callable[..., Any]) -> Callable[..., Any]:
    """Along one axis, from either end; `exclusive` moves results on by one, for nothing can be taken out again."""

    def call(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
        x = ops.convert_to_tensor(x)
        x = ops.flip(x, axis) if reverse else x
        total = op(x, axis)
        if exclusive:
            before = (slice(None),) * (axis % x.ndim)
            first, others = (*before, slice(None, 1)), (*before, slice(None, -1))
            total = ops.concatenate([start(total[first]), total[others]], axis)
        return ops.flip(total, axis) if reverse else total

    return call


cumsum, cumprod = _accumulated(ops.cumsum, ops.zeros_like), _accumulated(ops.cumprod, ops.ones_like)


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None, **kwargs: Any
) -> Any:
    """The product of matrices, or of stacks of them.

    >>> matmul([[1.0, 2.0]], [[3.0, 4.0]], transpose_b=True).tolist()
    [[11.0]]
    """
    a = ops.swapaxes(a, -1, -2) if transpose_a else a
    return ops.matmul(a, ops.swapaxes(b, -1, -2) if transpose_b else b)


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: str | None = None) -> Any:
    """For each length n, n times true, then false.

    >>> sequence_mask([1, 3], 3).tolist()
    [[True, False, False], [True, True, True]]
    """
    lengths = ops.convert_to_tensor(lengths)
    count = int(ops.max(lengths)) if maxlen is None else int(maxlen)
    return ops.cast(ops.arange(count) < ops.expand_dims(lengths, -1), dtype)


def complex(real: Any, imag: Any, name: str | None = None) -> Any:
    """Complex numbers from their parts.

    >>> complex([1.0], [2.0]).tolist()
    [(1+2j)]
    """
    return ops.view_as_complex(ops.stack([real, imag], axis=-1))


def add_n(inputs: Sequence[Any], name: str | None = None) -> Any:
    """The sum of several tensors.

    >>> add_n([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]).tolist()
    [111.0, 222.0]
    """
    total = inputs[0]
    for x in inputs[1:]:
        total = ops.add(total, x)
    return total


def squared_difference(x: Any, y: Any, name: str | None = None) -> Any:
    """`(x - y) ** 2`; of complex numbers the square of the size.

    >>> squared_difference([1.0, 5.0], [3.0, 4.0]).tolist()
    [4.0, 1.0]
    """
    difference = ops.subtract(x, y)
    if difference.dtype.kind == "c":
        return ops.multiply(difference, ops.conj(difference))
    return ops.square(difference)


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """`x * y`, and 0 wherever `y` is 0.

    >>> multiply_no_nan([1.0, np.nan], [2.0, 0.0]).tolist()
    [2.0, 0.0]
    """
    return ops.multiply(ops.where(ops.equal(y, 0), 0.0, x), y)


def clip_by_norm(t: Any, clip_norm: float, axes: Any = None, name: str | None = None) -> Any:
    """`t` scaled down to a length of at most `clip_norm`.

    >>> clip_by_norm([3.0, 4.0], 1.0).round(4)
    Tensor(2 float32, [0.6, 0.8])
    """
    t = ops.multiply(t, 1.0)
    length = _root(_squares(t, _axes(axes), keepdims=True))
    return t * ops.cast(clip_norm / ops.maximum(length, clip_norm), t.dtype)


def _squares(t: Any, axes: Any = None, keepdims: bool = False) -> Any:
    """The sum of squares; that of halves in float32, for float16 ends at 65504."""
    t = ops.convert_to_tensor(t)
    t = ops.cast(t, "float32") if is_half(t.dtype) else t
    return ops.sum(ops.square(ops.abs(t) if t.dtype.kind == "c" else t), axes, keepdims=keepdims)


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Any:
    """The length of all tensors together.

    >>> float(global_norm([[3.0], [0.0, 4.0]]))
    5.0
    """
    return _root(add_n([_squares(t) for t in t_list if t is not None]))


def _root(squares: Any) -> Any:
    """The square root with a slope of zero at zero, where it has none: a gradient through it would be NaN."""
    positive = ops.greater(squares, 0)
    return ops.where(positive, ops.sqrt(ops.where(positive, squares, ops.ones_like(squares))), squares)


def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: float, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Any]:
    """All tensors scaled down together to a length of at most `clip_norm`; and the length that they had.

    >>> clipped, norm = clip_by_global_norm([[3.0], [4.0]], 2.5)
    >>> [part.round(4).tolist() for part in clipped], float(norm)
    ([[1.5], [2.0]], 5.0)
    """
    length = global_norm(t_list) if use_norm is None else use_norm
    scale = clip_norm / ops.maximum(length, clip_norm)
    floats = [t if t is None else ops.multiply(t, 1.0) for t in t_list]
    return [t if t is None else t * ops.cast(scale, t.dtype) for t in floats], length


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None) -> Any:
    """`x` divided by its length, along `axis` (of old, `dim`) or as a whole.

    >>> l2_normalize([[3.0, 4.0], [0.0, 2.0]], axis=1).round(4)
    Tensor(2×2 float32, [[0.6, 0.8],
                         [0. , 1. ]])
    """
    x, axis = ops.multiply(x, 1.0), dim if axis is None else axis
    return x * ops.cast(ops.rsqrt(ops.maximum(_squares(x, _axes(axis), keepdims=True), epsilon)), x.dtype)


def count_nonzero(input: Any, axis: Any = None, keepdims: bool = False, dtype: Any = "int64") -> Any:
    """How many elements aren't zero.

    >>> int(count_nonzero([[0, 3], [4, 5]])), count_nonzero([[0, 3], [4, 5]], axis=0).tolist()
    (3, [1, 2])
    """
    return ops.cast(ops.sum(ops.cast(ops.not_equal(input, 0), "int32"), _axes(axis), keepdims), dtype)


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: int | None = None,
    weights: Any = None,
    dtype: Any = "int32",
    name: str | None = None,
) -> Tensor:
    """How often each class (row) was taken for each (column).

    >>> confusion_matrix([0, 1, 1], [0, 1, 0]).tolist()
    [[1, 0], [1, 1]]
    """
    labels, predictions = (ops.cast(ops.convert_to_tensor(x), "int32") for x in (labels, predictions))
    count = num_classes or int(ops.max(ops.maximum(labels, predictions))) + 1
    rows, columns = ops.one_hot(labels, count), ops.one_hot(predictions, count)
    rows = rows if weights is None else rows * ops.expand_dims(weights, -1)
    return ops.cast(ops.matmul(ops.transpose(rows), columns), dtype)
