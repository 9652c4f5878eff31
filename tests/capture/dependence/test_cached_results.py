"""Results that functions have cached, where there is room for some only: a replay asks for none."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import many

X = ef.Tensor([1.0, 2.0])


def run(most, captured, calls=9):
    """What was computed, while a step asks for the same result each time, and others for others."""
    computed = []

    @functools.lru_cache(maxsize=most)
    def table(n):
        computed.append(n)
        return float(n)

    step = ef.function(lambda x: x * table(1)) if captured else lambda x: x * table(1)
    for i in range(calls):
        step(X)
        if i > 4:
            table(i)
    return computed, step


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
@pytest.mark.parametrize(("most", "calls"), [(2, 9), (4, 12), (66, 80)])
def test_a_result_that_a_step_asks_for_stays_longest(most, calls):
    computed, step = run(most, captured=True, calls=calls)
    assert computed == run(most, captured=False, calls=calls)[0]
    assert "drops all but" in step.why_eager


def test_a_cache_with_plenty_of_room_is_replayed():
    table = functools.lru_cache(lambda n: 2.0 * n)
    step = ef.function(lambda x: x * table(1))
    assert many(step, X).tolist() == [2.0, 4.0]
    assert step.replays


def test_lists_of_weights_that_are_gathered_again_are_no_change():
    """They are, whenever any layer anywhere gets a weight."""
    model = ef.Sequential([ef.layers.Dense(3), ef.layers.Dense(1)])
    x = ef.Tensor(np.ones((4, 2), "float32"))
    model(x)

    @ef.function
    def step(x):
        with ef.GradientTape() as tape:
            loss = ef.ops.mean(model(x) ** 2)
        return tape.gradient(loss, model.trainable_weights)

    for _ in range(8):
        ef.layers.Dense(2).build((None, 2))
        step(x)
    assert step.why_eager is None
    assert step.replays > 0
