"""What all losses share: masks, weights, logits, errors."""

from __future__ import annotations

import inspect
import warnings

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
    of_steps = ef.activations.softmax(ef.Tensor([[[200.0, 0.0], [0.0, 300.0]]]))
    assert float(loss([[1, 0]], of_steps)) == 250.0
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


@pytest.mark.parametrize("name", ["binary_crossentropy", "binary_focal_crossentropy"])
def test_smoothed_labels_lie_between(name):
    loss, y, p = getattr(losses, name), np.array([[0.0, 1.0]]), np.array([[0.3, 0.6]])
    np.testing.assert_allclose(loss(y, p, label_smoothing=0.2), loss(0.8 * y + 0.1, p), rtol=1e-6)


@pytest.mark.parametrize("name", ["categorical_crossentropy", "categorical_focal_crossentropy"])
def test_smoothed_classes_share_what_is_taken_away(name):
    loss, y, p = getattr(losses, name), np.array([[0.0, 1.0, 0.0]]), np.array([[0.3, 0.6, 0.1]])
    np.testing.assert_allclose(loss(y, p, label_smoothing=0.3), loss(0.7 * y + 0.1, p), rtol=1e-6)


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
        (lambda: losses.MeanSquaredError(reduction="summ"), "Did you mean 'sum'"),
        (lambda: losses.MeanSquaredError()([[1.0, 2.0]], [[1.0, 2.0, 3.0]]), "same shape"),
        (lambda: losses.MeanSquaredError()(np.zeros((0, 1)), np.zeros((0, 1))), "no samples"),
        (lambda: losses.MeanSquaredError()([[1.0]], [[1.0]], sample_weight=[1.0, 2.0]), "one weight per sample"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2.0), "label_smoothing=2.0"),
        (lambda: losses.Huber(delta=0), "delta=0"),
    ],
)
def test_mistakes_have_clear_errors(compute, words):
    with pytest.raises(ValueError, match=words) as caught:
        compute()
    assert len(str(caught.value)) <= 500


SHAPES = [((2, 1), (2, 3)), ((2, 3), (2, 1)), ((3,), (2, 3)), ((2, 1, 3), (2, 4, 3)), ((1, 3), (4, 3))]
BROADCAST = "MeanSquaredError MeanAbsoluteError MeanSquaredLogarithmicError Huber LogCosh Poisson Hinge"


@pytest.mark.parametrize(("target", "answer"), SHAPES)
@pytest.mark.parametrize("name", BROADCAST.split())
def test_shapes_that_broadcast_do_so_with_a_warning(name, target, answer):
    rng = np.random.default_rng(1)
    y_true, y_pred = rng.uniform(0.1, 1, target), rng.uniform(0.1, 1, answer)
    loss = getattr(losses, name)(reduction="none")
    expected = loss(*np.broadcast_arrays(y_true, y_pred))
    with pytest.warns(UserWarning, match="y_true of shape .* and y_pred of shape .* are broadcast") as seen:
        found = loss(y_true, y_pred)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-6)
    assert len(seen) == 1


def test_the_warning_of_shapes_names_them_once_for_all_batches_and_says_what_helps():
    model = ef.Sequential([ef.layers.Dense(3)])
    model.compile("sgd", "mse")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        model.fit(np.ones((5, 2)), np.ones((5, 1)), batch_size=2, epochs=2, verbose=0)
    (only,) = seen
    assert "y_true of shape (batch, 1) and y_pred of shape (batch, 3)" in str(only.message)
    assert "to_categorical(y)" in str(only.message)
    assert only.filename == __file__


def test_a_single_class_trains_with_a_warning():
    with pytest.warns(UserWarning, match="one class only"):
        assert float(losses.CategoricalCrossentropy()([[1.0]], [[1.0]])) == pytest.approx(0.0, abs=1e-6)


def test_weights_of_a_loss_that_is_one_number_multiply_it():
    """As in Keras: 0.5 * [1, 3], then their mean."""
    with pytest.warns(UserWarning, match="one number for the whole batch"):
        assert float(losses.MeanSquaredError()([0.0, 1.0], [1.0, 1.0], sample_weight=[1.0, 3.0])) == 1.0
    model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", lambda y_true, y_pred: ef.ops.mean(ef.ops.square(y_true - y_pred)))
    with pytest.warns(UserWarning, match="sample_weight float32\\[2\\] multiplies it"):
        history = model.fit(np.ones((2, 1)), np.ones((2, 1)), sample_weight=np.array([1.0, 3.0]), verbose=0)
    assert history.history["loss"] == [2.0]


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


def test_generalized_crossentropy_of_sequences_is_that_of_the_picked_classes():
    labels, p = np.array([[0, 1], [2, 2]]), np.random.default_rng(0).dirichlet(np.ones(3), (2, 2))
    picked = np.take_along_axis(p, labels[..., None], -1)[..., 0]
    found = losses.categorical_generalized_cross_entropy(labels, p, q=0.7)
    np.testing.assert_allclose(found, (1 - picked**0.7) / 0.7, rtol=1e-6)
    for q in (0, -0.5, 1.5):
        with pytest.raises(ValueError, match=rf"q={q}\): expected a number above 0"):
            losses.CategoricalGeneralizedCrossEntropy(q=q)


@pytest.mark.parametrize("remove", [True, False])
def test_circle_compares_with_other_embeddings(remove):
    rng = np.random.default_rng(0)
    x, others = (rows / np.linalg.norm(rows, axis=1)[:, None] for rows in (rng.normal(size=(n, 4)) for n in (3, 5)))
    labels, of_others = np.array([0, 1, 0]), np.array([0, 0, 1, 1, 0])
    apart = np.maximum(1 - x @ others.T, 0)
    equal = labels[:, None] == of_others
    near = np.maximum(0.4 + apart, 0) * (apart - 0.4) * 2
    far = np.maximum(1.4 - apart, 0) * (0.6 - apart) * 2
    counted = equal & ~np.eye(3, 5, dtype=bool) if remove else equal
    total = np.log((np.exp(near) * counted).sum(1)) + np.log((np.exp(far) * ~equal).sum(1))
    found = losses.circle(labels, x, of_others, others, remove_diagonal=remove, gamma=2)
    np.testing.assert_allclose(found, np.log1p(np.exp(total)), rtol=1e-6)


def test_an_ignored_class_costs_nothing():
    p = [[0.5, 0.5], [0.25, 0.75]]
    assert losses.sparse_categorical_crossentropy([0, 1], p, ignore_class=1).tolist() == pytest.approx([np.log(2), 0])
