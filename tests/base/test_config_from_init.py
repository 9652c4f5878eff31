"""A config tells what `__init__` takes, by one rule."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow.base.config_from_init import config_class, setting_names
from eagerflow.compat.keras_1.by_position import Embedding as OlderEmbedding


def test_settings_are_in_the_order_of_the_arguments_whatever_was_given():
    layers = [ef.layers.Conv2D(4, 3, activation="relu", groups=1), ef.layers.Conv2D(groups=1, kernel_size=3, filters=4)]
    for layer in layers:
        assert [name for name in layer.get_config() if name in setting_names(ef.layers.Conv2D)] == list(
            setting_names(ef.layers.Conv2D)
        )


def test_what_a_class_says_of_its_arguments_is_told():
    assert "lora_rank" not in ef.layers.Dense(3).get_config()
    assert ef.layers.LSTM(3).get_config()["zero_output_for_mask"] is False
    assert ef.metrics.Precision(thresholds=0.3).get_config()["thresholds"] == 0.3


def test_a_class_of_a_user_tells_what_ours_tells_and_what_it_was_given():
    class Wide(ef.layers.Dense):
        def __init__(self, units, times=2, **kwargs):
            super().__init__(units * times, **kwargs)

    config = Wide(3, use_bias=False).get_config()
    assert config["times"] == 2
    assert config["use_bias"] is False
    assert config_class(Wide) is ef.layers.Dense


def test_a_class_of_a_user_that_stands_for_itself_has_nothing_to_tell():
    class Halves(ef.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return ef.ops.full(shape, 0.5, dtype)

    class Penalty(ef.regularizers.Regularizer):
        def __init__(self, factor):
            self.factor = factor

    assert Halves().get_config() == {}
    with pytest.raises(NotImplementedError, match="Penalty needs a method get_config"):
        Penalty(1.0).get_config()


def test_a_class_that_stands_in_for_an_old_one_tells_the_settings_below():
    config = OlderEmbedding(4, 3, dropout=0.5, mask_zero=True).get_config()
    assert (config["dropout"], config["mask_zero"]) == (0.5, True)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "Muon", "Ftrl", "Adafactor", "Lion", "ScheduleFreeAdamW", "SGD"])
def test_optimizers_are_made_again_from_what_they_tell(name):
    config = getattr(ef.optimizers, name)(learning_rate=0.25, clipnorm=1.0).get_config()
    again = getattr(ef.optimizers, name).from_config(config)
    assert again.get_config() == config
