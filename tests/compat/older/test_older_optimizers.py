"""Optimizers that were written for Keras 2 train as the ones of today that compute the same."""

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import compat, ops

X = np.linspace(-1, 1, 16, dtype="float32").reshape(8, 2)
Y = X.sum(1, keepdims=True)
pytestmark = pytest.mark.usefixtures("keras_2")

compat.install()  # as in a script, before its classes


class Momentum(ef.optimizers.Optimizer):
    def __init__(self, learning_rate=0.1, momentum=0.9, name="Momentum", **kwargs):
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("momentum", momentum)
        self._set_hyper("decay", self._initial_decay)

    def _create_slots(self, var_list):
        for var in var_list:
            self.add_slot(var, "mean")

    def _resource_apply_dense(self, grad, var, apply_state=None):
        kind = var.dtype.base_dtype
        rate, momentum = self._decayed_lr(kind), self._get_hyper("momentum", kind)
        mean = self.get_slot(var, "mean")
        mean.assign(momentum * mean + grad)
        return var.assign_sub(rate * mean).op

    def get_config(self):
        names = ("learning_rate", "momentum")
        return {**super().get_config(), **{name: self._serialize_hyperparameter(name) for name in names}}


class Adam(ef.optimizers.Optimizer):
    """With coefficients that are prepared, as Keras 2's own have them."""

    def __init__(self, learning_rate=0.01, name="Adam2", **kwargs):
        super().__init__(name=name, **kwargs)
        self._set_hyper("learning_rate", learning_rate)

    def _create_slots(self, var_list):
        for slot in "mv":
            for var in var_list:
                self.add_slot(var, slot)

    def _prepare_local(self, var_device, var_dtype, apply_state):
        super()._prepare_local(var_device, var_dtype, apply_state)
        step = ops.cast(self.iterations + 1, var_dtype)
        factor = ops.sqrt(1 - ops.power(0.999, step)) / (1 - ops.power(0.9, step))
        apply_state[(var_device, var_dtype)].update(rate=apply_state[(var_device, var_dtype)]["lr_t"] * factor)

    def _resource_apply_dense(self, grad, var, apply_state=None):
        place, kind = var.device, var.dtype.base_dtype
        told = (apply_state or {}).get((place, kind)) or self._fallback_apply_state(place, kind)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m.assign(m * 0.9 + grad * 0.1)
        v.assign(v * 0.999 + grad * grad * 0.001)
        var.assign_sub(told["rate"] * m / (ops.sqrt(v) + 1e-7))


class Half(ef.optimizers.SGD):
    def _resource_apply_dense(self, grad, var, apply_state=None):
        return super()._resource_apply_dense(grad * 0.5, var, apply_state)


compat.uninstall()


def trained(optimizer, epochs=4):
    model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer, "mse")
    model.fit(X, Y, epochs=epochs, batch_size=4, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize(
    ("made", "today"),
    [
        (Momentum, lambda: ef.optimizers.SGD(0.1, momentum=0.9)),
        (lambda: Momentum(lr=0.05, momentum=0.5), lambda: ef.optimizers.SGD(0.05, momentum=0.5)),
        (lambda: Momentum(clipnorm=0.1), lambda: ef.optimizers.SGD(0.1, momentum=0.9, clipnorm=0.1)),
        (Adam, lambda: ef.optimizers.Adam(0.01)),
        (lambda: Half(0.2), lambda: ef.optimizers.SGD(0.1)),
    ],
)
def test_they_train_as_the_ones_of_today(made, today):
    for found, wanted in zip(trained(made()).get_weights(), trained(today()).get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=1e-6)


def test_their_state_and_settings_are_saved(tmp_path):
    whole = trained(Momentum(0.05, 0.5), epochs=4)
    trained(Momentum(0.05, 0.5), epochs=2).save(tmp_path / "half.keras")
    second = ef.models.load_model(tmp_path / "half.keras", custom_objects={"Momentum": Momentum})
    assert second.optimizer._get_hyper("momentum") == 0.5
    second.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    for found, wanted in zip(second.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert type(second.weights[0]) is ef.Variable


def test_what_builds_a_graph_is_refused_with_what_helps():
    class Older(ef.optimizers.Optimizer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)

        def get_updates(self, loss, params):
            return []

    with pytest.raises(NotImplementedError, match=r"Older: get_updates.*update_step"):
        Older()
