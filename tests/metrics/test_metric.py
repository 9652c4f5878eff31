"""What all metrics share: state, masks, weights, metrics of one's own, errors."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import metrics


def test_the_state_is_a_list_of_variables():
    mean = metrics.Mean(name="m")
    assert [v.path for v in mean.variables] == ["m/total", "m/count"]
    assert not any(v.trainable for v in mean.variables)


def test_an_empty_mean_is_zero(device):
    assert float(metrics.Mean().result()) == 0.0


def test_a_mask_leaves_values_out(device):
    y_pred = ef.Tensor([[[0.1, 0.9], [0.9, 0.1]]])
    y_pred.mask = ef.Tensor([[True, False]])
    metric = metrics.SparseCategoricalAccuracy()
    assert float(metric([[1, 1]], y_pred)) == 1.0


def test_weights_of_samples_and_axes():
    metric = metrics.Mean()
    metric.update_state([[1.0, 3.0], [5.0, 5.0]], sample_weight=[1.0, 0.0])
    assert float(metric.result()) == 2.0
    metric = metrics.Sum()
    metric.update_state([[1.0, 2.0], [3.0, 4.0]], sample_weight=[0.5, 3.0])
    assert float(metric.result()) == 22.5


def test_a_metric_of_ones_own_as_in_keras():
    class Positives(metrics.Metric):
        def __init__(self, name="positives", **kwargs):
            super().__init__(name=name, **kwargs)
            self.found = self.add_weight(name="found", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.found.assign_add(ef.ops.sum(ef.ops.cast(ef.ops.greater(y_pred, 0.5), "float32")))

        def result(self):
            return self.found

    metric = Positives()
    metric.update_state([1, 0], [0.9, 0.1])
    metric.update_state([1, 0], [0.9, 0.8])
    assert float(metric.result()) == 3.0
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_stateless_methods_leave_the_metric_alone():
    metric = metrics.Mean()
    metric.update_state([4.0])
    after = metric.stateless_update_state(metric.stateless_reset_state(), [1.0, 2.0])
    assert float(metric.stateless_result(after)) == 1.5
    assert float(metric.result()) == 4.0


def test_functions_as_metrics():
    metric = metrics.MeanMetricWrapper(lambda y_true, y_pred: ef.ops.abs(y_true - y_pred), name="distance")
    assert float(metric(ef.Tensor([1.0]), ef.Tensor([3.0]))) == 2.0
    metric = metrics.MeanMetricWrapper(lambda y_true, y_pred: abs(y_true - y_pred))
    assert float(metric([1.0, 2.0], (1.0, 4.0))) == 1.0
    # Of different shapes, they make no tensor.
    short, long = ef.ops.ones((2,)), ef.ops.ones((3,))
    metric = metrics.MeanMetricWrapper(lambda y_true, y_pred: y_pred[1] - y_true[1])
    assert float(metric([short, long], [short, 3 * long])) == 2.0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("accuracy", "Accuracy"),
        ("mse", "MeanSquaredError"),
        ("MAE", "MeanAbsoluteError"),
        ("AUC", "AUC"),
        ("auc", "AUC"),
    ],
)
def test_names(name, kind):
    assert type(metrics.get(name)).__name__ == kind


@pytest.mark.parametrize(
    ("compute", "words"),
    [
        (lambda: metrics.get("acuracy"), "Did you mean 'accuracy'"),
        (lambda: metrics.Precision(thresholds=[0.5, 1.5]), "1.5"),
        (lambda: metrics.AUC(curve="roc"), "expected one of 'ROC', 'PR'"),
        (lambda: metrics.BinaryAccuracy(threshold=2), "threshold=2"),
        (lambda: metrics.F1Score(average="mean"), "average='mean'"),
        (lambda: metrics.SparseCategoricalAccuracy()([[0, 1]], [[0.5, 0.5]]), "one-hot"),
        (lambda: metrics.Mean().update_state([1.0, 2.0], sample_weight=[1.0, 2.0, 3.0]), "one weight per sample"),
    ],
)
def test_mistakes_have_clear_errors(compute, words):
    with pytest.raises(ValueError, match=words):
        compute()


def test_updates_need_no_tape(device):
    """What a metric reads is not tracked, so that a loop of one's own may call it inside its tape."""
    metric, x = metrics.Mean(), ef.Variable(np.ones(3, "float32"))
    with ef.GradientTape() as tape:
        y = ef.ops.sum(x * x)
        metric.update_state(y)
    assert tape.gradient(y, x).numpy().tolist() == [2, 2, 2]


@pytest.mark.parametrize(("name", "expected"), [("Precision", 2 / 3), ("Recall", 0.5)])
def test_thresholds_hold_among_the_top_k(name, expected):
    """Of the two largest of each row only 0.8, 0.7 and 0.9 are above the threshold."""
    y_true, y_pred = [[1, 0, 1], [0, 1, 1]], [[0.8, 0.7, 0.1], [0.2, 0.9, 0.3]]
    assert float(getattr(metrics, name)(thresholds=0.65, top_k=2)(y_true, y_pred)) == pytest.approx(expected)
    assert float(getattr(metrics, name)(top_k=3)(y_true, y_pred)) == pytest.approx(
        {"Precision": 4 / 6, "Recall": 1.0}[name]
    )
