"""Counts of right and wrong yes-or-no answers, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy

from eagerflow import ops
from eagerflow.base.errors import expect_one_of
from eagerflow.base.machine.budget import take
from eagerflow.base.tracebacks import warn
from eagerflow.base.typing import DType, TensorLike
from eagerflow.core.device import namespace_of
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.losses.matching import same_shape, weights_for
from eagerflow.metrics.base import Metric
from eagerflow.metrics.table import METRICS

__all__ = ["AUC", "FalseNegatives", "FalsePositives", "Precision", "Recall", "TrueNegatives", "TruePositives"]


_COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def counts(
    metric: Any,
    y_true: TensorLike,
    y_pred: TensorLike,
    thresholds: Any,
    sample_weight: TensorLike | None = None,
    clipped: bool = False,
) -> tuple[Any, Any, Any, Any]:
    """True positives, false positives, true negatives, false negatives per threshold, as raw arrays.

    Args:
        metric: for messages.
        y_true: 0 and 1, as a tensor of any shape. All but 0 counts as 1, as in Keras, with a warning.
        y_pred: probabilities, of the same shape; NaN is above no threshold.
        thresholds: numbers in any order; above one a probability means 1.
        sample_weight: one weight per sample or per value, or None.
        clipped: whether predictions below 0 and above 1 count as 0 and 1.

    Sorts each prediction into the gap between thresholds where it lies, then adds up: the cost doesn't grow
    with the number of thresholds.
    """
    y_true, y_pred = same_shape(metric.name, y_true, y_pred)
    labels, scores = y_true.data.reshape(-1), y_pred.data.reshape(-1)
    xp = namespace_of(labels)
    weights = flat_weights(xp, y_pred, sample_weight)
    order = numpy.argsort(thresholds)
    # How many thresholds lie below the score: those are the ones that answer yes.
    increasing = xp.asarray(numpy.asarray(thresholds)[order].tolist(), dtype=scores.dtype)
    scores = xp.clip(scores, 0, 1) if clipped else scores
    above = xp.where(scores == scores, xp.searchsorted(increasing, scores, side="left"), 0)
    size = len(thresholds) + 1
    yes = labels != 0
    if not metric.__dict__.get("_told"):
        _warn_of_labels(metric, labels[yes & (labels != 1)])
    positive = xp.bincount(above, weights=weights * yes, minlength=size)
    negative = xp.bincount(above, weights=weights * ~yes, minlength=size)
    said_yes = [xp.flip(xp.cumsum(xp.flip(a)))[1:] for a in (positive, negative)]
    back = xp.asarray(numpy.argsort(order).tolist(), dtype="int64")
    true_positives, false_positives = (a[back] for a in said_yes)
    return (true_positives, false_positives, negative.sum() - false_positives, positive.sum() - true_positives)


def _warn_of_labels(metric: Any, strange: Any) -> None:
    """Warn, once for each metric, of labels other than 0 and 1."""
    if strange.size:
        metric._told = True
        warn(
            f"{metric.name}: y_true has values that are neither 0 nor 1, such as {float(strange[0]):g}. All but 0 "
            "count as positive, as in Keras. For labels -1 and 1 pass (y + 1) / 2, for probabilities y > 0.5."
        )


def flat_weights(xp: Any, like: Tensor, sample_weight: Any) -> Any:
    """One weight per value of `like`, as a raw array of one axis; a weight per sample counts for all its values."""
    if sample_weight is None:
        return xp.ones(like.size, "float64")
    weights = weights_for(like, sample_weight).data.astype("float64")
    if weights.ndim < like.ndim:
        weights = weights.reshape(*weights.shape, *(1,) * (like.ndim - weights.ndim))
    return (weights * xp.ones(like.shape, "float64")).reshape(-1)


def _thresholds(owner: str, thresholds: Any, default: float = 0.5) -> list[float]:
    found = [default] if thresholds is None else list(numpy.atleast_1d(thresholds))
    wrong = [t for t in found if t is None or isinstance(t, str) or not 0 <= t <= 1]
    if wrong:
        raise ValueError(f"{owner}(thresholds={thresholds!r}): expected numbers from 0 to 1; got {wrong[0]}.")
    return [float(t) for t in found]


class _Count(Metric):
    """One of the four counts."""

    _which = 0
    _kept_as = {"thresholds": "_given"}

    def __init__(
        self,
        thresholds: float | Sequence[float] | numpy.ndarray | None = None,
        name: str | None = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(dtype, name)
        self._given = thresholds
        self.thresholds = _thresholds(type(self).__name__, thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), name="accumulator")

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        found = counts(self, y_true, y_pred, self.thresholds, sample_weight, is_even(self.thresholds))[self._which]
        self.accumulator.increase(found.astype(self.accumulator.dtype))

    def result(self) -> Tensor:
        return self._narrow(self.accumulator[0] if len(self.thresholds) == 1 else self.accumulator.value)


@METRICS.add()
class TruePositives(_Count):
    """True positives: the number of positive samples that are predicted positive.

    Args:
        thresholds: the probability above which a prediction is positive, or a list, for one count each. Default: 0.5.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.TruePositives()([0, 1, 1], [0.9, 0.9, 0.1]))
    1.0
    """

    _which = 0


@METRICS.add()
class FalsePositives(_Count):
    """False positives: the number of negative samples that are predicted positive.

    Args:
        thresholds: the probability above which a prediction is positive, or a list, for one count each. Default: 0.5.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.FalsePositives()([0, 0, 1], [0.9, 0.1, 0.1]))
    1.0
    >>> ef.metrics.FalsePositives(thresholds=[0.0, 0.5])([0, 0, 1], [0.9, 0.1, 0.1]).tolist()
    [2.0, 1.0]
    """

    _which = 1


@METRICS.add()
class TrueNegatives(_Count):
    """True negatives: the number of negative samples that are predicted negative.

    Args:
        thresholds: the probability above which a prediction is positive, or a list, for one count each. Default: 0.5.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.TrueNegatives()([0, 0, 1], [0.9, 0.1, 0.1]))
    1.0
    """

    _which = 2


@METRICS.add()
class FalseNegatives(_Count):
    """False negatives: the number of positive samples that are predicted negative.

    Args:
        thresholds: the probability above which a prediction is positive, or a list, for one count each. Default: 0.5.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.FalseNegatives()([0, 1, 1], [0.9, 0.9, 0.1]))
    1.0
    """

    _which = 3


class _Rate(Metric):
    """True positives divided by true positives and one kind of error."""

    _direction = "up"
    _error = 1
    _error_name = ""
    _kept_as = {"thresholds": "_given"}

    def __init__(
        self,
        thresholds: float | Sequence[float] | numpy.ndarray | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(dtype, name)
        self._given = thresholds
        self.top_k = top_k
        self.class_id = class_id
        chosen = thresholds is None and top_k is not None  # then the largest are yes, whatever their size
        self.thresholds = [-numpy.inf] if chosen else _thresholds(type(self).__name__, thresholds)
        size = (len(self.thresholds),)
        self.true_positives = self.add_variable(size, name="true_positives")
        self._errors = self.add_variable(size, name=self._error_name)

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        if self.top_k is not None:
            y_pred = _only_top(y_pred, self.top_k)
        y_true, y_pred = of_class(self, y_true, y_pred)
        found = counts(self, y_true, y_pred, self.thresholds, sample_weight, is_even(self.thresholds))
        for variable, count in ((self.true_positives, found[0]), (self._errors, found[self._error])):
            variable.increase(count.astype(variable.dtype))

    def result(self) -> Tensor:
        rates = ops.divide_no_nan(self.true_positives, self.true_positives + self._errors)
        return self._narrow(rates[0] if len(self.thresholds) == 1 else rates)


def of_class(metric: Any, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Labels and scores of the metric's `class_id`, of all classes without one.

    Raises:
        ValueError: when there is no axis of classes.
    """
    if metric.class_id is None:
        return y_true, y_pred
    if y_pred.ndim < 2:
        raise ValueError(
            f"{metric.name}: class_id={metric.class_id} needs scores of shape (samples, classes); got shape "
            f"{y_pred.shape}."
        )
    return y_true[..., metric.class_id], y_pred[..., metric.class_id]


def _only_top(y_pred: Tensor, k: int) -> Tensor:
    """The `k` largest of each row as they are, minus infinity for the others."""
    _, places = ops.top_k(y_pred, k=k)
    return ops.where(ops.one_hot(places, y_pred.shape[-1]).sum(axis=-2) > 0, y_pred, -numpy.inf)


@METRICS.add()
class Precision(_Rate):
    """Precision, the fraction of positive predictions that are right: `true positives / (true + false positives)`.

    Args:
        thresholds: the probability above which a prediction is positive; a list gives one result for each. Default:
            0.5, or 0 with `top_k`.
        top_k: only the `k` most probable classes of a sample can be positive.
        class_id: the number of the class (the column) to evaluate; default: all together.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> ef.metrics.Precision()([0, 1, 1, 1], [1, 0, 1, 1]).round(4)
    Tensor(float32, 0.6667)
    """

    _error, _error_name = 1, "false_positives"

    @property
    def false_positives(self) -> Variable:
        """The number of negative samples that were predicted positive, one per threshold.

        >>> metric = ef.metrics.Precision()
        >>> metric.update_state([0, 0, 1], [0.9, 0.1, 0.8])
        >>> metric.false_positives.numpy()
        array([1.], dtype=float32)
        """
        return self._errors


@METRICS.add()
class Recall(_Rate):
    """Recall: the fraction of positive samples that are found: `true positives / (true positives + false negatives)`.

    Args:
        thresholds: the probability above which a prediction is positive; a list gives one result for each. Default:
            0.5, or 0 with `top_k`.
        top_k: only the `k` most probable classes of a sample can be positive.
        class_id: the number of the class (the column) to evaluate; default: all together.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.Recall()([0, 1, 1, 1, 1], [1, 0, 1, 1, 1]))
    0.75
    """

    _error, _error_name = 3, "false_negatives"

    @property
    def false_negatives(self) -> Variable:
        """The number of positive samples that were predicted negative, one per threshold.

        >>> metric = ef.metrics.Recall()
        >>> metric.update_state([1, 1, 0], [0.9, 0.1, 0.8])
        >>> metric.false_negatives.numpy()
        array([1.], dtype=float32)
        """
        return self._errors


@METRICS.add("auc")
class AUC(Metric):
    """The area under the ROC curve, or under the precision-recall curve.

    Args:
        num_thresholds: the number of thresholds that approximate the curve.
        curve: `"ROC"`, `"PR"` (precision over recall), or `"PRGAIN"` (the gains of precision and recall over predicting
            positive always).
        summation_method: how the area is summed: `"interpolation"`, `"minoring"` (from below) or `"majoring"` (from
            above).
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        thresholds: a list of thresholds, instead of `num_thresholds`; 0 and 1 are added.
        multi_label: whether each column is a separate label; the result is the mean of their areas.
        num_labels: with `multi_label`, the number of columns; default: that of the first batch.
        label_weights: one weight per column: of its area in the mean, or without `multi_label` of its values.
        from_logits: whether predictions are logits, that is, scores to which no sigmoid has been applied.

    Source: Davis and Goadrich, "The relationship between precision-recall and ROC curves", 2006; Flach and Kull,
    "Precision-recall-gain curves", 2015.

    >>> float(ef.metrics.AUC()([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9]))
    0.75
    """

    _direction = "up"
    _kept_as = {"thresholds": "_given"}

    true_positives: Tensor
    false_positives: Tensor
    true_negatives: Tensor
    false_negatives: Tensor

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: Literal["ROC", "PR", "PRGAIN"] | str = "ROC",
        summation_method: Literal["interpolation", "minoring", "majoring"] | str = "interpolation",
        name: str | None = None,
        dtype: DType = None,
        thresholds: float | Sequence[float] | numpy.ndarray | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | numpy.ndarray | Tensor | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name or "auc")
        expect_one_of("AUC", "curve", curve, ("ROC", "PR", "PRGAIN"))
        expect_one_of("AUC", "summation_method", summation_method, ("interpolation", "minoring", "majoring"))
        if thresholds is None and num_thresholds < 2:
            raise ValueError(f"AUC(num_thresholds={num_thresholds}): expected at least 2.")
        self.curve, self.summation_method, self.from_logits = curve, summation_method, from_logits
        self._given = thresholds
        inner = evenly(num_thresholds) if thresholds is None else sorted(_thresholds("AUC", thresholds))
        self.thresholds = [-1e-7, *inner, 1 + 1e-7]
        self._clipped = is_even([0.0, *inner, 1.0])
        self.num_thresholds = len(self.thresholds)
        self.multi_label, self.num_labels = bool(multi_label), num_labels
        self.label_weights = None if label_weights is None else [float(w) for w in label_weights]
        self._counts: list[Any] = []
        if not multi_label or num_labels is not None:
            self._build(num_labels or 1)

    def _build(self, labels: int) -> None:
        if self.multi_label and self.label_weights is not None and len(self.label_weights) != labels:
            raise ValueError(f"AUC(label_weights=...): {len(self.label_weights)} weights for {labels} labels.")
        self._counts = [self.add_variable((labels, self.num_thresholds), name=name) for name in _COUNTS]

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        if self.from_logits:
            y_pred = ops.sigmoid(y_pred)
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        columns = [(y_true, y_pred)]
        if self.label_weights is not None and not self.multi_label:
            weights = convert_to_tensor(self.label_weights, "float64")
            if sample_weight is not None:
                own = convert_to_tensor(sample_weight, "float64")
                weights = weights * own.reshape((*own.shape, *(1,) * (y_pred.ndim - own.ndim)))
            sample_weight = ops.broadcast_to(weights, y_pred.shape)
        if self.multi_label:
            columns = [(y_true[:, i], y_pred[:, i]) for i in range(y_pred.shape[1])]
        if not self._counts:
            self._build(len(columns))
        for label, (true, predicted) in enumerate(columns):
            found = counts(self, true, predicted, self.thresholds, sample_weight, self._clipped)
            for variable, count in zip(self._counts, found):
                with variable.changing() as total:
                    total[label] += count.astype(total.dtype)

    def result(self) -> Tensor:
        if not self._counts:
            return convert_to_tensor(0.0, self.dtype)
        areas = self._areas(*[numpy.asarray(v.numpy(), "float64") for v in self._counts])
        weights = self.label_weights if self.multi_label else None
        return convert_to_tensor(numpy.average(areas, weights=weights), self.dtype)

    if not TYPE_CHECKING:  # for which a misspelt name is an error

        def __getattr__(self, name: str) -> Any:
            """The counts so far, by name: of shape (thresholds,), or (thresholds, labels) with `multi_label`."""
            if name in _COUNTS and self.__dict__.get("_counts"):
                count = self._counts[_COUNTS.index(name)].value
                return ops.transpose(count) if self.multi_label else count[0]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _areas(self, tp: Any, fp: Any, tn: Any, fn: Any) -> Any:
        """The area of each label."""
        recall = ratio(tp, tp + fn)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _interpolated_pr(tp, fp, fn)
        if self.curve == "ROC":
            x, y = ratio(fp, fp + tn), recall
        else:
            x, y = (recall, ratio(tp, tp + fp)) if self.curve == "PR" else _gains(tp, fp, tn, fn)
        before, after = y[:, :-1], y[:, 1:]
        if self.summation_method == "interpolation":
            heights = (before + after) / 2
        else:
            heights = (numpy.minimum if self.summation_method == "minoring" else numpy.maximum)(before, after)
        return ((x[:, :-1] - x[:, 1:]) * heights).sum(axis=-1)


def evenly(number: int) -> list[float]:
    """The inner ones of `number` evenly spaced thresholds from 0 to 1."""
    take(100.0 * number, f"{number} thresholds")
    return [(i + 1) / (number - 1) for i in range(number - 2)]


def is_even(thresholds: Sequence[float]) -> bool:
    """Whether thresholds divide 0 to 1 evenly, in three or more: Keras then clips predictions to 0 and 1."""
    size = len(thresholds)
    return size > 2 and numpy.allclose(thresholds, numpy.linspace(0, 1, size), rtol=0, atol=1e-7)


def ratio(a: numpy.ndarray, b: numpy.ndarray) -> numpy.ndarray:
    """`a / b`, 0 where `b` is 0."""
    return numpy.divide(a, b, out=numpy.zeros_like(a), where=b != 0)


def _gains(tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
    """Recall and precision as gains; without a true positive 0 and 1, and no recall gain below 0, as Keras has it."""
    odds = ratio(tp + fn, tn + fp)
    recall, precision = (1 - odds * ratio(wrong, tp) for wrong in (fn, fp))
    found = tp != 0
    return numpy.maximum(numpy.where(found, recall, 0.0), 0.0), numpy.where(found, precision, 1.0)


def _interpolated_pr(tp: numpy.ndarray, fp: numpy.ndarray, fn: numpy.ndarray) -> Any:
    """The areas under precision over recall, with precision interpolated as the counts are."""
    step = tp[:, :-1] - tp[:, 1:]
    found = tp + fp
    before, after = found[:, :-1], found[:, 1:]
    slope = ratio(step, numpy.maximum(before - after, 0))
    intercept = tp[:, 1:] - slope * after
    both = (before > 0) & (after > 0)
    relative = numpy.where(both, ratio(before, numpy.maximum(after, 0)), 1.0)
    pieces = ratio(slope * (step + intercept * numpy.log(relative)), numpy.maximum(tp[:, 1:] + fn[:, 1:], 0))
    return pieces.sum(axis=-1)
