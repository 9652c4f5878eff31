"""NaN, nothing, values out of range, weights of 0: metrics and losses tell what Keras' tell, or it stands here."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef

FIXTURES = Path(__file__).parents[1] / "fixtures"
_spec = importlib.util.spec_from_file_location("make_unusual_values", FIXTURES / "make_unusual_values.py")
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)
KERAS = json.loads((FIXTURES / "unusual_values.json").read_text(encoding="utf-8"))

# What is told, and of which cases, is another number here, or refused: see docs/keras.md.
ELSEWHERE = [
    ("losses of no samples are refused", r"losses", r"", r"empty"),
    ("(n, 1) meets (n,) in all losses", r"metrics", r"Hinge|KL|Poisson|Pearson", r"(labels|answers) as a column"),
    ("weights that are fractions count, and NaN is told", r"metrics", r"IoU", r"one weight|a(n infinite| NaN) weight"),
    ("a weight that is no number is told", r"metrics", r"Recall|Negatives|Positives", r"a(n infinite| NaN) weight"),
    ("scores need one label for each answer", r"metrics", r"F1|R2|Pearson|Concord", r"(several|one|of one|labels of)"),
    ("weights below 0 that make a rate infinite", r"metrics", r"F1Score", r"labels below 0|weights whose sum is 0"),
    ("integers are divided as floats", r"metrics", r"Percentage|Poisson|LogCosh", r"integers"),
    ("beyond what float32 holds", r"", r"Percentage", r"huge"),
    ("weights of single values", r"metrics", r"F1Score", r"weights of values"),
]


def is_elsewhere(module, name, case):
    return any(module.startswith(m) and re.search(n, name) and re.match(c, case) for _, m, n, c in ELSEWHERE)


@pytest.mark.parametrize(("label", "module", "name", "inputs"), made.CASES, ids=[case[0] for case in made.CASES])
def test_unusual_values_give_what_keras_gives(label, module, name, inputs):
    found, wanted = made.results(ef, module, name, inputs), KERAS[label]
    assert found.keys() == wanted.keys()
    for case, values in wanted.items():
        if values is None or is_elsewhere(module, name, case):
            continue  # an error in Keras
        np.testing.assert_allclose(found[case], values, rtol=2e-4, atol=2e-6, err_msg=case)


def test_a_weight_of_0_for_everything_is_no_perfect_score():
    metric = ef.metrics.R2Score()
    metric.update_state([[1.0], [2.0]], [[1.5], [2.0]], sample_weight=[0.0, 0.0])
    assert np.isnan(float(metric.result()))


@pytest.mark.parametrize("labels", [[-1.0, 1.0], [0.0, 0.3], [0.0, np.nan]])
def test_labels_other_than_0_and_1_are_told_once(labels):
    metric = ef.metrics.AUC()
    with pytest.warns(UserWarning, match="auc: y_true has values that are neither 0 nor 1") as seen:
        metric.update_state(labels, [0.1, 0.2])
    assert len(seen) == 1
    metric.update_state(labels, [0.1, 0.2])


@pytest.mark.parametrize(
    ("settings", "y_true", "y_pred", "words"),
    [
        ({}, np.zeros(4), np.zeros((4, 3)), r"y_pred float64\[4, 3\] makes 12: .* sparse_y_pred=True .* \(False\)"),
        ({}, np.zeros((4, 3)), np.zeros(4), r"y_true float64\[4, 3\] makes 12 class numbers"),
        ({"sparse_y_true": False}, np.zeros(4), np.zeros(4), r"sparse_y_true=False and"),
    ],
)
def test_class_numbers_and_scores_that_are_mixed_up_are_named(settings, y_true, y_pred, words):
    with pytest.raises(ValueError, match=words):
        ef.metrics.MeanIoU(num_classes=3, **settings).update_state(y_true, y_pred)
