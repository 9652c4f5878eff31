"""What all optimizers share: settings, state, errors, announcements."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import optimizers
from eagerflow.core import observe
from eagerflow.optimizers import SGD, Adam, Optimizer, schedules


def ones(n=3):
    return ef.Variable(np.ones(n, "float32"), name="w")


def gradient(n=3):
    return ef.Tensor(np.ones(n, "float32"))


def test_steps_change_the_array_in_place(device):
    w, optimizer = ones(), Adam()
    optimizer.apply([gradient()], [w])
    before = w.data
    address = id(before)
    del before
    optimizer.apply([gradient()], [w])
    assert id(w.data) == address


def test_a_repr_tells_the_rate_and_the_steps(device):
    w, optimizer = ones(), Adam()
    assert repr(optimizer) == "<Adam learning_rate=0.001, step 0>"
    for _ in range(12):
        optimizer.apply([gradient()], [w])
    assert repr(optimizer) == "<Adam learning_rate=0.001, step 12>"
    optimizer.learning_rate = 0.25
    assert repr(optimizer) == "<Adam learning_rate=0.25, step 12>"
    accumulating = SGD(1e-5, gradient_accumulation_steps=4)
    for _ in range(9):
        accumulating.apply([gradient()], [w])
    assert repr(accumulating) == "<SGD learning_rate=1e-05, step 2>"


def test_reprs():
    def rate():
        raise AssertionError("a repr ran it")

    assert repr(SGD(rate)) == "<SGD learning_rate=rate(), step 0>"
    assert repr(SGD(schedules.CosineDecay(0.1, 10))) == "<SGD learning_rate=CosineDecay, step 0>"
    scaled = optimizers.LossScaleOptimizer(SGD(0.5))
    assert repr(scaled) == "<LossScaleOptimizer of <SGD learning_rate=0.5, step 0>>"
    assert repr(optimizers.MultiOptimizer(SGD(0.5))) == "<MultiOptimizer of [<SGD learning_rate=0.5, step 0>]>"

    class Early(SGD):
        def __init__(self):
            self.seen = repr(self)
            super().__init__(0.5)

    assert Early().seen == "<Early>"


def test_what_others_see_of_a_variable_does_not_change(device):
    w = ones()
    seen = w.value
    SGD(0.5).apply([gradient()], [w])
    assert seen.numpy().tolist() == [1, 1, 1]
    assert w.numpy().tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("limit", [0.5, 4.0])
def test_what_is_within_a_limit_is_not_clipped(limit):
    for setting in ("clipnorm", "global_clipnorm"):
        w = ones(1)
        SGD(1.0, **{setting: limit}).apply([ef.Tensor([0.25])], [w])
        assert w.numpy().tolist() == [0.75]


def test_the_gradient_is_left_alone():
    g = gradient()
    for name in ("SGD", "Adam", "RMSprop", "Nadam", "Ftrl", "Lion", "Lamb", "Adagrad", "Adadelta", "Adamax"):
        getattr(optimizers, name)(learning_rate=0.1, clipnorm=0.5).apply([g], [ones()])
    assert g.numpy().tolist() == [1, 1, 1]


def test_learning_rate_can_be_read_and_set():
    optimizer = SGD(0.5)
    assert float(optimizer.learning_rate) == 0.5
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25
    optimizer.learning_rate.assign(0.125)
    w = ones()
    optimizer.apply([gradient()], [w])
    assert w.numpy().tolist() == [0.875] * 3


def test_decay_divides_the_rate_as_in_keras_2():
    w, optimizer = ones(), SGD(1.0, decay=1.0)
    optimizer.apply([gradient()], [w])
    optimizer.apply([gradient()], [w])
    assert w.numpy().tolist() == [-0.5] * 3
    assert float(optimizer.learning_rate) == 1.0  # what decays is the number that is given, which callbacks may set
    optimizer.learning_rate = 3.0
    optimizer.apply([gradient()], [w])
    assert w.numpy().tolist() == [-1.5] * 3
    again = SGD.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert (float(again.learning_rate), len(again.variables)) == (3.0, len(SGD(1.0).variables))
    with pytest.raises(ValueError, match=r"SGD\(decay=0.5\): the learning rate is a schedule already"):
        SGD(schedules.ExponentialDecay(1.0, 1, 0.5), decay=0.5)


def test_schedules_and_functions_decide_the_learning_rate():
    w, optimizer = ones(), SGD(schedules.PiecewiseConstantDecay([0], [1.0, 0.5]))
    optimizer.apply([gradient()], [w])
    optimizer.apply([gradient()], [w])
    assert w.numpy().tolist() == [-0.5] * 3
    assert float(optimizer.learning_rate) == 0.5
    with pytest.raises(TypeError, match=r"schedule PiecewiseConstantDecay decides .*ReduceLROnPlateau"):
        optimizer.learning_rate = 0.1
    w = ones()
    SGD(lambda: 0.5).apply([gradient()], [w])
    assert w.numpy().tolist() == [0.5] * 3


def test_a_schedule_of_ones_own_gets_the_iterations():
    class Halving(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 1.0 / (step + 1)

    w, optimizer = ones(), SGD(Halving())
    optimizer.apply([gradient()], [w])
    optimizer.apply([gradient()], [w])
    assert w.numpy().tolist() == [-0.5] * 3


def test_iterations_counts_updates():
    w, optimizer = ones(), SGD(gradient_accumulation_steps=2)
    for _ in range(5):
        optimizer.apply([gradient()], [w])
    assert int(optimizer.iterations) == 2


def test_an_optimizer_of_ones_own_as_in_keras(device):
    class Mine(Optimizer):
        def build(self, variables):
            super().build(variables)
            self.counts = self.add_optimizer_variables(variables, "count")

        def update_step(self, gradient, variable, learning_rate):
            count = self.counts[self._get_variable_index(variable)]
            self.assign_add(count, ef.ops.ones(3))
            self.assign_sub(variable, learning_rate * gradient * count)

    w, optimizer = ones(), Mine(learning_rate=1.0)
    optimizer.apply_gradients([(gradient(), w)])
    optimizer.apply_gradients([(gradient(), w)])
    assert w.numpy().tolist() == [-2.0] * 3
    assert [v.path for v in optimizer.variables] == ["mine/iteration", "mine/learning_rate", "mine/w_count"]


def test_variables_that_appear_later_get_their_slots():
    first, second, optimizer = ones(), ones(2), Adam(0.1)
    optimizer.apply([gradient()], [first])
    optimizer.apply([gradient(), gradient(2)], [first, second])
    assert (second.numpy() < 1.0).all()
    assert len(optimizer.variables) == 6


def test_decay_can_spare_variables():
    spared, shrunk = ef.Variable(np.ones(2, "f"), name="bias"), ef.Variable(np.ones(2, "f"), name="kernel")
    optimizer = SGD(0.5, weight_decay=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([ef.Tensor(np.zeros(2, "f"))] * 2, [spared, shrunk])
    assert spared.numpy().tolist() == [1, 1]
    assert shrunk.numpy().tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_list=[shrunk])


def test_constraints_hold_after_the_update():
    w = ones()
    w.constraint = lambda x: ef.Tensor(np.clip(x.numpy(), 0.75, None))
    SGD(0.5).apply([gradient()], [w])
    assert w.numpy().tolist() == [0.75] * 3


def test_some_gradients_may_be_missing():
    used, unused = ones(), ef.Variable([1.0], name="unused")
    with pytest.warns(UserWarning, match="unused"):
        SGD(0.5).apply([gradient(), None], [used, unused])
    assert used.numpy().tolist() == [0.5] * 3


@pytest.mark.parametrize(("setting", "value"), [("use_ema", True), ("gradient_accumulation_steps", 2)])
def test_a_setting_that_needs_state_cannot_be_switched_on_once_built(setting, value):
    optimizer, w = SGD(0.5), ones()
    optimizer.apply([gradient()], [w])
    setattr(optimizer, setting, value)
    before = w.numpy()
    with pytest.raises(ValueError, match=rf"SGD\.{setting} was set to {value}.*SGD\({setting}={value}\)"):
        optimizer.apply([gradient()], [w])
    np.testing.assert_array_equal(w.numpy(), before)
    setattr(optimizer, setting, None)
    optimizer.apply([gradient()], [w])
    assert int(optimizer.iterations) == 2


def test_averages_that_are_not_kept_cannot_be_swapped():
    optimizer, w = SGD(0.5), ones()
    optimizer.apply([gradient()], [w])
    with pytest.raises(ValueError, match=r"SGD\.swap_averages: there are no averages.*use_ema=True"):
        optimizer.swap_averages()
    optimizer.use_ema = True
    for changes in (optimizer.swap_averages, optimizer.finalize_variable_values):
        with pytest.raises(ValueError, match=r"SGD\.use_ema was set to True"):
            changes()


def test_averages_replace_the_weights_at_the_end():
    w, optimizer = ones(), SGD(1.0, use_ema=True, ema_momentum=0.5)
    optimizer.apply([gradient()], [w])
    optimizer.apply([gradient()], [w])
    assert w.numpy().tolist() == [-1.0] * 3
    optimizer.finalize_variable_values([w])
    assert w.numpy().tolist() == [-0.5] * 3


def test_state_is_saved_and_loaded_exactly():
    w, optimizer, store = ones(), Adam(0.1), {}
    optimizer.apply([gradient()], [w])
    optimizer.save_own_variables(store)
    again, copy = Adam(0.5), ef.Variable(w.numpy())
    with pytest.raises(ValueError, match="2 expected"):
        again.load_own_variables(store)
    again.build([copy])
    again.load_own_variables(store)
    optimizer.apply([gradient()], [w])
    again.apply([gradient()], [copy])
    assert w.numpy().tolist() == copy.numpy().tolist()


def test_updates_are_announced():
    seen = []

    class Watcher(observe.Observer):
        def on_scope_begin(self, scope):
            seen.append((scope.kind, scope.name))

        def on_update(self, name, variable, inputs, started, ended):
            seen.append((name, variable.path, inputs[0].shape))

    with observe.observing(Watcher()):
        SGD().apply([gradient()], [ones()])
    assert seen == [("optimizer", "sgd"), ("sgd_update", "w", (3,))]


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"learning_rate": None}, TypeError, "expected a number"),
        ({"clipnorm": 0.0}, ValueError, "clipnorm"),
        ({"weight_decay": -1.0}, ValueError, "weight_decay"),
        ({"ema_momentum": 2.0}, ValueError, "ema_momentum"),
        ({"ema_overwrite_frequency": 0}, ValueError, "ema_overwrite_frequency"),
        ({"gradient_accumulation_steps": 1}, ValueError, "at least 2"),
        ({"loss_scale_factor": 0.0}, ValueError, "loss_scale_factor"),
    ],
)
def test_wrong_settings_raise(settings, error, words):
    with pytest.raises(error, match=words):
        SGD(**settings)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Adam(epsilon=-1), "epsilon"),
        (lambda: optimizers.AdamW(weight_decay=None), "use Adam"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3]), "increasing"),
    ],
)
def test_wrong_values_raise(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: optimizers.get(len), TypeError, "expected a name"),
        (lambda: optimizers.LossScaleOptimizer("sgd"), TypeError, "expected another optimizer"),
    ],
)
def test_no_optimizers(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_gradients_must_fit():
    optimizer = SGD()
    with pytest.raises(ValueError, match="give trainable_variables"):
        optimizer.apply([gradient()])


def test_loss_scaling_leaves_out_steps_with_infinite_gradients(device):
    w, optimizer = ones(), optimizers.LossScaleOptimizer(SGD(0.5), initial_scale=4.0, dynamic_growth_steps=2)
    assert float(optimizer.scale_loss(ef.Tensor(2.0))) == 8.0
    optimizer.apply([ef.Tensor([float("inf"), 1.0, 1.0])], [w])
    assert w.numpy().tolist() == [1, 1, 1]
    assert float(optimizer.dynamic_scale) == 2.0
    for _ in range(2):
        optimizer.apply([ef.Tensor([2.0, 2.0, 2.0])], [w])
    assert w.numpy().tolist() == [0, 0, 0]
    assert float(optimizer.dynamic_scale) == 4.0
    assert int(optimizer.iterations) == 2
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()


def test_several_optimizers_in_one(device):
    a, b = ef.Variable(np.ones(2, "f"), name="encoder"), ef.Variable(np.ones(2, "f"), name="decoder")
    chosen = optimizers.OptimizerMap(SGD(0.5), {"enc.*": SGD(0.25)})
    optimizer = optimizers.MultiOptimizer(chosen)
    optimizer.apply([gradient(2), gradient(2)], [a, b])
    assert (a.numpy().tolist(), b.numpy().tolist()) == ([0.75, 0.75], [0.5, 0.5])
    assert int(optimizer.iterations) == 1
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    with pytest.raises(ValueError, match="several patterns"):
        optimizers.OptimizerMap(SGD(), {"enc.*": SGD(), ".*er": SGD()})["encoder"]
    with pytest.raises(TypeError, match="expected an Optimizer"):
        optimizers.OptimizerMap("sgd")


def test_only_variables_are_trained():
    optimizer = ef.optimizers.SGD()
    with pytest.raises(TypeError, match=r"SGD: only variables can be trained; got Tensor float32\[\]"):
        optimizer.apply([ef.Tensor(1.0)], [ef.Tensor(1.0)])
    optimizer.build([ef.Variable(1.0)])
    with pytest.raises(TypeError, match="only variables"):
        optimizer.apply([ef.Tensor(1.0)], [ef.Tensor(1.0)])


def test_minimize_differentiates_a_function_or_a_value_with_its_tape():
    x, y = ef.Variable(3.0), ef.Variable(3.0)
    ef.optimizers.SGD(0.25).minimize(lambda: x * x, lambda: [x])
    optimizer = ef.optimizers.SGD(0.25)
    with ef.GradientTape() as tape:
        loss = y * y
    assert optimizer.minimize(loss, [y], tape=tape) == 1
    assert (float(x), float(y)) == (1.5, 1.5)
    optimizer.minimize(lambda: y * y, [y], grad_loss=ef.Tensor(2.0))
    assert float(y) == 0.0
    with pytest.raises(ValueError, match=r"SGD.minimize\(loss\): a value needs the tape"):
        optimizer.minimize(loss, [y])


@pytest.mark.parametrize("size", [3, 5000])
def test_a_constraint_that_raises_leaves_nothing_changed(size):
    v, other = ef.Variable(np.ones(size)), ef.Variable(np.ones(size))
    optimizer = optimizers.Adam(0.1)
    optimizer.apply([np.ones(size)] * 2, [other, v])
    before = [w.numpy() for w in (v, other, *optimizer.variables)]

    def refuses(w):
        raise ValueError("out of bounds")

    v.constraint = refuses
    with pytest.raises(ValueError, match="out of bounds"):
        optimizer.apply([np.ones(size)] * 2, [other, v])
    for then, now in zip(before, (v, other, *optimizer.variables), strict=True):
        np.testing.assert_array_equal(now.numpy(), then)
    v.constraint = None
    optimizer.apply([np.ones(size)] * 2, [other, v])
    assert int(optimizer.iterations) == 2


def test_states_come_in_the_order_of_keras():
    optimizer = Adam(amsgrad=True)
    optimizer.build([ef.Variable([1.0], name=name) for name in "ab"])
    slots = [v.name for v in optimizer.variables[2:]]
    assert slots == "a_momentum a_velocity b_momentum b_velocity a_velocity_hat b_velocity_hat".split()
