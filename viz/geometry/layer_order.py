"""The order of what stands side by side, so that few arrows cross (Sugiyama, Tagawa and Toda, 1981).

An arrow that passes layers takes a place in each of them, so that it is counted where it crosses others.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence

__all__ = ["depths", "in_order"]

_SWEEPS = 8
_MOST_PLACES = 4000  # that long arrows take in layers; with more, only their ends count


def depths(firsts: Sequence[bool], links: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each unit: below all that it depends on; inputs right above what reads them first.

    Args:
        firsts: for each unit, is it an input?
        links: pairs of units, the one that runs first ahead.
    """
    found = [0] * len(firsts)
    for a, b in sorted(links, key=lambda link: link[1]):
        found[b] = max(found[b], found[a] + 1)
    for i, first in enumerate(firsts):
        readers = [found[b] for a, b in links if a == i] if first else ()
        if readers:
            found[i] = min(readers) - 1
    return found


def in_order(layer_of: Sequence[int], links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The units of each layer, from left to right.

    Args:
        layer_of: the layer of each unit.
        links: pairs of units that an arrow joins, the upper one ahead.
    """
    layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for unit, layer in enumerate(layer_of):
        layers[layer].append(unit)
    if all(len(layer) < 2 for layer in layers):
        return layers
    steps = _with_passing(layers, layer_of, links)
    best = _untangled(layers, steps)
    return [[unit for unit in layer if unit < len(layer_of)] for layer in best]


def _with_passing(
    layers: list[list[int]], layer_of: Sequence[int], links: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Links from each layer to the next, by way of new places in the layers between."""
    steps, count = [], len(layer_of)
    long = sum([layer_of[b] - layer_of[a] - 1 for a, b in links]) <= _MOST_PLACES
    for a, b in links:
        last = a
        for layer in range(layer_of[a] + 1, layer_of[b]) if long else ():
            layers[layer].append(count)
            steps.append((last, count))
            last, count = count, count + 1
        if layer_of[a] < layer_of[b]:
            steps.append((last, b))
    return steps


def _untangled(layers: list[list[int]], steps: list[tuple[int, int]]) -> list[list[int]]:
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for a, b in steps:
        above.setdefault(b, []).append(a)
        below.setdefault(a, []).append(b)
    place = {unit: float(i) for layer in layers for i, unit in enumerate(layer)}
    best, least = [list(layer) for layer in layers], _crossings(layers, below)
    for sweep in range(_SWEEPS if least else 0):
        neighbours = below if sweep % 2 else above
        for layer in layers[::-1] if sweep % 2 else layers:
            means = {}
            for unit in layer:
                around = [place[n] for n in neighbours.get(unit, ())]
                means[unit] = sum(around) / len(around) if around else place[unit]
            layer.sort(key=means.__getitem__)
            place.update({unit: float(i) for i, unit in enumerate(layer)})
        count = _crossings(layers, below)
        if count < least:
            best, least = [list(layer) for layer in layers], count
    return best


def _crossings(layers: Sequence[Sequence[int]], below: dict[int, list[int]]) -> int:
    """How many pairs of links cross each other."""
    count = 0
    for layer, following in itertools.pairwise(layers):
        place = {unit: i for i, unit in enumerate(following)}
        seen: list[int] = []
        for unit in layer:
            ends = [place[n] for n in below.get(unit, ()) if n in place]
            count += sum([len(seen) - bisect.bisect_right(seen, end) for end in ends])
            for end in ends:
                bisect.insort(seen, end)
    return count
