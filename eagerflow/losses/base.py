"""`Loss`: one number per sample, weighted, masked and reduced to one number."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from typing import Any, Self, TypeVar

import numpy

from eagerflow import ops
from eagerflow.base import tree
from eagerflow.base.config import floatx
from eagerflow.base.config_from_init import Configured
from eagerflow.base.errors import expect_one_of, signature_of
from eagerflow.base.origin import creation_site
from eagerflow.base.tracebacks import bound_init, boundary, warn
from eagerflow.base.typing import DType, Reduction
from eagerflow.core.dtypes import as_dtype, standardize_dtype
from eagerflow.core.observe import scope, state
from eagerflow.core.strategy import active, sharing
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.losses.matching import mask_of, safe_divide, same_rank
from eagerflow.losses.shared import over_rows, reduced_over_all
from eagerflow.losses.table import LOSSES

__all__ = ["FunctionLoss", "Loss", "LossFunctionWrapper", "mean_of", "reduced"]

F = TypeVar("F", bound=Callable[..., Any])

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
_REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")


class Loss(Configured):
    """Base class of losses; override `call(y_true, y_pred)`, which returns one value per sample.

    Args:
        name: shown in progress, history and traces.
        reduction: how the values per sample become one: `"sum_over_batch_size"` or `"mean"` (their mean), `"sum"`,
            `"mean_with_sample_weight"` (their weighted sum divided by the sum of the weights), `"none"` (no reduction).
        dtype: the type in which the loss is computed and returned; default: `floatx()`. Targets and predictions are
            cast to it before `call`, except targets that are signed integers (class numbers), which Keras casts too.

    Attributes:
        created_at: file and line of the user's code that made the loss (`compile`, for one given by its name).

    Raises:
        ValueError: for an unknown reduction.

    >>> class Absolute(ef.Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ef.ops.abs(y_true - y_pred).mean(axis=-1)
    >>> float(Absolute()([[0.0], [1.0]], [[1.0], [1.0]]))
    0.5
    """

    created_at: tuple[str, int]
    _checks_count = True
    _by_rows = False  # whether each row is certain to have as many values as every other

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self.created_at = creation_site()
        return self

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        bound_init(cls)

    def __init__(
        self, name: str | None = None, reduction: Reduction | None = "sum_over_batch_size", dtype: DType = None
    ) -> None:
        reduction = "none" if reduction is None else reduction
        expect_one_of(type(self).__name__, "reduction", reduction, _REDUCTIONS)
        self.name = name or _snake_case(type(self).__name__)
        self.reduction = reduction
        dtype = getattr(dtype, "compute_dtype", dtype)  # a dtype policy
        self._dtype = None if dtype is None else standardize_dtype(dtype)

    @property
    def dtype(self) -> str:
        """The type in which the loss is computed.

        >>> ef.losses.Huber(dtype="float64").dtype
        'float64'
        """
        return self._dtype or floatx()

    @boundary
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The reduced loss.

        Args:
            y_true: targets.
            y_pred: predictions; a mask that a layer put on them counts.
            sample_weight: one weight per sample, or per value.

        Raises:
            ValueError: when shapes don't fit, or there are no samples.
        """
        if not state.on:
            return self._compute(y_true, y_pred, sample_weight)
        with scope("loss", self.name, self, (y_true, y_pred)) as announced:
            announced.value = self._compute(y_true, y_pred, sample_weight)
            return announced.value

    def _compute(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Tensor:
        mask = mask_of(y_pred)
        dtype = self.dtype
        y_pred = _typed(y_pred, dtype)
        losses = self.call(_targets(y_true, dtype), y_pred)
        if losses is None:
            raise TypeError(f"the loss {self.name!r} returned None. Was a `return` forgotten?")
        if self._checks_count:
            self._check_count(losses, y_pred)
        of_losses = mask_of(losses)
        if of_losses is not None:
            mask = of_losses if mask is None else ops.logical_and(mask, of_losses)
        if active.shard is not None and self._mixes_rows(y_pred):
            with sharing(None):
                return reduced(losses, sample_weight, mask, self.reduction, self.name, dtype)
        return reduced(losses, sample_weight, mask, self.reduction, self.name, dtype, self._by_rows)

    def _mixes_rows(self, y_pred: Any) -> bool:
        """Whether values are made of all rows of a shared batch, so that all ranks have the same."""
        return False

    def _check_count(self, losses: Any, y_pred: Any) -> None:
        """Warn, once, of a custom loss that gives another number of values than there are samples."""
        values, samples = getattr(losses, "shape", ()), getattr(y_pred, "shape", ())
        if not values or not samples or values[0] in (1, samples[0]):
            return
        self._checks_count = False
        warnings.warn(
            f"the loss {self.name!r} gives {values[0]} values for {samples[0]} samples (shape {tuple(values)}). They "
            "are averaged; sample weights don't fit them. A loss gives one value per sample: average over the other "
            "axes in it, or give one number.",
            stacklevel=2,
        )

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """Computes one loss value per sample; subclasses override it.

        Args:
            y_true: targets.
            y_pred: predictions.

        Returns:
            A tensor, usually of shape `y_pred.shape[:-1]`.

        >>> ef.losses.MeanSquaredError().call([[0.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 1.0]]).tolist()
        [2.0, 1.0]
        """
        raise NotImplementedError(f"{type(self).__name__} must define call(self, y_true, y_pred).")

    def get_config(self) -> dict[str, Any]:
        """All settings.

        >>> ef.losses.Huber(delta=2.0).get_config()["delta"]
        2.0
        """
        own = {"name": self.name, "reduction": self.reduction}
        return own if self._dtype is None else {**own, "dtype": self._dtype}


def _typed(structure: Any, dtype: str | None) -> Any:
    """Leaves as tensors; floats in `dtype`, when given."""
    if structure.__class__ is Tensor and (dtype is None or structure.data.dtype is as_dtype(dtype)):
        return structure
    if _is_numbers(structure):
        return _typed_leaf(structure, dtype)
    return tree.map_structure(lambda x: _typed_leaf(x, dtype), structure)


def _targets(structure: Any, dtype: str) -> Any:
    """Targets as tensors in `dtype`; signed integers stay, which may be class numbers."""
    if structure.__class__ is Tensor:
        kind = structure.data.dtype
        if kind is as_dtype(dtype) or kind.kind == "i":
            return structure
    if structure.__class__ is Tensor or _is_numbers(structure):
        return _target(structure, dtype)
    return tree.map_structure(lambda x: _target(x, dtype), structure)


def _target(x: Any, dtype: str) -> Tensor:
    tensor = x if isinstance(x, Tensor) else convert_to_tensor(x)
    kind = tensor.data.dtype.kind
    if kind == "i" or tensor.data.dtype is as_dtype(dtype):
        return tensor
    if kind == "u" and tensor.data.dtype.itemsize > 1 and dtype in ("float16", "bfloat16"):
        return tensor.astype("int32")  # too many numbers for a half float
    return _real(tensor).astype(dtype)


def _real(tensor: Tensor) -> Tensor:
    """The tensor, unless its imaginary part would be dropped."""
    if tensor.data.dtype.kind == "c":
        raise TypeError(
            f"a loss takes real numbers; got {signature_of(tensor)}, whose imaginary parts would be lost. Compare "
            "ops.real(x) and ops.imag(x), or ops.abs(x)."
        )
    return tensor


def _is_numbers(structure: Any) -> bool:
    """A list of numbers, or of lists of them, is one tensor; a list of tensors is several."""
    if isinstance(structure, (list, tuple)):
        return all(_is_numbers(part) for part in structure)
    return isinstance(structure, (bool, int, float, numpy.generic))


def _typed_leaf(x: Any, dtype: str | None) -> Tensor:
    tensor = x if isinstance(x, Tensor) else convert_to_tensor(x)
    if dtype is None or tensor.dtype == dtype:
        return tensor
    cast: Tensor = _real(tensor).astype(dtype)
    kept = getattr(tensor, "logits", None)
    if kept is not None:  # what the predictions were made of, for crossentropies
        cast.logits = (kept[0], kept[1].astype(dtype), *kept[2:])
    return cast


def reduced(
    values: Any,
    sample_weight: Any,
    mask: Any,
    reduction: Reduction,
    name: str = "loss",
    dtype: str | None = None,
    by_rows: bool = False,
) -> Tensor:
    """Weigh, mask and reduce the values of the samples, in `dtype`.

    Args:
        values: of the samples.
        sample_weight: their weights, or None.
        mask: False where they don't count, or None.
        reduction: as of a `Loss`.
        name: for messages.
        dtype: the type of the result; default: that of the values.
        by_rows: whether each row has as many values as every other, whatever the data are.

    Raises:
        ValueError: when there are no values, or weights don't fit.
    """
    shard = active.shard
    values = values if isinstance(values, Tensor) else convert_to_tensor(values)
    if dtype is not None and values.data.dtype is not as_dtype(dtype):
        values = values.astype(dtype)
    if not values.size and (shard is None or active.even):
        raise ValueError(f"{name}: there are no samples to compute a loss of (shape {values.shape}).")
    if not values.data.shape:
        mask = None  # a custom loss, which has applied the mask itself
    if sample_weight is None and mask is None:
        if reduction == "none" or not values.data.shape:
            return values
        if shard is not None:
            return reduced_over_all(shard, values, None, None, reduction, by_rows and active.even, name)
        return values.sum() if reduction == "sum" else values.mean()
    weights, counted = _merged(values, sample_weight, mask, reduction, shard is not None)
    values, weights = _fitted(values, weights, name)
    if shard is not None and reduction != "none" and values.shape:
        return reduced_over_all(shard, values, weights, counted, reduction, by_rows and active.even, name)
    weighted = values * weights
    if reduction == "none" or not weighted.shape:
        return weighted
    total = weighted.sum()
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight":
        return safe_divide(total, ops.broadcast_to(weights, weighted.shape).sum())
    return total / weighted.size


def _merged(
    values: Tensor, sample_weight: Any, mask: Any, reduction: Reduction, shared: bool
) -> tuple[Tensor, tuple[int, Any] | None]:
    """Weights of the values, 0 where masked, so scaled that a mean counts only what isn't masked.

    In a shared batch they aren't scaled, as others count too: then they report the mask's size and its count.
    """
    dtype, told = values.dtype.name, None
    if mask is None:
        return _as(sample_weight, dtype), None
    mask = _as(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        counted = mask.astype("float32").sum()  # a half float can't hold the number of a large batch
        if shared:
            told = (math.prod(mask.shape), counted)
        else:
            mask = mask * (ops.divide_no_nan(ops.full_like(counted, math.prod(mask.shape)), counted)).astype(dtype)
    if sample_weight is None:
        return mask, told
    mask, weight = same_rank(mask, _as(sample_weight, dtype))
    if weight.ndim < mask.ndim:
        weight = weight.reshape((*weight.shape, *(1,) * (mask.ndim - weight.ndim)))
    return mask * weight, told


def _as(x: Any, dtype: str) -> Tensor:
    tensor = x if isinstance(x, Tensor) else convert_to_tensor(x)
    return tensor if tensor.dtype == dtype else tensor.astype(dtype)


def _fitted(values: Tensor, weights: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Weights that broadcast onto the values without making more of them."""
    if not weights.shape:
        return values, weights
    if not values.shape and active.shard is None:
        warn(
            f"{name}: the loss is one number for the whole batch, and sample_weight {signature_of(weights)} multiplies "
            "it, as in Keras. To weigh samples, a loss gives one value for each: ours do for y of shape (samples, 1)."
        )
        return values, weights
    values, weights = same_rank(values, weights)
    if weights.ndim < values.ndim:
        weights = weights.reshape((*weights.shape, *(1,) * (values.ndim - weights.ndim)))
    fits = weights.ndim == values.ndim and all(w in (1, v) for w, v in zip(weights.shape, values.shape))
    if not fits or weights.shape[0] != values.shape[0]:
        raise ValueError(
            f"{name}: sample_weight (or a mask) {signature_of(weights)} doesn't fit the loss values "
            f"{signature_of(values)}: expected one weight per sample."
        )
    return values, weights


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def mean_of(elements: Callable[..., Tensor]) -> Callable[[F], F]:
    """Mark a loss function as the mean over the last axis of what `elements` gives."""

    def mark(function: F) -> F:
        function.elements = elements  # type: ignore[attr-defined]
        return function

    return mark


class FunctionLoss(Loss):
    """A loss whose values a function gives: subclasses name it as `fn`, and put its settings into `settings`.

    Args:
        reduction: see `Loss`.
        name: default: that of the function.
        dtype: see `Loss`.
    """

    fn: Callable[..., Any]
    _checks_count = False  # those that we wrote

    def __init_subclass__(cls) -> None:
        """Show the function's name as the default of `name`."""
        super().__init_subclass__()
        cls._by_rows = cls.__module__.startswith("eagerflow.")
        if "fn" in cls.__dict__ and "__init__" not in cls.__dict__:
            cls.__init__ = _init_named(getattr(cls.fn, "__name__", None))  # type: ignore[method-assign]
            bound_init(cls)

    def _compute(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Tensor:
        """A mean over elements, then over samples, is one mean over all of them."""
        elements: Any = getattr(self.fn, "elements", None)
        whole = elements is not None and sample_weight is None and self.reduction in _MEANS
        if not whole or self.settings.get("axis", -1) != -1 or mask_of(y_pred) is not None:
            return super()._compute(y_true, y_pred, sample_weight)
        values: Tensor = elements(_targets(y_true, self.dtype), _typed(y_pred, self.dtype), **self.settings)
        return reduced(values, None, None, self.reduction, self.name, self.dtype, self._by_rows)

    def __init__(
        self, reduction: Reduction | None = "sum_over_batch_size", name: str | None = None, dtype: DType = None
    ) -> None:
        super().__init__(name or getattr(self.fn, "__name__", None), reduction, dtype)
        self.settings: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        """Settings are attributes, too: `Huber(delta=2.0).delta`."""
        settings = self.__dict__.get("settings", {})
        if name not in settings:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return settings[name]

    def _mixes_rows(self, y_pred: Any) -> bool:
        axis = self.settings.get("axis", -1)
        return over_rows(axis, getattr(y_pred, "ndim", 0))

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        if isinstance(y_true, Tensor) and isinstance(y_pred, Tensor) and y_true.ndim != y_pred.ndim:
            y_true, y_pred = same_rank(y_true, y_pred)
        result: Tensor = self.fn(y_true, y_pred, **self.settings)
        return result

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.settings}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _init_named(default: str | None) -> Callable[..., None]:
    def __init__(
        self: FunctionLoss,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = default,
        dtype: DType = None,
    ) -> None:
        FunctionLoss.__init__(self, reduction, name, dtype)

    return __init__


class LossFunctionWrapper(FunctionLoss):
    """Any function `f(y_true, y_pred, **kwargs)` as a loss.

    Args:
        fn: gives one value per sample.
        reduction: see `Loss`.
        name: default: that of the function.
        dtype: see `Loss`.
        **kwargs: passed to the function.

    >>> from eagerflow.losses.base import LossFunctionWrapper
    >>> loss = LossFunctionWrapper(lambda y_true, y_pred: abs(y_true - y_pred) / y_true, name="relative")
    >>> float(loss([2.0, 4.0], [1.0, 4.0]))
    0.25
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DType = None,
        **kwargs: Any,
    ) -> None:
        self.fn = fn
        super().__init__(reduction, name, dtype)
        self.settings = kwargs
        ours = LOSSES.name_of(fn) is not None
        self._checks_count = not ours
        self._by_rows = ours or str(getattr(fn, "__module__", "")).startswith("eagerflow.")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fn": LOSSES.serialize(self.fn)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**{**config, "fn": LOSSES.deserialize(config["fn"])})
