"""Under a tape, a replay leaves the records of the eager step: gradients are the same to the bit, of any order."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from tests.capture.steps import ROWS, batches, bits
from tests.capture.test_random_programs import PAIRS, inputs_of, step_of
from tests.capture.test_same_bits import MODELS

CALLS = 5


def gradients(make, given, captures, persistent=False):
    """What a function gives under a tape, and the gradients of its sum; and the function."""
    ef.utils.set_random_seed(11)
    forward, variables = make()
    run = ef.function(forward) if captures else forward
    found = []
    for i in range(CALLS):
        arguments = given[i % len(given)]
        with ef.GradientTape(persistent=persistent) as tape:
            tape.watch([x for x in arguments if x.dtype.name.startswith("float")])
            out = run(*arguments)
            total = sum(ef.ops.sum(x * x) for x in ef.tree.flatten(out))
        sources = [*variables(), *arguments]
        found.append(bits([total, *[g for g in tape.gradient(total, sources) if g is not None]]))
    return found, run


def both(make, given):
    """The same eagerly and captured; gives the captured function."""
    eager, captured = gradients(make, given, False), gradients(make, given, True)
    assert eager[0] == captured[0]
    return captured[1]


@pytest.mark.parametrize("name", MODELS)
def test_models_have_the_gradients_of_eager_ones(name):
    def make():
        model = MODELS[name]()
        return (lambda x: model(x, training=True)), lambda: model.trainable_variables

    assert both(make, batches(2, (ROWS, 5))).replays >= CALLS - 3


def of_program(program):
    """Makes the program as a function of its inputs that are no variables; and those."""
    pairs = zip(inputs_of(program, 0), program["inputs"], strict=True)
    given = [ef.Tensor(x) for x, kind in pairs if not kind["variable"]]

    def make():
        step, variables = step_of(program)
        return (lambda *x: [y for y in ef.tree.flatten(step(*x)) if y is not None]), lambda: variables

    return make, [given]


@pytest.mark.parametrize("part", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_random_programs_have_the_gradients_of_eager_ones(part):
    """They differentiate within, too: so these are gradients of gradients."""
    replayed = 0
    for program, _ in PAIRS[3 + part :: 37]:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            replayed += both(*of_program(program)).replays > 0
    assert replayed > 4


@pytest.mark.parametrize("captures", [False, True])
def test_a_loss_goes_on_from_what_an_activation_was_computed_from(captures):
    ef.utils.set_random_seed(2)
    model, measure = ef.Sequential([layers.Dense(3, activation="softmax")]), ef.losses.SparseCategoricalCrossentropy()
    run = ef.function(lambda x: model(x, training=True)) if captures else (lambda x: model(x, training=True))
    for _ in range(CALLS):
        with ef.GradientTape() as tape:
            loss = measure(ef.Tensor([0, 1]), run(ef.Tensor([[1.0, 2.0], [300.0, -200.0]])))
        found = tape.gradient(loss, model.trainable_variables)
    assert sum(float(ef.ops.sum(ef.ops.abs(g))) for g in found) > 1.0  # of a probability of 0 there would be none
    assert not captures or run.replays > 1


def test_what_another_tape_tracks_while_these_look_away_has_no_gradient_here():
    w = ef.Variable(2.0)

    def forward(x):
        with ef.no_grad():
            with ef.GradientTape() as own:
                y = w * x
            inner = own.gradient(y, w)
        return w * inner, y

    run = ef.function(forward)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(CALLS):
            with ef.GradientTape(persistent=True) as tape:
                first, second = run(ef.Tensor(3.0))
            assert float(tape.gradient(first, w)) == 3.0
            assert tape.gradient(second, w) is None


def test_gradients_of_gradients_and_jacobians():
    w = ef.Variable([2.0, 3.0])
    run = ef.function(lambda x: w**3 * x)
    for _ in range(CALLS):
        x = ef.Tensor([1.0, 2.0])
        with ef.GradientTape() as outer:
            with ef.GradientTape(persistent=True) as inner:
                y = run(x)
            first = inner.gradient(y, w)
        assert first.tolist() == [12.0, 54.0]
        assert outer.gradient(first, w).tolist() == [12.0, 36.0]
        assert inner.jacobian(y, w).tolist() == [[12.0, 0.0], [0.0, 54.0]]
    assert run.replays == CALLS - 2


def test_what_is_stopped_within_stays_stopped():
    w = ef.Variable(2.0)

    def forward(x):
        with ef.GradientTape() as own:
            own.watch(x)
            with own.stop_recording():
                kept = w * x
            y = x * x
        return ef.ops.stop_gradient(w * x) + kept + own.gradient(y, x) * w

    run = ef.function(forward)
    for _ in range(CALLS):
        with ef.GradientTape() as tape:
            y = run(ef.Tensor(3.0))
        assert float(tape.gradient(y, w)) == 3.0 + 6.0
    assert run.replays == CALLS - 2


def test_tracked_and_untracked_arguments_are_captured_apart():
    run, w = ef.function(lambda a, b: a * b), ef.Variable(5.0)
    for _ in range(CALLS):
        with ef.GradientTape(persistent=True) as tape:
            first, second = run(w * 2.0, ef.Tensor(3.0)), run(ef.Tensor(3.0), w * 4.0)
            third = run(ef.Tensor(3.0), ef.Tensor(4.0))
        assert (float(tape.gradient(first, w)), float(tape.gradient(second, w))) == (6.0, 12.0)
        assert tape.gradient(third, w) is None
    assert len(run.programs) == 3


def test_a_variable_that_is_watched_later_is_noticed():
    w = ef.Variable(2.0, trainable=False)
    run = ef.function(lambda x: w * x)
    for watches in (False, True):
        for _ in range(CALLS):
            with ef.GradientTape() as tape:
                if watches:
                    tape.watch(w)
                y = run(ef.Tensor(3.0)) + 0.0 * w
            found = tape.gradient(y, w)
            assert (None if found is None else float(found)) == (3.0 if watches else None)


@pytest.mark.parametrize("how", ["closure", "watch", "stop", "gradient"])
def test_steps_that_use_a_tape_from_outside_run_eagerly_and_say_so(how):
    w, found, replays = ef.Variable(2.0), [], 0
    held = {}

    def forward(x):
        tape = held["tape"]
        if how == "closure":
            return held["tracked"] * x
        if how == "watch":
            y = x * 3.0
            tape.watch(y)
            return y * y
        if how == "stop":
            with tape.stop_recording():
                y = w * x
            return y * w
        return tape.gradient(held["tracked"], w) * x

    run = ef.function(forward)
    expected = {"closure": 9.0, "watch": None, "stop": 6.0, "gradient": None}[how]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(CALLS + 9):
            with ef.GradientTape(persistent=True) as held["tape"]:
                held["tracked"] = w * 3.0
                y = run(ef.Tensor(3.0))
            gradient = held["tape"].gradient(y, w)
            found.append(None if gradient is None else float(gradient))
    replays += run.replays
    assert set(found) == {expected}
    assert replays == 0
    assert sum("runs eagerly" in str(each.message) for each in told) == 1


def test_under_a_tape_and_an_observer_the_eager_step_is_heard():
    import viz

    run, w = ef.function(lambda x: w * x), ef.Variable(2.0)
    for _ in range(CALLS):
        with ef.GradientTape():
            run(ef.Tensor(3.0))
    with viz.trace() as record, ef.GradientTape() as tape:
        y = run(ef.Tensor(3.0))
    assert float(tape.gradient(y, w)) == 3.0
    assert [op.replayed for op in record.ops] == [False]


def test_names_of_values_may_be_names_of_variables():
    variables = [ef.Variable(float(i), name=name) for i, name in enumerate(["v1", "k2", "t", "taped", "v0"])]

    def forward(x):
        for variable in variables:
            x = x * variable + 1.0
        return x

    run = ef.function(forward)
    for _ in range(CALLS):
        with ef.GradientTape() as tape:
            y = run(ef.Tensor(1.0))
        assert float(y) == float(forward(ef.Tensor(1.0)))
        assert float(tape.gradient(y, variables[4])) == float(forward(ef.Tensor(1.0)) - 1.0) / 4.0
    assert float(run(ef.Tensor(1.0))) == float(y)
    assert run.replays == CALLS - 2
