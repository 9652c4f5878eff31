"""How far right each unit of a layered graph stands: below what its arrows come from, so that these are straight.

The place that a unit would like is the median of its neighbours' (Gansner et al., 1993); units of a layer whose
wishes overlap share the mean of them (the pool of adjacent violators, as in isotonic regression).
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

from viz.geometry.layer_order import Link

__all__ = ["aligned"]

_FREE, _SETTLED = 0.01, 100.0  # how much it counts that a unit without neighbours, and one that has its place, stay


def aligned(
    layers: Sequence[Sequence[int]], widths: Sequence[float], links: Sequence[Link], gap: float
) -> dict[int, float]:
    """The left edge of each unit; no layer is wider than the widest must be.

    Args:
        layers: the units of each layer, from left to right.
        widths: of all units.
        links: arrows between them; those that end at units of no layer don't count.
        gap: between neighbours, at least.
    """
    spans = [sum([widths[unit] for unit in layer]) + gap * max(0, len(layer) - 1) for layer in layers]
    whole = max(spans, default=0.0)
    lefts = dict[int, float]()
    for layer, span in zip(layers, spans):
        edges = itertools.accumulate([widths[unit] + gap for unit in layer], initial=float(round((whole - span) / 2)))
        lefts.update(zip(layer, edges))
    layer_of = {unit: i for i, layer in enumerate(layers) for unit in layer}
    above: dict[int, list[tuple[float, int, float]]] = {unit: [] for unit in lefts}
    below: dict[int, list[tuple[float, int, float]]] = {unit: [] for unit in lefts}
    for a, b, begins, ends in links:
        if a in lefts and b in lefts and layer_of[a] != layer_of[b]:
            above[b].append((ends, a, begins))
            below[a].append((begins, b, ends))

    def settle(layer: Sequence[int], around: dict[int, list[tuple[float, int, float]]], weight: float) -> None:
        wishes = []
        for unit in layer:
            ends = [lefts[other] + there * widths[other] - here * widths[unit] for here, other, there in around[unit]]
            wishes.append((statistics.median_low(ends), 1.0) if ends else (lefts[unit], weight))
        lefts.update(zip(layer, _nearest(wishes, [widths[unit] + gap for unit in layer], whole + gap)))

    for layer in layers:
        settle(layer, above, _FREE)
    loose = {unit: below[unit] if not above[unit] else [] for unit in lefts}
    for layer in reversed(layers):
        if any(loose[unit] for unit in layer):
            settle(layer, loose, _SETTLED)
    return lefts


def _nearest(wishes: Sequence[tuple[float, float]], widths: Sequence[float], whole: float) -> list[float]:
    """Left edges as near to what is wished for (a place and its weight each) as neighbours and the borders let."""
    before = list(itertools.accumulate(widths, initial=0.0))
    blocks: list[tuple[float, float, int]] = []  # the weighted sum of wishes, their weight, and how many units
    for (place, weight), left in zip(wishes, before):
        total, heavy, count = (place - left) * weight, weight, 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / heavy:
            other, more, units = blocks.pop()
            total, heavy, count = total + other, heavy + more, count + units
        blocks.append((total, heavy, count))
    found: list[float] = []
    for total, heavy, count in blocks:
        shift = min(max(0.0, float(round(total / heavy))), float(int(whole - before[-1])))
        found += [shift + before[len(found) + k] for k in range(count)]
    return found
