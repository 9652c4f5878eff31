"""Updates on a GPU as CUDA graphs: on the stand-in for CuPy, and on CuPy itself under `make test-gpu`."""

from __future__ import annotations

import contextlib
import copy

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.graphs.recording import graphs_wanted
from eagerflow.optimizers.updates.fused import FusedUpdates

RNG = np.random.default_rng(2)
GRADIENTS = [[RNG.normal(size=shape).astype("float32") for shape in ((4, 3), (3,), (2000,))] for _ in range(9)]
SCHEDULE = ef.optimizers.schedules.ExponentialDecay(0.05, 3, 0.5)
MADE = {
    "sgd": lambda: ef.optimizers.SGD(0.1),
    "momentum": lambda: ef.optimizers.SGD(SCHEDULE, momentum=0.9, nesterov=True),
    "adam": lambda: ef.optimizers.Adam(SCHEDULE),
    "amsgrad": lambda: ef.optimizers.Adam(0.01, amsgrad=True, clipnorm=1.0),
    "adamw": lambda: ef.optimizers.AdamW(SCHEDULE, weight_decay=0.1),
    "adamax": lambda: ef.optimizers.Adamax(0.01),
    "nadam": lambda: ef.optimizers.Nadam(0.01, global_clipnorm=1.0),
    "rmsprop": lambda: ef.optimizers.RMSprop(SCHEDULE, momentum=0.5, centered=True),
    "adagrad": lambda: ef.optimizers.Adagrad(0.1, use_ema=True),
    "adadelta": lambda: ef.optimizers.Adadelta(1.0),
    "lion": lambda: ef.optimizers.Lion(0.01, gradient_accumulation_steps=2),
}


@pytest.fixture(autouse=True)
def no_launch_for_all(monkeypatch):
    """As if rules couldn't be written as one kernel (see `test_fused_updates.py`)."""
    monkeypatch.setattr(FusedUpdates, "update", lambda *_: False)


def updated(make, graphs=True, between=lambda i, variables: None, dtype="float32"):
    """The weights after some updates, and the optimizer."""
    optimizer = make()
    variables = [ef.Variable(np.full(g.shape, 0.5, dtype), name=f"w{i}") for i, g in enumerate(GRADIENTS[0])]
    for i, gradients in enumerate(GRADIENTS):
        between(i, variables)
        given = [ef.Tensor(g.astype(dtype)) for g in gradients]
        if graphs:
            with graphs_wanted():
                optimizer.apply(given, variables)
        else:
            optimizer.apply(given, variables)
    return [v.numpy() for v in (*variables, *optimizer.variables)], optimizer


def close(found, expected, gpu):
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0 if gpu == "stand-in" else 1e-4)


@pytest.mark.parametrize("name", MADE)
def test_a_graph_makes_the_update_that_is_made_without(name, gpu):
    expected, plain = updated(MADE[name], graphs=False)
    found, optimizer = updated(MADE[name])
    close(found, expected, gpu)
    assert (plain._graphed.recorded, optimizer._graphed.why) == ([], None)
    (recorded,) = optimizer._graphed.recorded
    assert recorded <= 3  # at first, and again for numbers that change


def test_numbers_keep_the_type_of_their_weights(gpu):
    def both(dtype):
        return [updated(MADE["adam"], graphs, dtype=dtype)[0] for graphs in (True, False)]

    for dtype in ("float16", "float64"):
        close(*both(dtype), gpu)


def test_assignments_and_snapshots_between_updates_count(gpu):
    held = []

    def between(i, variables):
        if i == 4:
            variables[0].assign(np.full((4, 3), 2.0, "float32"))
        if i in (3, 6):
            held.append((variables[2].value, variables[2].numpy()))

    expected, _ = updated(MADE["adam"], graphs=False, between=between)
    found, _ = updated(MADE["adam"], between=between)
    close(found, expected, gpu)
    for value, then in held:
        np.testing.assert_array_equal(value.numpy(), then)


def test_a_learning_rate_may_be_assigned(gpu):
    def run(graphs):
        optimizer = ef.optimizers.SGD(0.1)

        def between(i, variables):
            if i % 3 == 0:
                optimizer.learning_rate = 0.1 + i

        return updated(lambda: optimizer, graphs, between)[0]

    close(run(True), run(False), gpu)


def test_weights_that_lie_elsewhere_in_each_step_are_updated_without_a_graph(cupy_stand_in):
    """A constraint may raise, so that weights are kept from before each update.

    On a GPU, its pool gives a place out again as soon as it is free, so that weights lie there in each step after all.
    """

    def run(graphs):
        optimizer, held = ef.optimizers.SGD(0.1), []
        w = ef.Variable(np.ones(3, "float32"))
        w.constraint = ef.constraints.NonNeg()
        for i in range(25):
            held.append(w.value)
            with graphs_wanted() if graphs else contextlib.nullcontext():
                optimizer.apply([ef.Tensor(np.float32([0.1, -0.1, i]))], [w])
        return [w.numpy(), *[value.numpy() for value in held]], optimizer

    with ef.device("gpu:0"):
        expected, _ = run(False)
        with pytest.warns(UserWarning, match=r"sgd: updates aren't CUDA graphs: weights or their slots lie elsewhere"):
            found, optimizer = run(True)
    close(found, expected, "stand-in")
    assert optimizer._graphed.recorded == []


def test_weights_that_come_to_lie_elsewhere_and_back_are_right(gpu):
    """A pool gives memory out again, so that a graph may fit that was made for other arrays."""

    def run(graphs):
        optimizer = ef.optimizers.SGD(0.1, momentum=0.9)
        w = ef.Variable(np.ones(3, "float32"))
        w.constraint = ef.constraints.NonNeg()
        for i in range(12):
            with graphs_wanted() if graphs else ef.device("gpu:0"):
                optimizer.apply([ef.Tensor(np.float32([0.1, -0.1, i]))], [w])
        return [w.numpy(), *[each.numpy() for each in optimizer.variables]]

    close(run(True), run(False), gpu)


def test_a_rule_that_decides_by_a_number_is_named_and_runs_without_a_graph(gpu):
    def make():
        optimizer = ef.optimizers.SGD(SCHEDULE, momentum=0.5)
        plain = ef.optimizers.SGD(0.1, momentum=0.5).rule

        def rule(xp, w, g, slots, settings, scratch):
            if settings[0] > 0:
                plain(xp, w, g, slots, settings, scratch)

        rule.elementwise = True
        optimizer.rule = rule
        return optimizer

    expected, _ = updated(make, graphs=False)
    with pytest.warns(UserWarning, match=r"updates aren't CUDA graphs: RuntimeError: the current stream is capturing"):
        found, _ = updated(make)
    close(found, expected, gpu)


def test_copies_of_an_optimizer_have_graphs_of_their_own(gpu):
    _, optimizer = updated(MADE["adam"])
    again = copy.deepcopy(optimizer)
    assert (optimizer._graphed.recorded, again._graphed.recorded) == ([2], [])


def test_fit_and_captured_steps_update_by_graphs(gpu):
    x, y = RNG.normal(size=(48, 4)).astype("float32"), RNG.normal(size=(48, 1)).astype("float32")
    found = []
    for captures in (False, True):
        ef.utils.set_random_seed(1)
        model = ef.Sequential([ef.layers.Dense(3, activation="tanh"), ef.layers.Dense(1)])
        model.compile(ef.optimizers.Adam(SCHEDULE), "mse", jit_compile=captures)
        model.fit(x, y, batch_size=8, epochs=2, verbose=0)
        found.append(model.get_weights())
        assert bool(model.optimizer._graphed.recorded) is captures
    close(found[1], found[0], gpu)
