"""Several optimizers in one, loss scales around them, and variables that take their gradient as their value."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import callbacks, layers, optimizers

X, Y = np.ones((1, 1), "float32"), np.zeros((1, 1), "float32")


def two_layers(optimizer):
    model = ef.Sequential(
        [
            ef.Input((1,)),
            layers.Dense(2, use_bias=False, kernel_initializer="ones", name="first"),
            layers.Dense(1, use_bias=False, kernel_initializer="ones", name="second"),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def both():
    one, two = optimizers.SGD(0.1), optimizers.SGD(0.01)
    return one, two, optimizers.MultiOptimizer(optimizers.OptimizerMap(two, {".*first/.*": one}))


def test_the_order_is_that_of_the_map_then_the_default():
    one, two, several = both()
    assert several.optimizers[0] is one
    assert several.optimizers[1] is two
    again = optimizers.MultiOptimizer.from_config(several.get_config())
    assert [float(o.learning_rate) for o in again.optimizers] == pytest.approx([0.1, 0.01])


def test_a_function_chooses():
    adam, sgd = optimizers.Adam(0.1), optimizers.SGD(0.1)
    several = optimizers.MultiOptimizer(lambda v: adam if "first" in v.path else sgd)
    model = two_layers(several)
    model.fit(X, Y, verbose=0)
    assert several.optimizers == [adam, sgd]
    assert int(adam.iterations) == int(sgd.iterations) == 1
    with pytest.raises(NotImplementedError, match="OptimizerMap"):
        several.get_config()


def test_scales_inside_are_replaced():
    inner = optimizers.SGD(0.1, loss_scale_factor=2.0)
    several = optimizers.MultiOptimizer(optimizers.OptimizerMap(inner), loss_scale_factor=5.0)
    v = ef.Variable([2.0])
    assert float(several.scale_loss(ef.Tensor(2.0))) == 10.0
    several.apply([ef.Tensor([10.0])], [v])
    assert v.numpy() == pytest.approx(1.8)
    inner = optimizers.SGD(0.5, loss_scale_factor=100.0)
    scaled = optimizers.LossScaleOptimizer(inner, initial_scale=4.0)
    v = ef.Variable([1.0])
    assert float(scaled.scale_loss(ef.Tensor(1.0))) == 4.0
    scaled.apply([ef.Tensor([4.0])], [v])
    assert v.tolist() == [0.5]


def test_rates_are_scheduled_one_by_one():
    one, two, several = both()
    model = two_layers(several)
    with pytest.raises(AttributeError, match="optimizers"):
        several.learning_rate  # noqa: B018
    history = model.fit(
        X, Y, verbose=0, epochs=2, callbacks=[callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)]
    )
    assert [float(o.learning_rate) for o in (one, two)] == pytest.approx([0.025, 0.0025])
    assert history.history["learning_rate_sgd_1"] == pytest.approx([0.005, 0.0025])
    plateau = callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1)
    plateau.set_model(model)
    plateau.on_train_begin()
    for epoch in range(2):
        plateau.on_epoch_end(epoch, {"val_loss": 1.0})
    assert [float(o.learning_rate) for o in (one, two)] == pytest.approx([0.0125, 0.00125])


def test_a_rate_in_quotes_is_refused():
    model = two_layers("sgd")
    with pytest.raises(TypeError, match="must give a number"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: "0.1")])


def test_values_are_taken_over_only_when_a_step_is_made():
    v, plain = ef.Variable([1.0]), ef.Variable([1.0])
    v.overwrite_with_gradient = True
    sgd = optimizers.SGD(1.0, gradient_accumulation_steps=2)
    sgd.apply([ef.Tensor([5.0]), ef.Tensor([1.0])], [v, plain])
    assert (v.tolist(), plain.tolist()) == ([1.0], [1.0])
    sgd.apply([ef.Tensor([7.0]), ef.Tensor([3.0])], [v, plain])
    assert (v.tolist(), plain.tolist()) == ([7.0], [-1.0])
    scaled = optimizers.LossScaleOptimizer(optimizers.SGD(0.5))
    scaled.apply([ef.Tensor([3.0])], [v])
    assert v.tolist() == [3.0]


def test_no_optimizer_is_enough_to_evaluate():
    assert optimizers.get(None) is None
    model = two_layers(None)
    assert model.evaluate(X, Y, verbose=0) == 4.0
    with pytest.raises(ValueError, match="optimizer=None"):
        model.fit(X, Y, verbose=0)


def test_parts_of_muon():
    muon = optimizers.Muon(rms_rate=0.2)
    assert muon.lr_adjust(ef.ops.ones((4, 2)))[0, 0].tolist() == pytest.approx(0.4)
    assert optimizers.Muon(rms_rate=None).lr_adjust(3.0) == 3.0
    x = muon.zeropower_via_newtonschulz5(ef.Tensor([[3.0, 0.0], [0.0, 0.1]]), 9)
    assert np.linalg.svd(x.numpy())[1] == pytest.approx([1, 1], abs=0.35)
    with pytest.raises(ValueError, match="matrix"):
        muon.zeropower_via_newtonschulz5([1.0], 5)


def test_one_optimizer_for_all_and_what_is_none_of_several():
    v = ef.Variable([1.0])
    optimizer = ef.optimizers.MultiOptimizer(ef.optimizers.SGD(0.5))
    optimizer.apply([ef.ops.ones((1,))], [v])
    assert v.tolist() == [0.5]
    with pytest.raises(ValueError, match="one of several"):
        ef.optimizers.MultiOptimizer(ef.optimizers.MultiOptimizer(ef.optimizers.SGD()))
    sgd = optimizers.SGD()
    for wrapping in (optimizers.LossScaleOptimizer(sgd), both()[2]):
        with pytest.raises(ValueError, match="one of several"):
            optimizers.OptimizerMap(sgd, {"a": wrapping})


def test_the_scale_of_losses_is_always_dynamic():
    assert ef.optimizers.LossScaleOptimizer(ef.optimizers.SGD(), dynamic=True).initial_scale == 2.0**15
    with pytest.raises(ValueError, match="loss_scale_factor="):
        ef.optimizers.LossScaleOptimizer(ef.optimizers.SGD(), dynamic=False)


@pytest.mark.parametrize("named", [True, False])
def test_averages_of_each_optimizer_replace_the_weights_at_the_end(named):
    averaging = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    several, v = optimizers.MultiOptimizer(optimizers.OptimizerMap(averaging)), ef.Variable([1.0])
    for _ in range(2):
        several.apply([ef.Tensor([1.0])], [v])
    assert v.tolist() == [-1.0]
    several.finalize_variable_values([v] if named else None)
    assert v.tolist() == [-0.5]


def test_muon_decays_what_adam_updates_by_its_own_share():
    muon = optimizers.Muon(0.5, weight_decay=0.25, adam_weight_decay=0.5)
    matrix, bias = ef.Variable(np.ones((2, 2))), ef.Variable(np.ones(2))
    muon.build([matrix, bias])
    muon.apply([np.zeros((2, 2)), np.zeros(2)], [matrix, bias])
    np.testing.assert_allclose(matrix, np.full((2, 2), 1 - 0.5 * 0.25), rtol=1e-6)
    np.testing.assert_allclose(bias, np.full(2, 1 - 0.5 * 0.5), rtol=1e-6)


def test_a_loss_scale_is_built_with_its_first_update():
    scaled = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), initial_scale=4.0)
    v = ef.Variable([1.0])
    scaled.apply([ef.Tensor([4.0])], [v])
    assert scaled.built
    assert v.tolist() == [0.5]
