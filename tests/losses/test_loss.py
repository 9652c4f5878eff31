"""What all losses share: masks, weights, logits, errors."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import losses
from eagerflow.core import observe
from eagerflow.losses.base import LossFunctionWrapper


def test_a_confident_mistake_costs_what_its_logits_say(device):
    """Probabilities underflow to 0 at a difference of 104 in float32; their logits don't."""
    logits = ef.Tensor([[200.0, 0.0]])
    loss = losses.SparseCategoricalCrossentropy()
    assert float(loss([1], ef.activations.softmax(logits))) == 200.0
    assert float(losses.CategoricalCrossentropy()([[0.0, 1.0]], ef.activations.softmax(logits))) == 200.0
    yes = ef.Tensor([[-150.0]])
    assert float(losses.BinaryCrossentropy()([[1.0]], ef.activations.sigmoid(yes))) == 150.0


def test_a_confident_mistake_has_a_gradient(device):
    logits = ef.Variable([[200.0, 0.0]])
    with ef.GradientTape() as tape:
        loss = losses.SparseCategoricalCrossentropy()([1], ef.activations.softmax(logits))
    assert tape.gradient(loss, logits).numpy().tolist() == [[1.0, -1.0]]


def test_logits_along_another_axis_are_not_used():
    logits = ef.Tensor([[2.0, 0.0], [1.0, 3.0]])
    over_columns = ef.activations.softmax(logits, axis=0)
    plain = ef.Tensor(over_columns.numpy())
    loss = losses.CategoricalCrossentropy()
    labels = np.eye(2, dtype="float32")
    assert float(loss(labels, over_columns)) == float(loss(labels, plain))


def test_half_precision_keeps_the_logits():
    logits = ef.Tensor(np.array([[40.0, 0.0]], "float16"))
    assert float(losses.SparseCategoricalCrossentropy()([1], ef.activations.softmax(logits))) == 40.0


def test_a_mask_on_the_predictions_counts(device):
    y_pred = ef.Tensor([[[1.0], [5.0]], [[1.0], [1.0]]])
    y_pred.mask = ef.Tensor([[True, False], [True, True]])
    loss = losses.MeanSquaredError()(np.zeros((2, 2, 1), "float32"), y_pred)
    assert float(loss) == pytest.approx(1.0)


def test_one_axis_more_of_length_one_is_no_difference():
    assert float(losses.MeanSquaredError()([1.0, 2.0], [[1.0], [4.0]])) == 2.0
    assert float(losses.BinaryCrossentropy()([1, 0], [[0.5], [0.5]])) == pytest.approx(np.log(2))


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum", "none", None, "mean_with_sample_weight"])
def test_weights_of_zero_leave_samples_out(reduction):
    loss = losses.MeanAbsoluteError(reduction=reduction)
    value = loss([[0.0], [0.0]], [[1.0], [9.0]], sample_weight=[1.0, 0.0]).numpy()
    expected = {"sum": 1.0, "mean_with_sample_weight": 1.0, "mean": 0.5, "sum_over_batch_size": 0.5}
    assert value.tolist() == expected.get(reduction, [1.0, 0.0])


def test_a_function_becomes_a_loss():
    def distance(y_true, y_pred):
        return ef.ops.abs(y_true - y_pred)

    loss = losses.base.LossFunctionWrapper(distance)
    assert loss.name == "distance"
    assert float(loss([1.0, 2.0], [2.0, 4.0])) == 1.5


def test_short_names_give_functions_and_class_names_objects():
    assert losses.get("mse") is losses.get("MSE") is losses.mean_squared_error
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)
    assert losses.get(None) is None


def test_a_loss_is_announced_as_a_scope():
    seen = []

    class Watcher(observe.Observer):
        def on_scope_begin(self, scope):
            seen.append((scope.kind, scope.name))

    with observe.observing(Watcher()):
        losses.MeanSquaredError()([1.0], [2.0])
    assert seen == [("loss", "mean_squared_error")]


@pytest.mark.parametrize(
    ("compute", "words"),
    [
        (lambda: losses.get("mean_square_error"), "Did you mean 'mean_squared_error'"),
        (lambda: losses.MeanSquaredError(reduction="average"), "reduction='average'"),
        (lambda: losses.MeanSquaredError(reduction="summ"), "Did you mean 'sum'"),
        (lambda: losses.MeanSquaredError()([[1.0, 2.0]], [[1.0, 2.0, 3.0]]), "same shape"),
        (lambda: losses.MeanSquaredError()([[1.0], [2.0]], [[1.0, 2.0], [1.0, 2.0]]), "class numbers"),
        (lambda: losses.MeanSquaredError()(np.zeros((0, 1)), np.zeros((0, 1))), "no samples"),
        (lambda: losses.MeanSquaredError()([[1.0]], [[1.0]], sample_weight=[1.0, 2.0]), "one weight per sample"),
        (lambda: losses.SparseCategoricalCrossentropy()([5], [[0.5, 0.5]]), "5"),
        (lambda: losses.SparseCategoricalCrossentropy()([-1], [[0.5, 0.5]]), "-1"),
        (lambda: losses.CategoricalCrossentropy()([[1.0]], [[1.0]]), "one class only"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2.0), "label_smoothing=2.0"),
        (lambda: losses.Huber(delta=0), "delta=0"),
    ],
)
def test_mistakes_have_clear_errors(compute, words):
    with pytest.raises(ValueError, match=words) as caught:
        compute()
    assert len(str(caught.value)) <= 500


def test_a_loss_without_a_result_is_named():
    def forgetful(y_true, y_pred):
        pass

    wrapped = LossFunctionWrapper(forgetful, name="forgetful")
    with pytest.raises(TypeError, match="loss 'forgetful' returned None"):
        wrapped([[1.0]], [[1.0]])


@pytest.mark.parametrize("cls", [losses.MeanSquaredError, losses.Hinge, losses.CTC])
def test_signatures_show_the_default_name(cls):
    shown = inspect.signature(cls).parameters["name"].default
    assert cls().name == shown != cls(name="mine").name
    assert list(inspect.signature(cls).parameters) == ["reduction", "name", "dtype"]
