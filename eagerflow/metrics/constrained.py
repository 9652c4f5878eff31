"""The best rate that can be had while another one is kept."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.typing import DType, TensorLike
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.losses.matching import same_shape
from eagerflow.metrics.base import Metric
from eagerflow.metrics.confusion import counts, evenly, of_class, ratio
from eagerflow.metrics.table import METRICS

__all__ = ["PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity"]


class _Constrained(Metric):
    """Counts at many thresholds; the result is a maximum over those that keep the condition."""

    _direction = "up"
    _kept = ""
    _kept_as = dict.fromkeys(("precision", "recall", "sensitivity", "specificity"), "value")

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: DType) -> None:
        super().__init__(dtype, name)
        owner = type(self).__name__
        if not 0 <= value <= 1:
            raise ValueError(f"{owner}({self._kept}={value!r}): expected a number from 0 to 1.")
        if num_thresholds < 1:
            raise ValueError(f"{owner}(num_thresholds={num_thresholds}): expected at least 1.")
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        self.thresholds = [0.5] if num_thresholds == 1 else [0.0, *evenly(num_thresholds), 1.0]
        names = ("true_positives", "false_positives", "true_negatives", "false_negatives")
        self._counts = [self.add_variable((len(self.thresholds),), name=name) for name in names]
        for name, variable in zip(names, self._counts):
            setattr(self, name, variable)
        setattr(self, self._kept, value)

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        y_true, y_pred = of_class(self, y_true, y_pred)
        found = counts(self, y_true, y_pred, self.thresholds, sample_weight, self.num_thresholds > 1)
        for variable, count in zip(self._counts, found):
            variable.increase(count.astype(variable.dtype))

    def result(self) -> Tensor:
        kept, wanted = self._rates(*[numpy.asarray(v.numpy(), "float64") for v in self._counts])
        best = numpy.where(kept >= self.value, wanted, 0.0).max(initial=0.0)
        return convert_to_tensor(best, self.dtype)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        """The rate that must be kept, and the one that is wanted."""
        raise NotImplementedError


@METRICS.add()
class SensitivityAtSpecificity(_Constrained):
    """The best sensitivity (fraction of positive samples that are found) where specificity is at least `specificity`.

    Args:
        specificity: the specificity that must be reached, from 0 to 1.
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: the number of the class (the column) to evaluate; default: all together.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> metric = ef.metrics.SensitivityAtSpecificity(specificity=1.0)
    >>> float(metric([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9]))
    0.5
    """

    _kept = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return ratio(tn, tn + fp), ratio(tp, tp + fn)


@METRICS.add()
class SpecificityAtSensitivity(_Constrained):
    """The best specificity (fraction of negative samples predicted so) where sensitivity is at least `sensitivity`.

    Args:
        sensitivity: the sensitivity that must be reached, from 0 to 1.
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: the number of the class (the column) to evaluate; default: all together.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> metric = ef.metrics.SpecificityAtSensitivity(sensitivity=1.0)
    >>> float(metric([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9]))
    0.5
    """

    _kept = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return ratio(tp, tp + fn), ratio(tn, tn + fp)


@METRICS.add()
class PrecisionAtRecall(_Constrained):
    """The best precision among the thresholds that reach a recall of at least `recall`.

    Args:
        recall: the recall that must be reached, from 0 to 1.
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: the number of the class (the column) to evaluate; default: all together.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> metric = ef.metrics.PrecisionAtRecall(recall=0.5)
    >>> float(metric([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9]))
    1.0
    """

    _kept = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return ratio(tp, tp + fn), ratio(tp, tp + fp)


@METRICS.add()
class RecallAtPrecision(_Constrained):
    """The best recall among the thresholds that reach a precision of at least `precision`.

    Args:
        precision: the precision that must be reached, from 0 to 1.
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: the number of the class (the column) to evaluate; default: all together.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> metric = ef.metrics.RecallAtPrecision(precision=1.0)
    >>> float(metric([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9]))
    0.5
    """

    _kept = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return ratio(tp, tp + fp), ratio(tp, tp + fn)
