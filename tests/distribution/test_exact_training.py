"""The same script gives the same numbers on one rank and on several."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eagerflow.base import tree
from tests.distribution.exact import CASES, trained

ALONE: dict[tuple[str, str], Any] = {}
SOME = ("sgd", "shares_may_be_empty", "masks_and_weights", "dropout", "two_outputs", "gradients_missing_on_some_ranks")
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}


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
    return {part: furthest(found[0][part], ALONE[name, dtype][part]) for part in found[0]}


@pytest.mark.parametrize("name", CASES)
def test_two_ranks_train_the_same_model(ranks, name):
    assert max(compare(ranks, 2, name).values()) < TOLERANCE["float64"]


@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize("name", SOME)
def test_any_number_of_ranks_trains_the_same_model(ranks, n, name):
    assert max(compare(ranks, n, name).values()) < TOLERANCE["float64"]
