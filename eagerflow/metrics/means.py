"""Means and sums over all batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy

from eagerflow import ops
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DType, TensorLike
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.losses.matching import mask_of, same_rank
from eagerflow.metrics.base import Metric
from eagerflow.metrics.table import METRICS
from eagerflow.metrics.whole_batch import on_all_rows, warn_of_a_number, weight_of_all

__all__ = ["Mean", "MeanMetricWrapper", "Sum"]


def weighted(
    values: TensorLike, sample_weight: Any, dtype: str, reduce: Callable[..., Tensor] = ops.mean
) -> tuple[Tensor, Tensor | None]:
    """Values and weights of one shape: `reduce` takes axes together that the weights don't have.

    Raises:
        ValueError: when the weights don't fit.
    """
    values = values if isinstance(values, Tensor) else convert_to_tensor(values)
    mask = mask_of(values) if values.data.shape else None  # one number has counted what it wants to count
    if values.dtype != dtype:
        values = values.astype(dtype)
    if mask is not None:
        mask = mask.astype(dtype)
        sample_weight = mask if sample_weight is None else _times(mask, sample_weight, dtype)
    if sample_weight is None:
        return values, None
    weights = convert_to_tensor(sample_weight, dtype)
    values, weights = same_rank(values, weights)
    if values.ndim > weights.ndim:
        values = reduce(values, axis=tuple(range(weights.ndim, values.ndim)))
    if weights.shape != values.shape:
        if weights.ndim != values.ndim or any(w not in (1, v) for w, v in zip(weights.shape, values.shape)):
            raise ValueError(
                f"sample_weight {signature_of(weights)} doesn't fit the values {signature_of(values)} of a metric: "
                "expected one weight per sample."
            )
        weights = ops.broadcast_to(weights, values.shape)
    return values, weights


def _counted(values: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The same; where ranks share a batch, one number of each is part of a mean over all rows."""
    if active.shard is None or values.data.ndim:
        return values, weights
    shard = active.shard
    part = convert_to_tensor(shard.weight, values.dtype)
    values = values * (1.0 if shard.own else 0.0)
    return values, part if weights is None else part * weight_of_all(weights, shard)


def _numbers(values: Any) -> Any:
    """Lists of numbers as a tensor, for functions that calculate with them; lists of tensors stay as they are."""
    if isinstance(values, (list, tuple)) and not any(hasattr(part, "dtype") for part in values):
        return convert_to_tensor(values)
    return values


def _times(mask: Tensor, sample_weight: Any, dtype: str) -> Tensor:
    mask, weights = same_rank(mask, convert_to_tensor(sample_weight, dtype))
    if weights.ndim < mask.ndim:
        weights = weights.reshape((*weights.shape, *(1,) * (mask.ndim - weights.ndim)))
    return mask * weights


@METRICS.add()
class Sum(Metric):
    """The (weighted) sum of all values.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> metric = ef.metrics.Sum()
    >>> metric.update_state([1.0, 2.0])
    >>> metric.update_state([4.0])
    >>> float(metric.result())
    7.0
    """

    _sums = True

    def __init__(self, name: str = "sum", dtype: DType = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        if active.shard is not None:
            warn_of_a_number(self, values, active.shard)
        values, weights = _counted(*weighted(values, sample_weight, self._wide, ops.sum))
        self.total.assign_add((values if weights is None else values * weights).sum())

    def result(self) -> Tensor:
        return self._narrow(self.total.value)


@METRICS.add()
class Mean(Metric):
    """The (weighted) mean of all values.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> metric = ef.metrics.Mean()
    >>> metric.update_state([1.0, 3.0])
    >>> float(metric.result())
    2.0
    >>> metric.update_state([5.0, 100.0], sample_weight=[2.0, 0.0])
    >>> float(metric.result())
    3.5
    """

    def __init__(self, name: str = "mean", dtype: DType = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")
        self.updated = False  # known without asking a device

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        values, weights = _counted(*weighted(values, sample_weight, self._wide))
        if weights is None:
            self._add(values.data.sum(), values.data.size)
        else:
            self._add((values.data * weights.data).sum(), weights.data.sum())

    def _add(self, total: Any, count: Any) -> None:
        """Numbers and raw arrays, which need no tape: this happens at every training step."""
        self.updated = True
        self.total.increase(total)
        self.count.increase(count)

    def reset_state(self) -> None:
        super().reset_state()
        self.updated = False

    def result(self) -> Tensor:
        total, count = self.total.data, self.count.data
        if isinstance(count, numpy.ndarray):
            found = Tensor(total / count if count else numpy.zeros_like(total), None, None)
        else:
            found = ops.divide_no_nan(self.total, self.count)
        return self._narrow(found)


@METRICS.add()
class MeanMetricWrapper(Mean):
    """The mean over all samples of a function `fn(y_true, y_pred, **kwargs)`.

    Args:
        fn: a function that returns one value per sample.
        name: default: that of the function.
        dtype: the type of the result.
        **kwargs: passed to the function.

    >>> def within_one(y_true, y_pred):
    ...     return abs(y_true - y_pred) <= 1
    >>> metric = ef.metrics.MeanMetricWrapper(within_one)
    >>> float(metric([1.0, 2.0, 3.0, 4.0], [1.5, 2.0, 7.0, 3.0]))
    0.75
    >>> metric.name
    'within_one'
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: DType = None, **kwargs: Any) -> None:
        super().__init__(name or getattr(fn, "__name__", None) or "metric", dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    if not TYPE_CHECKING:  # for which a misspelt name is an error

        def __getattr__(self, name: str) -> Any:
            """Settings of the function are attributes, too: `TopKCategoricalAccuracy(3).k`."""
            settings = self.__dict__.get("_fn_kwargs", {})
            if name not in settings:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            return settings[name]

    def update_state(  # type: ignore[override] # of labels and predictions now
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        if active.shard is not None and self._sees_rows(y_pred):
            on_all_rows(self, self.update_state, y_true, y_pred, sample_weight)
            return
        values = self._fn(_numbers(y_true), _numbers(y_pred), **self._fn_kwargs)
        if values is None:
            raise TypeError(f"the metric {self.name!r} gave None. Was its return forgotten?")
        if active.shard is not None and not values.ndim:
            on_all_rows(self, self.update_state, y_true, y_pred, sample_weight)
            return
        mask = mask_of(y_pred)
        if mask is not None and isinstance(values, Tensor) and mask_of(values) is None:
            values.mask = mask
        super().update_state(values, sample_weight)

    def _sees_rows(self, y_pred: Any) -> bool:
        """Whether a value is made of several rows."""
        axis, rank = self._fn_kwargs.get("axis", -1), getattr(y_pred, "ndim", 0)
        return self._gathers or (isinstance(axis, int) and rank > 0 and axis % rank == 0 and rank > 1)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **self._fn_kwargs}
        if type(self) is MeanMetricWrapper:
            config["fn"] = METRICS.serialize(self._fn)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        if "fn" in config:
            known = METRICS.find if isinstance(config["fn"], str) else METRICS.deserialize
            config = {**config, "fn": known(config["fn"])}
        return cls(**config)
