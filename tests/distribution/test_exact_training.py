"""The same script gives the same numbers on one rank and on several."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import distribution, layers
from eagerflow.base import tree
from tests.distribution.exact import CASES, FEATURES, dense, numbers, trained

ALONE: dict[tuple[str, str], Any] = {}
QUICK = (
    "sgd adam sample_weights sums dropout regularizers masks two_outputs clipped_together accumulated muon "
    "several_optimizers sets pairs ragged gradients_missing_on_some_ranks a_step_of_ones_own two_optimizers_in_a_step "
    "batch_normalization augmentation attention too_large_gradients added_losses functions_that_cannot_be_described"
).split()
SOME = ("shares_may_be_empty", "masks_and_weights", "dropout", "gradients_missing_on_some_ranks")
TOLERANCE = 1e-12


def furthest(found: Any, expected: Any) -> float:
    """The largest difference, as a part of the largest number of an array."""
    pairs = zip(tree.flatten(found), tree.flatten(expected), strict=True)
    apart = [np.abs(np.asarray(a) - b).max() / max(1e-3, np.abs(b).max()) for a, b in pairs if np.size(b)]
    return max(apart, default=0.0)


def compare(ranks: Any, n: int, name: str, dtype: str = "float64", **options: Any) -> dict[str, float]:
    """How far the results of n ranks are from those of one."""
    if (name, dtype) not in ALONE:
        (ALONE[name, dtype],) = ranks(1, trained, name, dtype)
    found = ranks(n, trained, name, dtype)
    for other in found[1:]:
        for a, b in zip(tree.flatten(found[0]), tree.flatten(other), strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()  # replicas have the same bits
    alone = ALONE[name, dtype]
    largest = max(np.abs(w).max() for w in alone["weights"])
    pairs = zip(found[0]["weights"], alone["weights"], strict=True)
    apart = {part: furthest(found[0][part], alone[part]) for part in found[0] if part != "weights"}
    return {**apart, "weights": max(np.abs(a - b).max() for a, b in pairs) / largest}


@pytest.mark.parametrize("name", QUICK)
def test_two_ranks_train_the_same_model(ranks, name):
    assert max(compare(ranks, 2, name).values()) < TOLERANCE


@pytest.mark.parametrize("name", SOME)
def test_four_ranks_train_the_same_model(ranks, name):
    assert max(compare(ranks, 4, name).values()) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("name", CASES)
def test_any_number_of_ranks_trains_the_same_model(ranks, name, n):
    assert max(compare(ranks, n, name).values()) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_numbers_of_single_precision_are_equal_up_to_rounding(ranks, name):
    found = compare(ranks, 3, name, "float32")
    assert found["weights"] < 1e-6
    assert max(found.values()) < 1e-5


def eight_bits() -> Any:
    """Scales of float8 are of each rank's rows, and the largest of all is taken."""
    with distribution.DataParallel().scope():
        model = dense(layers.Dense(16, dtype="float8_from_float32"))
        model.compile("sgd", "mse")
        model.fit(numbers(32, FEATURES), numbers(32, 2), batch_size=16, epochs=2, verbose=0)
        return [w.tobytes() for w in model.get_weights()], " ".join(distribution.report())


def test_scales_of_eight_bits_are_the_same_on_all_ranks(ranks):
    first, second = ranks(2, eight_bits)
    assert first == second
    assert "the largest of all ranks'" in first[1]


def noted() -> list[str]:
    """What is told of a model that can't be quite the same on two ranks."""
    with distribution.DataParallel().scope():
        model = dense(layers.BatchNormalization(name="local"), layers.Lambda(lambda x: ef.random.shuffle(x)))
        model.compile("sgd", "mse")
        model.fit(numbers(20, FEATURES), numbers(20, 2), batch_size=10, verbose=0)
        weights = [w.tobytes() for w in model.get_weights()]
        return [" ".join(distribution.report()), weights]


def test_what_is_not_the_same_is_reported(ranks):
    first, second = ranks(2, noted)
    assert "local/moving_mean" in first[0]
    assert "random.shuffle" in first[0]
    assert first[1] == second[1]


def told_of_its_steps():
    model = ef.Sequential([layers.Dense(2)])
    with distribution.DataParallel().scope():
        model.compile("sgd", "mse", jit_compile=True)
        model.fit(np.ones((16, 3), "float32"), np.ones((16, 2), "float32"), batch_size=4, verbose=0)
        return {name: step.why_eager for name, step in model.captured_steps.items()}


def test_a_training_step_of_ranks_says_why_it_is_not_captured(ranks):
    assert ranks(2, told_of_its_steps) == 2 * [{"the training step": "it runs in a distribution"}]
