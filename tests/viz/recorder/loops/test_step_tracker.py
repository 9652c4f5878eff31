"""The doctor and the search for NaN call steps by the numbers that recordings have for them."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.core import observe
from tests.viz.recorder.loops.test_own_steps import X, Y, by_hand, captured, gan, gan_of_two_tapes, net, plain
from viz.recorder.step_tracker import StepTracker


class Counting(observe.Observer):
    """What hears what the doctor hears."""

    def __init__(self):
        self.steps, self.seen = StepTracker(), []

    def on_op(self, op, inputs, settings, outputs, started, ended, error=None):
        if not self.steps.begun:
            self.steps.on_op(outputs)
        self.seen.append(self.steps.running(outputs))

    def on_gradient(self, targets, sources, results):
        self.steps.on_gradient(sources, results)

    def on_update(self, name, variable, inputs, started, ended):
        self.steps.on_update(variable)

    def on_scope_begin(self, scope):
        self.steps.on_scope_begin(scope)

    def on_scope_end(self, scope, outputs, error=None):
        self.steps.on_scope_end(scope)


def with_an_inner_step(rounds: int = 6) -> None:
    """As MAML: the outer gradient goes through the inner one."""
    w = ef.Variable(ops.zeros((3, 1)))
    for _ in range(rounds):
        with ef.GradientTape() as outer:
            with ef.GradientTape() as inner:
                loss = ops.mean((X @ w - Y) ** 2)
            quick = w - 0.1 * inner.gradient(loss, w)
            loss = ops.mean((X @ quick - Y) ** 2)
        w.assign_sub(0.05 * outer.gradient(loss, w))


def under_its_tape(rounds: int = 6) -> None:
    """The gradients are asked for, and used, while the tape still runs."""
    w = ef.Variable(ops.zeros((3, 1)))
    for _ in range(rounds):
        with ef.GradientTape(persistent=True) as tape:
            loss = ops.mean((X @ w - Y) ** 2)
            w.assign_sub(0.05 * tape.gradient(loss, w))


def with_an_optimizer_each(rounds: int = 6) -> None:
    """As beginners write it, who make the optimizer within the step."""
    model = net()
    for _ in range(rounds):
        optimizer = ef.optimizers.Adam()
        with ef.GradientTape() as tape:
            loss = ops.mean((model(X) - Y) ** 2)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)


LOOPS = [plain, by_hand, gan, gan_of_two_tapes, captured, with_an_inner_step, under_its_tape, with_an_optimizer_each]


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_ops_of_a_loop_are_of_the_steps_of_its_recording(loop):
    counting = Counting()
    with observe.observing(counting):
        loop(5)
    assert {number for number in counting.seen if number is not None} == set(range(5))


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_training_steps_of_a_loop_are_counted_as_its_recording_counts_them(loop):
    counting = Counting()
    with observe.observing(counting):
        loop(5)
    assert counting.steps.trained == 5


def test_steps_of_evaluate_and_predict_are_no_training_steps():
    counting, model = Counting(), net()
    model.compile("sgd", "mse")
    with observe.observing(counting):
        model.fit(X, Y, batch_size=20, epochs=2, validation_data=(X, Y), verbose=0)
        model.predict(X, verbose=0)
    assert counting.steps.trained == 8


class Told(Counting):
    """What subscribes to steps."""

    def __init__(self, hears_ops):
        super().__init__()
        self.wants_ops, self.steps, self.over, self.updates = hears_ops, StepTracker(hears_ops), [], []
        self.steps.subscribe(self.over.append, self.updates.append)

    def on_gradient(self, targets, sources, results):
        self.steps.on_gradient(sources, results, targets)


@pytest.mark.parametrize("hears_ops", [True, False])
@pytest.mark.parametrize("loop", [plain, by_hand, gan, with_an_optimizer_each], ids=lambda loop: loop.__name__)
def test_each_step_of_a_loop_is_told_once_in_order(loop, hears_ops):
    told = Told(hears_ops)
    with observe.observing(told):
        loop(5)
    told.steps.close()
    assert [step.number for step in told.over] == list(range(5))
    assert all(step.began < step.ended for step in told.over)
    assert all(before.ended <= step.began for before, step in zip(told.over, told.over[1:]))
    assert {(step.kind, len(step.losses)) for step in told.over} == {("train_step", 2 if loop is gan else 1)}
    assert all((step.optimizer is None) == (loop is by_hand) for step in told.over)
    assert {step.number for step in told.updates} == set(range(5))
    assert len(told.updates) == 5 * (2 if loop is gan else 1)


def test_a_step_knows_its_model_and_the_rows_of_its_batch():
    told, model = Told(hears_ops=False), net()
    model.compile("sgd", "mse")
    with observe.observing(told):
        model.fit(X, Y, batch_size=20, validation_data=(X, Y), verbose=0)
        with_an_optimizer_each(2)
    told.steps.close()
    kinds = [(step.kind, step.rows, step.number) for step in told.over]
    assert kinds[-3:] == [("test_step", 20, len(kinds) - 3), *[("train_step", 80, len(kinds) - i) for i in (2, 1)]]
    assert all(isinstance(step.model, ef.Model) for step in told.over)
