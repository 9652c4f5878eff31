"""How much larger numbers of one run are than those of another, beyond what noise makes of them."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence

import numpy

__all__ = ["SURE", "by_ranks", "drift", "least_median", "quiet"]

SURE = 0.99  # how sure a bound is
_MOST = 1_000  # samples of a side that are looked at: of ten times as many there are a hundred times as many ratios
_ENOUGH = 20  # samples on each side, from which on the usual approximation of the ranks' distribution is good


def _some(values: Sequence[float]) -> Sequence[float]:
    """Of very many as many as can be compared, at equal distances."""
    count = len(values)
    return values if count <= _MOST else [values[i * count // _MOST] for i in range(_MOST)]


def by_ranks(a: Sequence[float], b: Sequence[float], above: bool, lowered: float = 0.0) -> tuple[float, float] | None:
    """The typical change from `a` to `b`, and what it is at least, with 99 % certainty; None for too few numbers.

    No shape of the noise is assumed: of all ratios between the two, so many of the smallest are left out as chance
    alone would turn round once in a hundred times.

    Args:
        a: numbers above zero.
        b: others.
        above: whether larger numbers are looked for; else the bound is what the change is at most.
        lowered: by what share the bound is lowered, see `drift`.

    Source: H. Mann, D. Whitney (1947); the bound that follows: J. Hodges, E. Lehmann (1963).
    """
    a, b = _some(a), _some(b)
    left_out = _chance(len(a), len(b))
    if left_out is None:
        return None
    ratios = sorted([y / x for x in a for y in b])
    bound = ratios[left_out] / (1 + lowered) if above else ratios[-1 - left_out] * (1 + lowered)
    return statistics.median(ratios) - 1, bound - 1


def quiet(times: Sequence[float], least: int = 5) -> list[float]:
    """The quicker half of some times, so many at least: what else runs on a machine only ever makes a step slower."""
    return sorted(times)[: max(least, (len(times) + 1) // 2)]


def drift(values: Sequence[float]) -> float:
    """How far stretches of a run differ among themselves, relatively: by their lowest tenths, up to four stretches.

    A machine that becomes slower or faster while it runs makes numbers that aren't independent.
    """
    count = max(2, min(4, len(values) // 10))
    if len(values) < count:
        return 0.0
    edges = [round(len(values) * i / count) for i in range(count + 1)]
    lows = [float(numpy.quantile(values[start:end], 0.1)) for start, end in itertools.pairwise(edges)]
    return max(lows) / min(lows) - 1 if min(lows) > 0 else 0.0


def _chance(m: int, n: int) -> int | None:
    """The largest number of reversed pairs that chance alone stays below once in a hundred times; None for none."""
    if min(m, n) >= _ENOUGH:
        spread = math.sqrt(m * n * (m + n + 1) / 12)
        return max(0, math.floor(m * n / 2 - statistics.NormalDist().inv_cdf(SURE) * spread))
    ways = _reversals(m, n)
    whole, below = sum(ways), 0
    for number, count in enumerate(ways):
        below += count
        if below > (1 - SURE) * whole:
            return number - 1 if number else None
    return None


def _reversals(m: int, n: int) -> list[int]:
    """In how many orders of `m` and `n` numbers there are 0, 1, 2, ... reversed pairs."""
    ways = [1] + [0] * (m * n)  # the coefficients of the product of (1 - q^(n + i)) / (1 - q^i)
    for i in range(1, m + 1):
        for k in range(m * n, n + i - 1, -1):
            ways[k] -= ways[k - n - i]
        for k in range(i, m * n + 1):
            ways[k] += ways[k - i]
    return ways


def least_median(values: Sequence[float], above: bool = True) -> float | None:
    """What the median of such numbers is at least, with 99 % certainty, or at most; None for fewer than seven."""
    count, chance = len(values), 0.0
    for number in range(count):
        chance += math.comb(count, number) / 2**count
        if chance > 1 - SURE:
            return sorted(values, reverse=not above)[number - 1] if number else None
    return None
