"""Choosing between elements: by a condition, by size, by being a number at all."""

from __future__ import annotations

from typing import Any, overload

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.dtypes import common_dtype, is_differentiable, largest_number
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import WEAK, Tensor, convert_to_tensor
from eagerflow.ops.elementwise.arithmetic import add, divide, multiply
from eagerflow.ops.elementwise.comparison import equal, isnan, less
from eagerflow.ops.elementwise.op_settings import as_number

__all__ = ["clip", "divide_no_nan", "fmax", "fmin", "heaviside", "maximum", "minimum", "nan_to_num", "nonzero"]
__all__ += ["select", "where"]


@op(
    lambda xp, condition: xp.zeros_like(condition),
    lambda xp, g, condition: xp.where(condition, g, 0),
    lambda xp, g, condition: xp.where(condition, 0, g),
    weak=True,
    promotes=True,
    arrays=("condition", "x1", "x2"),
    name="where",
)
def choose(xp: Numpy, condition: Array, x1: Array, x2: Array) -> Array:
    """Elements of `x1` where the condition holds, of `x2` elsewhere."""
    kinds = [x.dtype for x in (x1, x2) if x.__class__ not in WEAK]
    if any(kind.kind == "V" for kind in kinds):  # NumPy would widen bfloat16 for a number, or knows no common type
        common = common_dtype(*kinds)
        return xp.where(condition, *[xp.asarray(x).astype(common) for x in (x1, x2)])
    return xp.where(condition, x1, x2)


@overload
def where(condition: TensorLike) -> tuple[Tensor, ...]: ...
@overload
def where(condition: TensorLike, x1: TensorLike, x2: TensorLike) -> Tensor: ...
@composite
def where(condition: TensorLike, x1: TensorLike | None = None, x2: TensorLike | None = None) -> Any:
    """Elements of `x1` where the condition holds, of `x2` elsewhere, broadcast.

    Args:
        condition: a boolean tensor.
        x1: a tensor or number; with neither `x1` nor `x2`, the result is `nonzero(condition)`.
        x2: a tensor or number.

    Raises:
        ValueError: when only one of `x1` and `x2` is given.

    >>> ef.ops.where([True, False], [1.0, 2.0], 0.0).tolist()
    [1.0, 0.0]
    >>> x = ef.Tensor([-1.0, 4.0])
    >>> ef.ops.where(x > 0, x, 0.5 * x).tolist()
    [-0.5, 4.0]
    """
    if x1 is not None and x2 is not None:
        if x1.__class__ in WEAK and x2.__class__ in WEAK:
            x1 = convert_to_tensor(x1)  # of numbers alone NumPy would make float64
        return choose(condition, x1, x2)
    if x1 is not None or x2 is not None:
        raise ValueError("where(condition, x1, x2): give both x1 and x2, or neither.")
    return nonzero(condition)


@op(outputs="many")
def nonzero(xp: Numpy, x: Array) -> tuple[Array, ...]:
    """The indices of the elements that are not 0: one tensor of integers per axis.

    Args:
        x: a tensor with at least one axis.

    >>> ef.ops.nonzero([0, 3, 4])[0].tolist()
    [1, 2]
    """
    return x.nonzero()


def _larger_rule(xp: Numpy, g: Array, mine: Any, other: Any, out: Array) -> Any:
    return xp.where(xp.equal(mine, out), xp.where(xp.equal(mine, other), g * 0.5, g), 0)


@op(
    lambda xp, g, x1, x2, out: _larger_rule(xp, g, x1, x2, out),
    lambda xp, g, x1, x2, out: _larger_rule(xp, g, x2, x1, out),
    weak=True,
    promotes=True,
)
def maximum(xp: Numpy, x1: Array, x2: Array) -> Array:
    """The larger of two, elementwise and broadcast; NaN where either is. Equals get half the gradient each.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.maximum([1.0, -1.0, 0.0], 0.0).tolist()
    [1.0, 0.0, 0.0]
    >>> ef.grad(lambda x: ef.ops.maximum(x, 0.0).sum())([1.0, -1.0, 0.0]).tolist()
    [1.0, 0.0, 0.5]
    """
    return xp.maximum(x1, x2)


@op(
    lambda xp, g, x1, x2, out: _larger_rule(xp, g, x1, x2, out),
    lambda xp, g, x1, x2, out: _larger_rule(xp, g, x2, x1, out),
    weak=True,
    promotes=True,
)
def minimum(xp: Numpy, x1: Array, x2: Array) -> Array:
    """The smaller of two, elementwise and broadcast; NaN where either is. Equals get half the gradient each.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.minimum([1.0, -1.0, 0.0], 0.0).tolist()
    [0.0, -1.0, 0.0]
    """
    return xp.minimum(x1, x2)


@composite
def fmax(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of two, elementwise; where one is NaN, the other.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.fmax([1.0, float("nan")], 0.5).tolist()
    [1.0, 0.5]
    """
    return where(isnan(x1), x2, where(isnan(x2), x1, maximum(x1, x2)))


@composite
def fmin(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of two, elementwise; where one is NaN, the other.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.fmin([1.0, float("nan")], 0.5).tolist()
    [0.5, 0.5]
    """
    return where(isnan(x1), x2, where(isnan(x2), x1, minimum(x1, x2)))


def _clip_rule(xp: Numpy, g: Array, x: Array, x_min: Array, x_max: Array) -> Array:
    """The gradient passes where `x` lies within the bounds, which count as inside."""
    if x_min is not None:
        g = xp.where(xp.less(x, x_min), 0, g)
    return g if x_max is None else xp.where(xp.greater(x, x_max), 0, g)


def _low_rule(xp: Numpy, g: Array, x: Array, x_min: Array, x_max: Array) -> Array:
    below = xp.where(xp.less(x, x_min), g, 0)
    return below if x_max is None else xp.where(xp.less_equal(x_min, x_max), below, 0)


def _high_rule(xp: Numpy, g: Array, x: Array, x_min: Array, x_max: Array) -> Array:
    # With bounds the wrong way round the upper one wins everywhere.
    lifted = x if x_min is None else xp.maximum(x, x_min)
    return xp.where(xp.greater(lifted, x_max), g, 0)


@op(_clip_rule, _low_rule, _high_rule, arrays=("x", "x_min", "x_max"), weak=True, promotes=True)
def clip(xp: Numpy, x: Array, x_min: Array | None, x_max: Array | None) -> Array:
    """Limits the elements of `x` to the range from `x_min` to `x_max`.

    Args:
        x: a tensor of real numbers. Gradients flow to elements inside of the bounds or on them; others get 0.
        x_min: the lower bound, a number or a tensor that broadcasts to `x`; None for no bound.
        x_max: the upper bound, in the same way.

    >>> ef.ops.clip([-2.0, 0.5, 3.0], 0.0, 1.0).tolist()
    [0.0, 0.5, 1.0]
    >>> ef.grad(lambda x: ef.ops.clip(x, 0.0, 1.0).sum())([-2.0, 0.5, 3.0]).tolist()
    [0.0, 1.0, 0.0]
    """
    if x_min is not None:
        x = xp.maximum(x, x_min)
    return x if x_max is None else xp.minimum(x, x_max)


def _clip_between(x: Any, low: Any, high: Any) -> Any:
    return clip(x, low, high)


def _limit_rule(xp: Numpy, g: Array, out: Array, low: float, high: float) -> Array:
    return xp.where((out > low) & (out < high), g, 0)


@op(_limit_rule, arrays=("x",), promotes=True)
def limit(xp: Numpy, x: Array, low: float = 0, high: float = 1) -> Array:
    """`x` limited to the range from `low` to `high`; the gradient passes inside only, and not on the bounds.

    That is the rule of bounded activations (`relu6`, `hard_sigmoid`), where `clip` counts its bounds as inside.
    """
    low, high = as_number("low", low, _clip_between), as_number("high", high, _clip_between)
    if x.dtype.kind == "V":  # numbers would widen bfloat16
        low, high = x.dtype.type(low), x.dtype.type(high)
    return xp.minimum(xp.maximum(x, low), high)


@composite
def nan_to_num(x: TensorLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """Replaces NaN and infinities in `x` by finite numbers; gradients flow to the other elements.

    Args:
        x: a tensor of real numbers.
        nan: the value for NaN.
        posinf: the value for inf; default: the largest number of the type.
        neginf: the value for -inf; default: the most negative number of the type.

    >>> ef.ops.nan_to_num([1.0, np.nan]).tolist()
    [1.0, 0.0]
    >>> ef.ops.nan_to_num([1.0, np.nan, np.inf], nan=-1.0, posinf=9.0).tolist()
    [1.0, -1.0, 9.0]
    """
    x = convert_to_tensor(x)
    if x.dtype.kind in "iub":
        return x
    largest = largest_number(x.dtype)
    x = where(isnan(x), nan, x)
    x = where(equal(x, float("inf")), largest if posinf is None else posinf, x)
    return where(equal(x, -float("inf")), -largest if neginf is None else neginf, x)


def paired(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Both; a number paired with a tensor of floats as a tensor of the same type, which alone it would widen."""
    return _beside(x1, x2), _beside(x2, x1)


def _beside(x: Any, other: Any) -> Any:
    is_number = x.__class__ in WEAK and x.__class__ is not complex
    if is_number and isinstance(other, Tensor) and is_differentiable(other.dtype):
        return convert_to_tensor(x, other.dtype)
    return x


@composite
def divide_no_nan(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Elementwise `x1 / x2`, and 0 (with gradient 0) where `x2` is 0.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.divide_no_nan([1.0, 1.0], [2.0, 0.0]).tolist()
    [0.5, 0.0]
    """
    x1, x2 = paired(x1, x2)
    empty = equal(x2, 0)
    return where(empty, 0, divide(x1, where(empty, 1, x2)))


@composite
def heaviside(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The step function: 0 where `x1 < 0`, 1 where `x1 > 0`, `x2` where `x1` is 0.

    Args:
        x1: a tensor or number. Gradients to it are zero.
        x2: a tensor or number.

    >>> ef.ops.heaviside([-1.0, 0.0, 2.0], 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    x1 = multiply(x1, 1.0)
    step = add(where(less(x1, 0), 0, 1), where(isnan(x1), x1, 0))
    return where(equal(x1, 0), x2, step)


@composite
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    """Selects elements from several choices: for each position, the choice whose condition is the first that holds.

    Args:
        condlist: a list of boolean tensors.
        choicelist: a list of as many tensors or numbers.
        default: the value where no condition holds.

    Raises:
        ValueError: when the lists differ in length, or are empty.

    >>> ef.ops.select([[True, False], [True, False]], [[1.0, 1.0], [2.0, 2.0]], 9.0).tolist()
    [1.0, 9.0]
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(
            f"select: needs as many choices as conditions, at least one; got {len(condlist)} conditions and "
            f"{len(choicelist)} choices."
        )
    result = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = where(condition, choice, result)
    return result
