"""What usually helps, by the op that made NaN or infinity."""

from __future__ import annotations

import math
from collections.abc import Sequence

from viz.facts.schema import VARIABLES, Op, TensorInfo
from viz.nonfinite.evidence import Example

__all__ = ["fix_for"]

_LOG = "keep its argument above 0: ops.log(ops.maximum(x, 1e-7)), or use a loss that takes logits (from_logits=True)"
_DIVIDE = "keep the denominator away from 0: x / (y + 1e-7), or ops.divide_no_nan(x, y)"
_EXP = "above 88 it overflows float32: subtract the maximum first, use softmax or logsumexp, or clip its argument"
_ROOT = "keep its argument above 0: ops.sqrt(ops.maximum(x, 0) + 1e-7)"
_ROOT_GRADIENT = "its slope at 0 is infinite: ops.sqrt(x + 1e-7)"
_SOFTMAX = "its logits are infinite, or a mask hides all of a row: use -1e9 instead of -inf"
_OVERFLOW = "the numbers are too large: a smaller learning rate, clipnorm=1.0 in the optimizer, scaled inputs"
_NORM = "its variance is 0 or overflows: an epsilon of at least 1e-5, scaled inputs, no constant columns"
_POWER = "a negative base with a fractional exponent is NaN, 0 with a negative one infinite: keep the base above 0"
_NEGATIVE_BASE = "a negative base with a fractional exponent is NaN: keep the base at or above 0"
_ZERO_BASE = "0 with a negative exponent is infinite: keep the base away from 0"
_SMALL = 1e-3  # a divisor of at least so much makes nothing infinite that wasn't nearly so
_INVERSE = "its argument must lie inside of its domain: clip it, a little away from the ends (-1 + 1e-7 to 1 - 1e-7)"

_FIXES = {
    "log": _LOG,
    "log2": _LOG,
    "log10": _LOG,
    "log1p": "keep its argument above -1",
    "divide": _DIVIDE,
    "floor_divide": _DIVIDE,
    "mod": _DIVIDE,
    "exp": _EXP,
    "expm1": _EXP,
    "sinh": _EXP,
    "cosh": _EXP,
    "sqrt": _ROOT,
    "cbrt": "its slope at 0 is infinite: keep its argument away from 0",
    "power": _POWER,
    "softmax": _SOFTMAX,
    "log_softmax": _SOFTMAX,
    "dot_product_attention": _SOFTMAX,
    "normalize_batch": _NORM,
    "layer_norm": _NORM,
    "rms_norm": _NORM,
    "arccos": _INVERSE,
    "arcsin": _INVERSE,
    "arctanh": _INVERSE,
    "erfinv": _INVERSE,
    "arccosh": "its argument must be at least 1",
    "cast": "the new type can't hold such large numbers: scale them first, or keep float32",
    "solve": "the matrix is singular or nearly so: add a small number to its diagonal",
    "cholesky": "the matrix isn't positive definite: add a small number to its diagonal",
}
_IN_GRADIENT = {
    "sqrt": _ROOT_GRADIENT,
    "power": "its slope isn't finite where the base is 0: keep the base above 0",
    "divide": _DIVIDE,
    "log": _LOG,
    "absolute": _ROOT_GRADIENT,
}
_WEIGHT = "an update made it so: a smaller learning rate, or clipnorm=1.0 in the optimizer; or it was loaded so"
_PROBABILITIES = (
    "the loss expects probabilities: from_logits=True for outputs that aren't any, or a softmax or sigmoid as the last "
    "activation"
)


def fix_for(
    op: Op, tensor: TensorInfo | None, part: str = "", loss: str = "", data: str = "", examples: Sequence[Example] = ()
) -> str:
    """What to do.

    Args:
        op: the op to blame, or that was given `tensor`.
        tensor: what came in non-finite, or None.
        part: of a fused op, the part to blame.
        loss: the name of the loss of ours in which the op runs, where nobody can change a line of it.
        data: what `fit` calls the array that `tensor` is a batch of, where that is known.
        examples: elements that aren't finite, with what the op was given for them.
    """
    name = part or op.name
    if tensor is not None:
        return _WEIGHT if tensor.role in VARIABLES else _of_data(data or "x", len(tensor.shape))
    if "crossentropy" in loss and _FIXES.get(name) in (_DIVIDE, _LOG):
        return _PROBABILITIES
    if op.phase == "backward":
        return _IN_GRADIENT.get(name, _FIXES.get(name, _OVERFLOW))
    return _by_numbers(name, examples) or _FIXES.get(name, _OVERFLOW)


def _by_numbers(name: str, examples: Sequence[Example]) -> str:
    """What to do by what an op of two operands was given; "" where that doesn't tell."""
    pairs = [(each.value, *each.inputs.values()) for each in examples if len(each.inputs) == 2]
    told = {_of_pair(name, *pair) for pair in pairs}
    return told.pop() if len(told) == 1 else ""


def _of_pair(name: str, made: float, left: float, right: float) -> str:
    """The same for one element: `left ** right`, or `left / right`."""
    if name == "power":
        if left == 0 or (left < 0 and not right.is_integer()):
            return _ZERO_BASE if left == 0 else _NEGATIVE_BASE
        return "" if math.isnan(made) else _OVERFLOW
    return _OVERFLOW if name == "divide" and math.isinf(made) and abs(right) >= _SMALL else ""


def _of_data(name: str, axes: int) -> str:
    rows = f"~np.isfinite({name})" + (f".all(axis={1 if axes == 2 else tuple(range(1, axes))})" if axes > 1 else "")
    return f"clean the data before training: np.nan_to_num({name}, posinf=0, neginf=0), or drop the rows where {rows}"
