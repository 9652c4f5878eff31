"""Who looks for PyTorch's names is told ours."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("parameters", "model.trainable_weights"),
        ("named_parameters", "v.path"),
        ("train", "training=True"),
        ("eval", "training=False"),
        ("state_dict", "save_weights"),
        ("load_state_dict", "load_weights"),
        ("zero_grad", "Leave it out"),
    ],
)
def test_models_name_our_way(name, way):
    model = ef.Sequential([layers.Dense(1)])
    assert not hasattr(model, name)
    with pytest.raises(AttributeError, match=rf"'Sequential' has no attribute '{name}'.*{way}"):
        getattr(model, name)


@pytest.mark.parametrize(("name", "way"), [("step", "optimizer.apply"), ("zero_grad", "Leave it out")])
def test_optimizers_name_our_way(name, way):
    with pytest.raises(AttributeError, match=rf"'Adam' has no attribute '{name}'.*{way}"):
        getattr(ef.optimizers.Adam(), name)


def test_users_may_have_attributes_of_these_names():
    class Mine(ef.Model):
        def __init__(self):
            super().__init__()
            self.parameters = [layers.Dense(2)]

        def train(self):
            return "mine"

        def call(self, x):
            return self.parameters[0](x)

    model = Mine()
    assert model(np.ones((1, 3))).shape == (1, 2)
    assert (model.train(), len(model.weights)) == ("mine", 2)


def test_forward_is_named_call_here():
    class Mine(ef.Model):
        def forward(self, x):
            return x

    with pytest.raises(NotImplementedError, match=r"Its method forward\(...\) is named call\(...\) here"):
        Mine()(np.ones((1, 3)))
