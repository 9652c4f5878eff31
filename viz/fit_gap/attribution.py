"""Whose part of a difference is whose: each cause's share, averaged over all orders in which they can be removed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

__all__ = ["shares"]


def shares(causes: Sequence[str], value: Callable[[frozenset[str]], float]) -> dict[str, float]:
    """The Shapley value of each cause.

    Source: L. S. Shapley, "A value for n-person games", 1953.

    >>> shares(["a", "b"], lambda acting: 1.0 * ("a" in acting) + 4.0 * (len(acting) == 2))
    {'a': 3.0, 'b': 2.0}
    """
    count = len(causes)
    found = dict.fromkeys(causes, 0.0)
    for size in range(count):
        orders = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
        for acting in map(frozenset, itertools.combinations(causes, size)):
            for cause in causes:
                if cause not in acting:
                    found[cause] += orders * (value(acting | {cause}) - value(acting))
    return found
