"""Labels outside, weights of two axes, curves of gains, and settings as attributes."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import metrics


def test_pixels_of_no_class_are_left_out():
    for mark in (-1, 255):
        metric = metrics.MeanIoU(num_classes=2)
        metric.update_state([0, 1, mark, 1], [0, 1, 1, 0])
        alone = metrics.MeanIoU(num_classes=2)
        alone.update_state([0, 1, 1], [0, 1, 0])
        assert float(metric.result()) == float(alone.result())


def test_other_numbers_outside_are_left_out_and_told_once():
    metric = metrics.IoU(num_classes=2, target_class_ids=[0, 1])
    with pytest.warns(UserWarning, match="1 of 2 labels and predictions are no class from 0 to 1"):
        metric.update_state([0, 1], [0, 7])
    metric.update_state([0, 9], [0, 1])
    assert float(metric.result()) == 1.0


def test_weights_of_single_answers():
    y_true, y_pred = [[1, 0], [1, 0]], [[0.9, 0.8], [0.2, 0.1]]  # right, wrong; wrong, right
    metric = metrics.BinaryAccuracy()
    metric.update_state(y_true, y_pred, sample_weight=[[3.0, 1.0], [0.0, 0.0]])
    assert float(metric.result()) == 0.75
    rows = metrics.BinaryAccuracy()
    rows.update_state(y_true, y_pred, sample_weight=[1.0, 0.0])
    assert float(rows.result()) == 0.5
    columns = metrics.BinaryAccuracy()
    columns.update_state(y_true, y_pred, sample_weight=[[1.0, 0.0]])
    assert float(columns.result()) == 0.5


def test_the_curve_of_gains():
    """tp = [3, 2, 0], fp = [2, 0, 0] at the thresholds 0, .5, 1: odds 3 to 2."""
    metric = metrics.AUC(thresholds=[0.5], curve="PRGAIN", summation_method="minoring")
    result = metric([1, 1, 1, 0, 0], [0.9, 0.8, 0.3, 0.2, 0.1])
    recall_gain = 1 - 1.5 * (1 / 2)
    assert float(result) == pytest.approx((1 - recall_gain) * 0.0 + recall_gain * 1.0)
    perfect = metrics.AUC(thresholds=[0.5], curve="PRGAIN", summation_method="majoring")
    assert float(perfect([1, 0], [0.9, 0.1])) == 1.0


def test_weights_of_labels_in_one_flat_curve_weigh_their_values():
    y_true, y_pred = np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.8], [0.2, 0.3]])
    by_labels = metrics.AUC(num_thresholds=5, label_weights=[3.0, 1.0])
    by_values = metrics.AUC(num_thresholds=5)
    by_values.update_state(y_true, y_pred, sample_weight=np.array([[3.0, 1.0], [3.0, 1.0]]))
    assert float(by_labels(y_true, y_pred)) == float(by_values.result())
    by_labels.reset_state()
    by_values.reset_state()
    by_values.update_state(y_true, y_pred, sample_weight=np.array([[6.0, 2.0], [3.0, 1.0]]))
    assert float(by_labels(y_true, y_pred, sample_weight=[2.0, 1.0])) == float(by_values.result())


def test_what_was_counted_can_be_looked_up():
    precision, recall = metrics.Precision(), metrics.Recall()
    for metric in (precision, recall):
        metric.update_state([1, 0, 1], [0.9, 0.9, 0.1])
    assert precision.false_positives.numpy().tolist() == [1.0]
    assert recall.false_negatives.numpy().tolist() == [1.0]
    assert [v.name for v in precision.variables] == ["true_positives", "false_positives"]
    flat, labels = metrics.AUC(num_thresholds=3), metrics.AUC(num_thresholds=3, multi_label=True)
    flat.update_state([1, 0], [0.9, 0.1])
    labels.update_state([[1, 0], [0, 1]], [[0.9, 0.1], [0.1, 0.9]])
    assert flat.true_positives.shape == (3,)
    assert labels.false_positives.shape == (3, 2)
    kept = metrics.RecallAtPrecision(0.4)
    assert kept.precision == 0.4
    assert kept.true_positives.shape == (200,)


def test_settings_are_attributes():
    assert metrics.TopKCategoricalAccuracy(3).k == 3
    assert metrics.SparseTopKCategoricalAccuracy(from_sorted_ids=True).from_sorted_ids is True
    assert metrics.BinaryAccuracy(threshold=0.3).threshold == 0.3
    with pytest.raises(AttributeError, match="no attribute 'kk'"):
        metrics.TopKCategoricalAccuracy(3).kk  # noqa: B018


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: metrics.FalsePositives(thresholds=[None]), "thresholds"),
        (lambda: metrics.FBetaScore(beta="1"), "beta"),
        (lambda: metrics.FBetaScore(beta=None), "beta"),
        (lambda: metrics.FBetaScore(threshold=1.1), "threshold"),
        (lambda: metrics.F1Score(threshold="0.5"), "threshold"),
        (lambda: metrics.Precision(class_id=2)([0, 1], [0.2, 0.8]), "class_id"),
        (lambda: metrics.RecallAtPrecision(0.5, class_id=2)([0, 1], [0.2, 0.8]), "class_id"),
        (lambda: metrics.AUC(curve="PRG"), "PRGAIN"),
    ],
)
def test_mistakes_are_refused(make, named):
    with pytest.raises(ValueError, match=named):
        make()


def test_an_ignored_class_is_no_sample_of_the_metric():
    """Keras divides by all samples, ignored ones, too: the number then depends on how many are ignored."""
    y_true, y_pred = [0, 1, 1], [[0.8, 0.2], [0.5, 0.5], [0.5, 0.5]]
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=0)
    assert float(metric(y_true, y_pred)) == pytest.approx(np.log(2))


def test_a_loss_named_crossentropy_goes_by_shapes():
    model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(3, activation="softmax")])
    x, y = np.ones((4, 2), "float32"), np.array([0, 1, 2, 0])
    model.compile("sgd", "crossentropy")
    sparse = model.evaluate(x, y, verbose=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert sparse == pytest.approx(model.evaluate(x, y, verbose=0))


@pytest.mark.parametrize(("thresholds", "largest"), [([0.0, 0.5, 1.0], 0.0), ([0.0, 0.4, 1.0], 2.0)])
def test_evenly_spaced_thresholds_clip_predictions_to_0_and_1(thresholds, largest):
    """In Keras 3 a prediction of 2 exceeds the threshold 1 only where thresholds aren't evenly spaced."""
    y_true, y_pred = [0, 0, 1, 1], [-1.0, -0.5, 2.0, 3.0]
    for kind, expected in (
        (metrics.Precision, [1.0, 1.0, largest / 2]),
        (metrics.Recall, [1.0, 1.0, largest / 2]),
        (metrics.TruePositives, [2.0, 2.0, largest]),
        (metrics.FalseNegatives, [0.0, 0.0, 2.0 - largest]),
    ):
        assert kind(thresholds=thresholds)(y_true, y_pred).tolist() == expected


@pytest.mark.parametrize("name", ["MeanSquaredError", "MeanAbsoluteError", "BinaryCrossentropy", "Hinge"])
def test_nan_of_no_weight_at_all_is_0(name):
    assert float(getattr(metrics, name)()([[0.0], [1.0]], [[np.nan], [np.nan]], sample_weight=[0.0, 0.0])) == 0.0


def test_a_mean_of_nan_is_nan_once_anything_has_weight():
    mean = metrics.Mean()
    assert float(mean([np.nan, 1.0], sample_weight=[0.0, 0.0])) == 0.0
    assert np.isnan(float(mean([2.0], sample_weight=[1.0])))


def test_overlap_takes_one_weight_per_sample():
    """Class 0 overlaps in 1 of 4, class 1 in 2 of 5."""
    y_true, y_pred = [[0], [1], [1]], [[0.1], [0.8], [0.2]]
    for weights in ([1.0, 2.0, 3.0], [[1.0], [2.0], [3.0]]):
        assert float(metrics.BinaryIoU()(y_true, y_pred, sample_weight=weights)) == pytest.approx(0.325)
    of_rows = metrics.MeanIoU(2)([[0, 1], [1, 1]], [[0, 1], [0, 0]], sample_weight=[1.0, 0.0])
    assert float(of_rows) == 1.0
