"""A loop of one's own that marks no steps has them in recordings all the same: an update of the weights ends each."""

from __future__ import annotations

import contextlib
from collections import Counter

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from eagerflow.core import observe
from viz.recorder.capture import Capture, Options
from viz.recorder.steps import StepGate

X = np.random.default_rng(0).random((80, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def net(inputs: int = 3, outputs: int = 1) -> ef.Sequential:
    return ef.Sequential([ef.Input((inputs,)), layers.Dense(4, activation="relu"), layers.Dense(outputs)])


def batch(i: int) -> tuple[np.ndarray, np.ndarray]:
    return X[8 * i : 8 * i + 8], Y[8 * i : 8 * i + 8]


def descend(model, optimizer, loss):
    with ef.GradientTape() as tape:
        value = loss()
    optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
    return value


def plain(rounds: int = 6, optimizer=None) -> None:
    model, optimizer = net(), optimizer or ef.optimizers.Adam()
    for i in range(rounds):
        x, y = batch(i)
        x = ops.convert_to_tensor(x) * 2.0
        descend(model, optimizer, lambda x=x, y=y: ops.mean((model(x) - y) ** 2))


def by_hand(rounds: int = 6) -> None:
    model = net()
    for i in range(rounds):
        x, y = batch(i)
        with ef.GradientTape() as tape:
            loss = ops.mean((model(x) - y) ** 2)
        for g, w in zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables):
            w.assign_sub(0.1 * g)


def accumulated(rounds: int = 6) -> None:
    """Two small batches to an update."""
    model, optimizer = net(), ef.optimizers.Adam()
    sums = [ef.Variable(ops.zeros_like(w)) for w in model.trainable_variables]
    for i in range(2 * rounds):
        x, y = batch(i % 10)
        with ef.GradientTape() as tape:
            loss = ops.mean((model(x) - y) ** 2)
        for g, total in zip(tape.gradient(loss, model.trainable_variables), sums):
            total.assign_add(g)
        if i % 2:
            optimizer.apply([ops.convert_to_tensor(total) for total in sums], model.trainable_variables)
            for total in sums:
                total.assign(ops.zeros_like(total))


def gan(rounds: int = 6, predicts: bool = False) -> None:
    generator, critic = net(2, 3), net()
    of_generator, of_critic = ef.optimizers.Adam(), ef.optimizers.Adam()
    for i in range(rounds):
        x, z = X[8 * i : 8 * i + 8], X[8 * i : 8 * i + 8, :2]
        if predicts:
            generator.predict(z, verbose=0)
        descend(critic, of_critic, lambda x=x, z=z: ops.mean(critic(x)) - ops.mean(critic(generator(z))))
        descend(generator, of_generator, lambda z=z: ops.mean(critic(generator(z))))


def gan_of_two_tapes(rounds: int = 6) -> None:
    """As in TensorFlow's tutorial: both losses come from one forward pass."""
    generator, critic = net(2, 3), net()
    of_generator, of_critic = ef.optimizers.Adam(), ef.optimizers.Adam()
    for i in range(rounds):
        x, z = X[8 * i : 8 * i + 8], X[8 * i : 8 * i + 8, :2]
        with ef.GradientTape() as first, ef.GradientTape() as second:
            real, fake = critic(x), critic(generator(z))
            loss, other = ops.mean(fake), ops.mean(real) - ops.mean(fake)
        mine = first.gradient(loss, generator.trainable_variables)
        yours = second.gradient(other, critic.trainable_variables)
        of_generator.apply(mine, generator.trainable_variables)
        of_critic.apply(yours, critic.trainable_variables)


def captured(rounds: int = 6) -> None:
    model, optimizer = net(), ef.optimizers.Adam()

    @ef.function(jit_compile=True)
    def step(x, y):
        return descend(model, optimizer, lambda: ops.mean((model(x) - y) ** 2))

    for i in range(rounds):
        step(*batch(i))


LOOPS = [plain, by_hand, accumulated, gan, gan_of_two_tapes, captured]


def phases(t: viz.Recording) -> list[Counter[str]]:
    """How many ops of each phase the steps have."""
    return [Counter([op.phase for op in t.ops if op.step == step.index]) for step in t.steps]


def outside(t: viz.Recording) -> list[str]:
    return [op.name for op in t.ops if op.step is None]


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_every_round_is_a_step_from_the_forward_pass_to_the_update(loop):
    loop(1)  # so that every optimizer has its variables
    with viz.trace() as t:
        loop(6)
    assert [(step.index, step.number) for step in t.steps] == [(i, None) for i in range(6)]
    assert t.notes == []
    assert outside(t) == []
    assert len({str(sorted(found.items())) for found in phases(t)}) == 1
    assert {"forward", "backward", "update"} <= phases(t)[0].keys()


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
@pytest.mark.parametrize("steps", [(0,), (1,), (2, 4), (0, 1, 5)])
def test_chosen_steps_hold_what_they_hold_in_a_recording_of_all(loop, steps):
    with viz.trace() as whole:
        loop(6)
    with viz.trace(steps=steps) as t:
        loop(6)
    assert t.notes == []
    assert outside(t) == []
    assert [step.number for step in t.steps] == list(steps)
    assert phases(t) == [phases(whole)[number] for number in steps]
    for step in t.steps:
        expected = [op.name for op in whole.ops if op.step == step.number]
        assert [op.name for op in t.ops if op.step == step.index] == expected
    t.draw()


def test_short_trainings_of_several_models_share_no_step():
    with viz.trace() as t:
        for _ in range(3):
            plain(rounds=3)
    assert len(t.steps) == 9
    assert {sum(op.step == step.index and op.phase == "update" for op in t.ops) for step in t.steps} == {4}


def test_one_step_alone_is_none_of_several_and_can_be_asked_for():
    with viz.trace() as t:
        plain(1)
    assert t.steps == []
    assert t.notes == []
    assert len(t.ops) > 0
    with viz.trace(steps=0) as t:
        plain(1)
    assert [step.number for step in t.steps] == [0]


def test_a_program_that_trains_nothing_has_no_steps():
    model = net()
    with viz.trace() as t:
        model(X)
        model(X)
    assert t.steps == []
    with viz.trace(steps=0) as t:
        model(X)
    assert t.steps == []
    assert t.ops == []
    (note,) = t.notes
    assert note.startswith("step 0 was asked for and did not run")


@contextlib.contextmanager
def nothing():
    yield


@pytest.mark.parametrize("mark", [viz.step, nothing])
def test_marks_stay_as_they_are(mark):
    model, optimizer = net(), ef.optimizers.Adam()
    with viz.trace() as t:
        for i in range(3):
            x, y = batch(i)
            with mark():
                for _ in range(2):
                    descend(model, optimizer, lambda x=x, y=y: ops.mean((model(x) - y) ** 2))
    assert len(t.steps) == (3 if mark is viz.step else 6)


def test_what_looks_at_a_steps_results_belongs_to_it_and_a_validation_does_not():
    model, optimizer, error = net(), ef.optimizers.SGD(0.1), ef.metrics.MeanAbsoluteError()
    averages = [ef.Variable(w, trainable=False) for w in model.trainable_variables]
    with viz.trace() as t:
        mean = ops.zeros(())
        for i in range(4):
            x, y = batch(i)
            with ef.GradientTape() as tape:
                answer = model(x)
                loss = ops.mean((answer - y) ** 2)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            error.update_state(y, answer)
            for average, w in zip(averages, model.trainable_variables):
                average.assign(0.9 * average + 0.1 * w)
            mean = 0.9 * mean + 0.1 * loss
            if i % 2:
                ops.exp(model(X))
    assert len(t.steps) == 4
    assert outside(t) == ["dense", "dense", "exp"] * 2
    assert [found["metric"] for found in phases(t)] == [3] * 4
    assert [[op.name for op in t.ops if op.step == i][-1] for i in range(4)] == ["add"] * 4


def test_steps_of_fit_evaluate_and_a_loop_are_numbered_as_they_ran():
    model = net()
    model.compile("sgd", "mse")

    def run():
        plain(2)
        model.evaluate(X, Y, batch_size=40, verbose=0)
        model.fit(X, Y, batch_size=40, verbose=0)
        plain(2)

    with viz.trace() as t:
        run()
    kinds = ["train_step"] * 2 + ["test_step"] * 2 + ["train_step"] * 4
    assert [t.scopes[step.scope].name for step in t.steps] == kinds
    for steps in [(1, 2), (3, 5), (7,)]:
        with viz.trace(steps=steps) as chosen:
            run()
        assert [step.number for step in chosen.steps] == list(steps)
        assert phases(chosen) == [phases(t)[number] for number in steps]


def test_the_step_that_an_error_ended_is_one_too():
    model, optimizer = net(), ef.optimizers.SGD(0.1)
    with viz.trace() as t, contextlib.suppress(ValueError):
        for i in range(4):
            x, y = batch(i)
            shape = (8,) if i < 3 else (7,)
            descend(model, optimizer, lambda x=x, y=y, shape=shape: ops.reshape(model(x), shape) - y[:, 0])
    assert len(t.steps) == 4
    assert [t.scopes[step.scope].error is None for step in t.steps] == [True, True, True, False]
    assert "reshape" in [op.name for op in t.ops if op.step == 3 and op.error]


def test_without_backward_ops_and_without_times_there_are_the_same_steps():
    with viz.trace() as t:
        plain(3)
    with viz.trace(backward=False, time=False, memory=False, source=False) as bare:
        plain(3)
    assert len(bare.steps) == 3
    of_whole = [[op.name for op in t.ops if op.step == i and op.phase != "backward"] for i in range(3)]
    assert [[op.name for op in bare.ops if op.step == i] for i in range(3)] == of_whole


def test_the_time_of_steps_that_nobody_records_is_known():
    with viz.trace(steps=0) as t:
        plain(6)
    assert t.meta["untraced_step"]["steps"] >= 3


def test_a_long_training_leaves_nothing_of_the_steps_that_nobody_recorded():
    gate = StepGate(started, frozenset({3}))
    with observe.observing(gate), observe.observing(gate.relay):
        gate.open()
        plain(9)
        plain(9)
        gate.close()
    gate.capture.stop()
    assert len(gate.capture.told) <= 3


def started():
    capture = Capture(Options(steps=frozenset({3})))
    capture.start(None)
    return capture
