"""Every metric gives on several ranks what it gives on one."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import distribution, layers, metrics, ops
from tests.distribution.exact import numbers

ROWS, CLASSES = 23, 3
NEEDED: dict[str, dict[str, Any]] = {
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [1]},
    "MeanIoU": {"num_classes": 2},
    "OneHotMeanIoU": {"num_classes": 3},
    "PrecisionAtRecall": {"recall": 0.4},
    "RecallAtPrecision": {"precision": 0.4},
    "SensitivityAtSpecificity": {"specificity": 0.4},
    "SpecificityAtSensitivity": {"sensitivity": 0.4},
    "TopKCategoricalAccuracy": {"k": 2},
    "SparseTopKCategoricalAccuracy": {"k": 2},
    "MeanMetricWrapper": {"fn": metrics.mean_squared_error},
    "MeanRelativeError": {"normalizer": [0.5, 1.0, 2.0]},
    "R2Score": {"num_regressors": 2},
}
OF_NUMBERS = {"Mean", "Sum", "Metric"}  # of values rather than of targets and predictions
CLASSES_OF_METRICS = [
    name
    for name, found in vars(metrics).items()
    if inspect.isclass(found) and issubclass(found, metrics.Metric) and name not in OF_NUMBERS and name[0] != "_"
]


def data(name: str) -> tuple[Any, Any]:
    """Targets and predictions that suit a metric."""
    rng = np.random.default_rng(4)
    scores = rng.random((ROWS, CLASSES))
    labels = rng.integers(0, CLASSES, ROWS)
    if name.startswith("Sparse"):
        return labels, scores
    if name in ("IoU", "MeanIoU", "BinaryIoU", "Accuracy"):
        wrong = rng.random(ROWS) < 0.3
        return labels % 2, np.where(wrong, 1 - labels % 2, labels % 2)[:, None]
    if name in ("MeanSquaredError", "R2Score", "PearsonCorrelation", "ConcordanceCorrelation", "MeanRelativeError"):
        return numbers(ROWS, CLASSES), numbers(ROWS, CLASSES, seed=1)
    if name in ("AUC", "Precision", "Recall") or "At" in name or name.startswith(("Binary", "True", "False")):
        return labels[:, None] % 2, scores[:, :1]
    return np.eye(CLASSES)[labels], scores


def evaluated(names: list[str], batch_size: int, further: dict[str, Any] | None = None) -> dict[str, Any]:
    """What metrics give in `evaluate`, and their results after it."""
    ef.config.set_floatx("float64")
    found = {}
    try:
        with distribution.DataParallel().scope(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in names:
                y, x = data(name)
                model = ef.Sequential([layers.Input(x.shape[1:]), layers.Identity()])
                metric = getattr(metrics, name)(name="found", **{**NEEDED.get(name, {}), **(further or {})})
                weights = np.linspace(0.5, 2, ROWS) if further is None else None
                model.compile(loss=lambda y_true, y_pred: ops.mean(y_pred, axis=-1), weighted_metrics=[metric])
                given = model.evaluate(x, y, sample_weight=weights, batch_size=batch_size, verbose=0, return_dict=True)
                found[name] = np.asarray(given["found"]), np.asarray(metric.result())
    finally:
        ef.config.set_floatx("float32")
    return found


@pytest.mark.parametrize(("n", "batch_size"), [(3, 7), pytest.param(4, 3, marks=pytest.mark.slow)])
def test_every_metric_is_that_of_all_rows(ranks, n, batch_size):
    (alone,) = ranks(1, evaluated, CLASSES_OF_METRICS, batch_size)
    for found in ranks(n, evaluated, CLASSES_OF_METRICS, batch_size):
        for name, results in alone.items():
            for expected, got in zip(results, found[name], strict=True):
                np.testing.assert_allclose(got, expected, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", ["PearsonCorrelation", "CosineSimilarity"])
def test_metrics_along_the_rows_see_whole_batches(ranks, name):
    (alone,) = ranks(1, evaluated, [name], 7, {"axis": 0})
    for found in ranks(3, evaluated, [name], 7, {"axis": 0}):
        np.testing.assert_allclose(found[name], alone[name], rtol=1e-12)


class Largest(metrics.Metric):
    """Its state is no sum, and nothing tells it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.found = self.add_variable(name="found")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.found.assign(ops.maximum(self.found, ops.max(y_pred)))

    def result(self) -> Any:
        return self.found.value


class Extremes(metrics.Metric):
    """Its states say how they become one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.high = self.add_variable(name="high", aggregation="max")
        self.low = self.add_variable(name="low", aggregation="min")
        self.rows = self.add_variable(name="rows", aggregation="sum")
        self.width = self.add_weight("width", aggregation="only_first_replica")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        assert y_pred.shape[0] < 7  # not all rows of a batch
        self.high.assign(ops.maximum(self.high, ops.max(y_pred)))
        self.low.assign(ops.minimum(self.low, ops.min(y_pred)))
        self.rows.assign_add(float(y_pred.shape[0]))
        self.width.assign(float(y_pred.shape[1]))

    def result(self) -> Any:
        return {"high": self.high.value, "low": self.low.value, "rows": self.rows.value, "width": self.width.value}


def root(y_true: Any, y_pred: Any) -> Any:
    """One number for a batch, which is no mean over its rows."""
    return ops.sqrt(ops.mean(ops.square(y_true - y_pred)))


def of_ones_own() -> list[dict[str, Any]]:
    y, x = numbers(ROWS, CLASSES), numbers(ROWS, CLASSES, seed=1)
    found = []
    with distribution.DataParallel().scope():
        for made in ([Largest(), root], [Extremes()]):
            if distribution.size() == 1 and type(made[0]) is Extremes:
                continue
            model = ef.Sequential([layers.Input((CLASSES,)), layers.Dense(CLASSES, kernel_initializer="identity")])
            model.compile("sgd", "mse", metrics=made)
            model.fit(x, y, epochs=2, batch_size=7, verbose=0)
            found.append(model.evaluate(x, y, batch_size=7, verbose=0, return_dict=True))
    return found


def test_a_metric_of_ones_own_sees_whole_batches_or_says_how_its_states_become_one(ranks):
    ((alone,),) = ranks(1, of_ones_own)
    for seen, told in ranks(3, of_ones_own):
        assert seen == pytest.approx(alone, rel=1e-5)
        assert told["high"] == pytest.approx(alone["largest"], rel=1e-5)
        assert told["low"] < -1
        assert told["rows"] == ROWS
        assert told["width"] == CLASSES


class Watch(ef.callbacks.Callback):
    """Notes what callbacks are told, and reads metrics itself."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen.append((logs["loss"], logs["mae"], float(self.model.metrics[1].result())))


def watched() -> Any:
    y, x = numbers(ROWS, CLASSES), numbers(ROWS, CLASSES, seed=1)
    with distribution.DataParallel().scope():
        model = ef.Sequential([layers.Input((CLASSES,)), layers.Dense(CLASSES)])
        model.compile("sgd", "mse", metrics=["mae"])
        watch = Watch()
        model.fit(x, y, epochs=2, batch_size=5, verbose=0, callbacks=[watch] if distribution.rank() != 1 else [])
        return watch.seen


def test_callbacks_are_told_global_numbers_after_each_batch(ranks):
    (alone,) = ranks(1, watched)
    found = ranks(3, watched)
    assert found[1] == []  # a callback on some ranks only doesn't keep the others waiting
    for seen in found[::2]:
        np.testing.assert_allclose(seen, alone, rtol=1e-5)


class Summing(ef.Model):
    """A step that feeds a `Sum` by hand."""

    def __init__(self, of: str) -> None:
        super().__init__()
        self.dense = layers.Dense(1, kernel_initializer="ones")
        self.of = of
        self.total = metrics.Sum(name="total")

    def call(self, x: Any) -> Any:
        return self.dense(x)

    @property
    def metrics(self) -> Any:
        return [self.total]

    def test_step(self, data: Any) -> Any:
        squares = ops.square(self(data[0]))
        self.total.update_state({"rows": squares, "sum": ops.sum(squares), "constant": 1.0}[self.of])
        return {"total": self.total.result()}


def summed(of: str) -> tuple[float, list[str], list[str]]:
    distribution_notes = set(distribution.report())
    with distribution.DataParallel().scope(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = Summing(of)
        model.compile()
        found = model.evaluate(numbers(ROWS, CLASSES), numbers(ROWS, 1), batch_size=7, verbose=0, return_dict=True)
    new = [line for line in distribution.report() if line not in distribution_notes]
    return float(found["total"]), sorted({str(w.message) for w in caught}), new


@pytest.mark.parametrize("of", ["rows", "constant"])
def test_a_sum_of_rows_or_constants_is_that_of_one_process(ranks, of):
    (alone,) = ranks(1, summed, of)
    for total, warned, noted in ranks(3, summed, of):
        assert total == pytest.approx(alone[0])
        assert (warned, noted) == ([], [])


def test_a_sum_of_numbers_that_ranks_made_of_their_rows_warns(ranks):
    ((_, alone, _),) = ranks(1, summed, "sum")
    assert alone == []
    (_, warned, noted), *others = ranks(2, summed, "sum")
    assert len(warned) == 1
    assert "total.update_state: where ranks share a batch, one number counts as a mean" in warned[0]
    assert "total: a number that each rank made of its own rows" in noted[0]
    assert [warnings for _, warnings, _ in others] == [[]]
