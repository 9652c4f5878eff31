"""The state of optimizers, handed out and taken in; and the signatures that all of them share."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import optimizers

EVERY = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
]


def weights():
    return [ef.Variable(np.full((3, 2), 0.5, "float32")), ef.Variable(np.full(2, -0.5, "float32"))]


GRADIENTS = [np.linspace(-1, 1, 6, dtype="float32").reshape(3, 2), np.asarray([0.5, -0.25], "float32")]


@pytest.mark.parametrize("name", EVERY)
def test_a_stateless_update_is_the_update_and_changes_nothing(name):
    optimizer, same = getattr(optimizers, name)(0.1), getattr(optimizers, name)(0.1)
    variables, others = weights(), weights()
    optimizer.build(variables)
    values, state = variables, optimizer.variables
    before = [v.numpy() for v in (*values, *state)]
    for _ in range(3):
        values, state = optimizer.stateless_apply(state, GRADIENTS, values)
        same.apply(GRADIENTS, others)
    assert all((v.numpy() == b).all() for v, b in zip((*variables, *optimizer.variables), before))
    for got, expected in zip((*values, *state), (*others, *same.variables)):
        np.testing.assert_array_equal(got.numpy(), expected.numpy())


def test_stateless_updates_of_optimizers_around_others():
    inner = optimizers.SGD(0.5)
    optimizer = optimizers.LossScaleOptimizer(inner, initial_scale=4.0)
    variables = weights()
    optimizer.build(variables)
    values, state = optimizer.stateless_apply(optimizer.variables, [4 * g for g in GRADIENTS], variables)
    np.testing.assert_allclose(values[1].numpy(), [-0.75, -0.375])
    assert [float(s) for s in state[2:4]] == [1, 4]
    _, state = optimizer.stateless_apply(optimizer.variables, [np.inf * g for g in GRADIENTS], variables)
    assert [float(s) for s in state[2:4]] == [0, 2]
    assert float(optimizer.dynamic_scale) == 4.0
    several = optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.SGD(0.5)))
    several.build(variables)
    values, state = several.stateless_apply(several.variables, GRADIENTS, variables)
    assert int(state[0]) == 1
    assert int(several.iterations) == 0
    np.testing.assert_allclose(values[1].numpy(), [-0.75, -0.375])


def test_what_a_stateless_update_refuses():
    optimizer = optimizers.Adam()
    with pytest.raises(ValueError, match=r"Adam.stateless_apply: the optimizer has no state yet. Build it"):
        optimizer.stateless_apply([], GRADIENTS, GRADIENTS)
    optimizer.build(weights())
    with pytest.raises(ValueError, match=r"trainable_variables=...\): expected 2 arrays; got 1"):
        optimizer.stateless_apply(optimizer.variables, GRADIENTS, GRADIENTS[:1])
    with pytest.raises(ValueError, match=r"has shape \(2,\); got"):
        optimizer.stateless_apply(optimizer.variables, GRADIENTS, [GRADIENTS[0]] * 2)


def test_all_state_can_be_set():
    optimizer, again = optimizers.Adam(), optimizers.Adam()
    variables = weights()
    optimizer.apply(GRADIENTS, variables)
    with pytest.raises(ValueError, match="set_weights: the optimizer has no state yet"):
        again.set_weights(optimizer.variables)
    again.build(variables)
    again.set_weights([v.numpy() for v in optimizer.variables])
    for got, expected in zip(again.variables, optimizer.variables):
        np.testing.assert_array_equal(got.numpy(), expected.numpy())
    with pytest.raises(ValueError, match="expected 6 arrays; got 1"):
        again.set_weights([1.0])


def test_gradients_are_finite_or_not():
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD())
    assert bool(optimizer.check_finite([None, [1.0, 2.0]]))
    assert not bool(optimizer.check_finite([[1.0], [float("nan")]]))
    with pytest.raises(TypeError, match="LossScaleOptimizer has no argument 'clipnorm'"):
        optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0)


@pytest.mark.parametrize("name", EVERY)
def test_shared_arguments_are_taken_by_position(name):
    cls = getattr(optimizers, name)
    names = list(inspect.signature(cls).parameters)
    given = {"clipnorm": 2.0, "use_ema": True, "ema_momentum": 0.5, "name": "mine"}
    defaults = {n: p.default for n, p in inspect.signature(cls).parameters.items() if n != "kwargs"}
    last = names.index("name") + 1
    made = cls(*list((defaults | given).values())[:last])
    assert {n: getattr(made, n) for n in given} == given
    with pytest.raises(TypeError, match=f"{name} has no argument 'clipnrom'. Did you mean 'clipnorm'?"):
        cls(clipnrom=1.0)
    with pytest.raises(TypeError, match="too many positional arguments"):
        cls(*[None] * 40)


@pytest.mark.parametrize("name", EVERY)
def test_every_argument_is_explained_once(name):
    cls = getattr(optimizers, name)
    names = [n for n in inspect.signature(cls).parameters if n != "kwargs"]
    told = inspect.cleandoc(cls.__doc__)  # from Python 3.13 on, it comes without the indentation of the class
    assert [(n, told.count(f"\n    {n}: ")) for n in names] == [(n, 1) for n in names]
    assert "**shared" not in cls.__doc__


def test_state_is_never_trained():
    for optimizer in (optimizers.Adam(), optimizers.SGD(momentum=0.9, use_ema=True), optimizers.Ftrl()):
        optimizer.build(weights())
        assert not any(variable.trainable for variable in optimizer.variables)


def test_state_of_a_users_optimizer():
    optimizer = optimizers.SGD()
    made = optimizer.add_variable((2,), "ones", "float64", name="mine")
    assert (made.path, made.dtype.name, made.numpy().tolist()) == ("sgd/mine", "float64", [1.0, 1.0])
    assert optimizer.variables[-1] is made
    with pytest.raises(ValueError, match=r"add_variable\(layout='rows'\): expected None; a variable lives on one"):
        optimizer.add_variable((2,), layout="rows")


def test_single_numbers_among_the_state_have_names():
    nadam, scaled = optimizers.Nadam(), optimizers.LossScaleOptimizer(optimizers.SGD())
    nadam.build(weights())
    assert "nadam/u_product" in [v.path for v in nadam.variables]
    names = [v.path for v in scaled.variables]
    assert {"loss_scale_optimizer/step_counter", "loss_scale_optimizer/dynamic_scale"} <= {*names}


def test_files_of_older_keras_name_settings_that_the_inner_optimizer_has():
    settings = optimizers.Optimizer(0.1).get_config() | {"inner_optimizer": optimizers.serialize(optimizers.SGD())}
    older = {k: v for k, v in settings.items() if k != "learning_rate"}
    assert optimizers.LossScaleOptimizer.from_config(older).inner_optimizer.name == "sgd"
    with pytest.raises(TypeError, match="no argument 'use_ema'"):
        optimizers.LossScaleOptimizer.from_config(older | {"use_ema": True})


@pytest.mark.parametrize(
    ("name", "argument", "hint"),
    [
        ("Adam", "momentum", "Use beta_1."),
        ("Adam", "betas", "Use beta_1 and beta_2."),
        ("AdamW", "beta", "Use beta_1 and beta_2."),
        ("RMSprop", "alpha", "Use rho."),
    ],
)
def test_arguments_of_other_optimizers_and_libraries_are_told_what_stands_for_them(name, argument, hint):
    with pytest.raises(TypeError, match=f"{name} has no argument '{argument}'. {hint} It takes"):
        getattr(optimizers, name)(**{argument: 0.9})


def test_the_momentum_of_averaged_weights_is_not_proposed_for_that_of_steps():
    with pytest.raises(TypeError, match=r"Adadelta has no argument 'momentum'\. It takes"):
        optimizers.Adadelta(momentum=0.9)
