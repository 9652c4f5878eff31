"""In which type a loss is computed and given, and what it says of its number of values."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import losses

_TRUE = np.array([[0.0, 1.0], [0.0, 1.0]])
_PRED = np.array([[0.6, 0.4], [0.3, 0.7]])


class Squares(losses.Loss):
    def call(self, y_true, y_pred):
        return (y_true - y_pred) ** 2


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_loss_is_given_in_its_type(dtype):
    assert Squares(dtype=dtype)(_TRUE, _PRED).dtype == dtype
    weighted = Squares(dtype=dtype)(_TRUE.astype("float64"), _PRED, sample_weight=np.array([1.0, 2.0]))
    assert weighted.dtype == dtype
    for name in ("MeanSquaredError", "SquaredHinge", "KLDivergence", "Dice", "BinaryCrossentropy", "Huber"):
        assert getattr(losses, name)(dtype=dtype)(_TRUE, _PRED).dtype == dtype, name


def test_losses_in_bfloat16_stay_there():
    pytest.importorskip("ml_dtypes")
    for name in ("MeanSquaredError", "SquaredHinge", "KLDivergence", "Tversky", "BinaryCrossentropy", "Huber"):
        assert getattr(losses, name)(dtype="bfloat16")(_TRUE, _PRED).dtype == "bfloat16", name
    labels, rows = [0, 0, 1], ef.ops.normalize(ef.Tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]))
    assert losses.Circle(dtype="bfloat16")(labels, rows).dtype == "bfloat16"


def test_targets_of_float64_dont_make_a_loss_of_float64():
    seen = []

    def mine(y_true, y_pred):
        seen.append(y_true.dtype)
        return ef.ops.abs(y_true - y_pred)

    loss = losses.base.LossFunctionWrapper(mine)
    assert loss(_TRUE, _PRED.astype("float32")).dtype == "float32"
    loss(_TRUE > 0.5, _PRED)
    loss(_TRUE.astype("uint8"), _PRED)
    loss(_TRUE.astype("int64"), _PRED)  # class numbers stay
    assert seen == ["float32", "float32", "float32", "int64"]


def test_small_unsigned_targets_dont_wrap_around():
    def mine(y_true, y_pred):
        return 1 - y_true - y_pred

    loss = losses.base.LossFunctionWrapper(mine, reduction="none")
    assert loss(np.array([2], "uint8"), np.array([0.0], "float32")).tolist() == [-1.0]


def test_a_mask_of_a_large_batch_in_half_precision_counts_all_of_it():
    y_pred = ef.Tensor(np.ones((70000,), "float16"))
    y_pred.mask = ef.Tensor(np.arange(70000) < 69000)
    assert float(Squares(dtype="float16", reduction="none")(np.zeros(70000), y_pred)[0]) == 1.0
    mean = Squares(dtype="float16", reduction="mean")
    assert np.isfinite(float(mean(np.zeros(70000), y_pred * 0)))
    assert float(losses.base.reduced(y_pred, None, y_pred.mask, "none")[0]) == 1.0


def test_another_number_of_values_than_samples_is_told_once():
    loss = losses.base.LossFunctionWrapper(lambda y_true, y_pred: ef.ops.abs(y_true - y_pred)[:7])
    x = np.zeros(32, "float32")
    with pytest.warns(UserWarning, match="7 values for 32 samples"):
        loss(x, x)
    loss(x, x)  # warnings are errors here
    whole = losses.base.LossFunctionWrapper(lambda y_true, y_pred: ef.ops.mean(y_true - y_pred))
    assert float(whole(x, x)) == 0.0


def test_a_config_names_a_dtype_only_where_one_was_given():
    assert losses.MeanSquaredError().get_config() == {"name": "mean_squared_error", "reduction": "sum_over_batch_size"}
    assert losses.Huber(2.0, dtype="float64").get_config()["dtype"] == "float64"

    class OwnSettings(losses.Loss):
        def __init__(self, power, name="own", reduction="sum"):
            super().__init__(name, reduction)
            self.power = power

        def get_config(self):
            return {**super().get_config(), "power": self.power}

    assert OwnSettings.from_config(OwnSettings(3).get_config()).power == 3


def test_settings_are_attributes():
    assert losses.Huber(delta=2.0).delta == 2.0
    assert losses.BinaryCrossentropy(from_logits=True).from_logits is True
    with pytest.raises(AttributeError, match="no attribute 'detla'"):
        losses.Huber().detla  # noqa: B018


def test_a_registered_function_doesnt_replace_ours(monkeypatch):
    from eagerflow.base import serialization

    monkeypatch.setattr(serialization, "_registered", dict(serialization._registered))
    monkeypatch.setattr(serialization, "_names", dict(serialization._names))

    @ef.saving.register_keras_serializable("some_package", "mse")
    def another(y_true, y_pred):
        return y_true * 0

    @ef.saving.register_keras_serializable("some_package", "only_here")
    def unknown(y_true, y_pred):
        return y_true * 0

    assert losses.get("mse") is losses.mean_squared_error
    assert losses.get("only_here") is unknown
    with ef.saving.custom_object_scope({"mse": another}):
        assert losses.get("mse") is another
