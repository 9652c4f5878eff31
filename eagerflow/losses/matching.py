"""Targets and predictions brought to one shape and type, before they are compared."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from eagerflow import ops
from eagerflow.base.errors import signature_of
from eagerflow.base.tracebacks import warn
from eagerflow.base.typing import TensorLike
from eagerflow.core.dtypes import is_half
from eagerflow.core.tensor import Tensor, convert_to_tensor

__all__ = ["as_pair", "in_float32", "mask_of", "same_rank", "same_shape", "weights_for"]

F = TypeVar("F", bound=Callable[..., Any])


def as_pair(y_true: TensorLike, y_pred: TensorLike) -> tuple[Tensor, Tensor]:
    """Both as tensors; the targets in the type of the predictions."""
    if not isinstance(y_pred, Tensor):
        y_pred = convert_to_tensor(y_pred)
        if y_pred.data.dtype.kind in "iub":
            y_pred = y_pred.astype(None)
    if not isinstance(y_true, Tensor):
        y_true = convert_to_tensor(y_true)
    if y_true.data.dtype != y_pred.data.dtype:
        y_true = y_true.astype(y_pred.data.dtype.name)
    return y_true, y_pred


def same_rank(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Add or drop a last axis of length 1 where one tensor has one axis more: (n, 1) meets (n,)."""
    ranks = len(a.shape), len(b.shape)
    if ranks[0] == ranks[1] + 1 and a.shape[-1] == 1:
        return (a, b.reshape((*b.shape, 1))) if ranks[1] == 1 else (a.reshape(a.shape[:-1]), b)
    if ranks[1] == ranks[0] + 1 and b.shape[-1] == 1:
        return (a.reshape((*a.shape, 1)), b) if ranks[0] == 1 else (a, b.reshape(b.shape[:-1]))
    return a, b


def weights_for(values: Tensor, sample_weight: TensorLike) -> Tensor:
    """Weights as a tensor, without a last axis of length 1 that the values don't have."""
    weights = convert_to_tensor(sample_weight)
    extra = weights.ndim == values.ndim + 1 and weights.shape[-1] == 1
    return weights.reshape(weights.shape[:-1]) if extra else weights


def same_shape(name: str, y_true: TensorLike, y_pred: TensorLike, broadcasts: bool = False) -> tuple[Tensor, Tensor]:
    """Both as tensors of one type and shape.

    Args:
        name: for messages.
        y_true: targets.
        y_pred: predictions.
        broadcasts: whether shapes may differ if they broadcast, as they may in Keras. A warning says so, since this
            is mostly a mistake.

    Raises:
        ValueError: when the shapes differ.
    """
    given = y_true
    y_true, y_pred = as_pair(y_true, y_pred)
    if y_true.data.shape != y_pred.data.shape:
        y_true, y_pred = same_rank(y_true, y_pred)
        if broadcasts and _broadcasts(y_true.shape, y_pred.shape):
            targets, answers = (_without_batch(y.shape, y_true.shape[:1] == y_pred.shape[:1]) for y in (y_true, y_pred))
            warn(
                f"{name}: y_true of shape {targets} and y_pred of shape {answers} are broadcast: a target is compared "
                f"with several predictions, or a prediction with several targets.{_hint(name, y_true, y_pred)}"
            )
        elif y_true.shape != y_pred.shape:
            dtype = getattr(given, "dtype", y_true.dtype)  # as it came, before it met the predictions
            raise ValueError(
                f"{name}: y_true and y_pred need the same shape; got y_true {dtype}{list(y_true.shape)}, "
                f"y_pred {signature_of(y_pred)}.{_hint(name, y_true, y_pred)}"
            )
    return y_true, y_pred


def _broadcasts(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return a != b and all(m == n or 1 in (m, n) for m, n in zip(reversed(a), reversed(b)))


def _without_batch(shape: tuple[int, ...], same: bool) -> str:
    """A shape in words that are the same for each batch, so that they are shown once."""
    return f"({', '.join(['batch', *map(str, shape[1:])])})" if same else str(shape)


def in_float32(function: F) -> F:
    """A loss that divides sums by sums: those of halves are made in float32, where they stay finite."""

    @wraps(function)
    def call(y_true: TensorLike, y_pred: TensorLike, *args: Any, **kwargs: Any) -> Any:
        dtype = getattr(y_pred, "dtype", None)
        if dtype is None or getattr(dtype, "itemsize", 0) != 2 or not is_half(dtype):
            return function(y_true, y_pred, *args, **kwargs)
        wide = [convert_to_tensor(y).astype("float32") for y in (y_true, y_pred)]
        return function(*wide, *args, **kwargs).astype(dtype)

    return cast(F, call)


_SWAPPED = " Are they swapped? The targets come first: loss(y_true, y_pred)."


def _hint(name: str, y_true: Tensor, y_pred: Tensor) -> str:
    """What to do about two shapes; empty where nothing is certain."""
    shape, wanted = y_true.shape, y_pred.shape
    if shape[:1] == wanted[:1] and len(shape) < 3 <= len(wanted) and shape[1:] in ((), (1,), wanted[-1:]):
        return (
            " One target per sample needs one output per sample: a Flatten or pooling layer before the last one, or a "
            "recurrent layer without return_sequences=True."
        )
    if shape[:1] == wanted[:1] and (len(shape) == 1 or shape[1:] == (1,)) and wanted[-1] > 1:
        numbers = " For class numbers use a sparse_categorical loss or metric, or to_categorical(y)."
        binary = name.startswith("binary") and wanted[-1] == 2
        return f"{numbers} Two classes need one output only: Dense(1, activation='sigmoid')." if binary else numbers
    if shape[:-1] == wanted[:-1] and len(shape) == 2:
        return _of_outputs(name, shape[-1] or 0, wanted[-1] or 0)
    if len(shape) == len(wanted) in (4, 5) and shape[:1] + shape[-1:] == wanted[:1] + wanted[-1:]:
        return (
            " The outputs have another height or width: padding='same' in every convolution keeps them; else end with "
            "Cropping2D, ZeroPadding2D or Resizing."
        )
    if y_true.ndim > y_pred.ndim:
        return _SWAPPED
    return ""


def _of_outputs(name: str, columns: int, outputs: int) -> str:
    """What to do about a network whose targets have another number of columns than it has outputs."""
    if name.startswith("binary") and columns == 2 and outputs == 1:
        return " One output wants one number per row: pass y[:, 1] of one-hot targets, or y.argmax(axis=-1)."
    if name.startswith("binary"):
        return f" {columns} columns of targets need as many outputs: Dense({columns}, activation='sigmoid')."
    if "crossentropy" in name:
        softmax = f"Dense({columns}, activation='softmax')"
        return f" One-hot targets need an output per class: {softmax} with categorical_crossentropy."
    return f" {columns} targets per row need as many outputs: Dense({columns})."


def mask_of(x: Any) -> Tensor | None:
    """The mask that a layer or loss put on the tensor."""
    return getattr(x, "mask", None) if isinstance(x, Tensor) else None


def put_mask(x: Tensor, mask: Tensor) -> Tensor:
    """`x` carrying a mask."""
    x.mask = mask
    return x


def safe_divide(a: Tensor, b: Any) -> Tensor:
    """`a / b`, 0 where `b` is 0."""
    result: Tensor = ops.divide_no_nan(a, b)
    return result
