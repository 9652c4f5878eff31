"""An error in a replay leaves all as the eager step leaves it: where somebody acts after errors, steps run eagerly."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import eagerflow as ef

EMBED = ef.layers.Embedding(3, 2)
PHASE = {"name": "idle", "scale": 1.0}


class Strict(ef.metrics.Mean):
    def update_state(self, y, sample_weight=None):
        if float(ef.ops.max(y)) > 6:
            raise ValueError("outlier")
        super().update_state(y)


class Careful(ef.optimizers.SGD):
    def update_step(self, gradient, variable, learning_rate):
        if float(ef.ops.max(gradient)) > 6:
            raise ValueError("outlier")
        super().update_step(gradient, variable, learning_rate)


class Swallows:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return kind is ValueError


@contextlib.contextmanager
def perturbed(v):
    v.assign_add([9.0, 9.0])
    try:
        yield
    finally:
        v.assign_sub([9.0, 9.0])


def in_finally(v):
    def step(ids):
        v.assign_add([9.0, 9.0])
        try:
            return EMBED(ids) * v
        finally:
            v.assign_sub([9.0, 9.0])

    return step


def in_a_generator(v):
    def step(ids):
        with perturbed(v):
            return EMBED(ids) * v

    return step


def metric_in_try(v):
    metric = Strict()

    def step(ids):
        try:
            metric.update_state(ids)
        except ValueError:
            return v * 0.0
        return v * 2.0

    return step


def optimizer_in_try(v):
    opt = Careful(0.1)

    def step(ids):
        try:
            opt.apply([ef.ops.cast(ids, "float32")], [v])
        except ValueError:
            return v * 0.0
        return v * 2.0

    return step


def metric_in_with(v):
    metric = Strict()

    def step(ids):
        with Swallows():
            metric.update_state(ids)
            return v * 2.0
        return v * 0.0

    return step


def bounds_of_draws(v):
    def step(ids):
        try:
            return ef.random.randint((2,), 0, 7 - ef.ops.max(ids), seed=1)
        except ValueError:
            return v * 0.0

    return step


def phase_of_a_dict(v):
    def step(ids):
        PHASE["name"] = "embed"
        found = EMBED(ids) * PHASE["scale"]
        PHASE["name"] = "idle"
        return found, len(PHASE["name"])

    return step


CASES = [in_finally, in_a_generator, metric_in_try, optimizer_in_try, metric_in_with, bounds_of_draws, phase_of_a_dict]


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_after_an_error_all_is_as_after_the_eager_step(make):
    EMBED(ef.Tensor([0, 1]))
    results = []
    for captures in (False, True):
        v = ef.Variable([1.0, 2.0])
        PHASE["name"] = "idle"
        step = ef.function(make(v)) if captures else make(v)
        found = []
        for ids in ([0, 1],) * 4 + ([0, 7],):
            try:
                found.append(str(ef.tree.map_structure(np.asarray, step(ef.Tensor(ids)))))
            except (IndexError, ValueError) as error:
                found.append(type(error).__name__)
        results.append((found, v.numpy().tolist(), PHASE["name"]))
    assert len(set(results[0][0])) > 1, "the case changes nothing"
    assert results[0] == results[1]


def test_what_never_raises_is_replayed_in_finally():
    v, opt = ef.Variable([1.0, 2.0]), ef.optimizers.SGD(0.1)

    @ef.function
    def step(x):
        v.assign_add([9.0, 9.0])
        try:
            opt.apply([x * v], [v])
            return x * v
        finally:
            v.assign_sub([9.0, 9.0])

    for _ in range(5):
        step(ef.Tensor([1.0, 2.0]))
    assert step.replays == 3, step.why_eager


def test_steps_run_eagerly_while_numpy_raises_errors_and_are_replayed_again_after_that():
    w = ef.Variable([1.0, 2.0])

    @ef.function
    def step(x):
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(ef.ops.log(x) * w)
        return tape.gradient(loss, w)

    for _ in range(4):
        step(ef.Tensor([1.0, 2.0]))
    replays = step.replays
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        step(ef.Tensor([0.0, 2.0]))
    assert step.replays == replays
    step(ef.Tensor([1.0, 2.0]))
    assert step.replays == replays + 1
