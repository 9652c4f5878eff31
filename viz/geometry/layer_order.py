"""The order of what stands side by side, so that few arrows cross (Sugiyama, Tagawa and Toda, 1981).

An arrow that passes layers takes a place in each of them, so that it is counted where it crosses others. Where in
a unit an arrow begins or ends counts too: a frame's left box is left of its right one, whatever stands beside it.
Barycentre sweeps are followed by swaps of neighbours, from the order given and from its mirror image.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Link", "depths", "in_order", "passing"]

_SWEEPS = 8
_SWAPS = _SWEEPS // 2  # rounds of swaps of neighbours, after each sweep
_MOST_PLACES = 4000  # that long arrows take in layers; with more, only their ends count

_Ends = tuple[list[float], list[float]]  # of a unit's arrows, above it and below it


class Link(NamedTuple):
    """An arrow from one unit to another below it, and where it begins and ends in them: 0 is left, 1 is right."""

    upper: int
    lower: int
    begins: float = 0.5
    ends: float = 0.5


def depths(firsts: Sequence[bool], links: Sequence[Link], waits: bool = False) -> list[int]:
    """The layer of each unit: below all that it depends on; inputs right above what reads them first.

    Args:
        firsts: for each unit, is it an input?
        links: arrows between them, the unit that runs first ahead.
        waits: whether what depends on inputs alone, and what follows only that, stands as low as its readers let: a
            network stands beside its second call then, if only that one waits for something.
    """
    found = [0] * len(firsts)
    for link in sorted(links, key=lambda link: link.lower):
        found[link.lower] = max(found[link.lower], found[link.upper] + 1)
    if waits:
        _lowered(found, firsts, links)
    for i, first in enumerate(firsts):
        readers = [found[link.lower] for link in links if link.upper == i] if first else ()
        if readers:
            found[i] = min(readers) - 1
    return found


def _lowered(found: list[int], firsts: Sequence[bool], links: Sequence[Link]) -> None:
    """Moves branches that begin at inputs down to what reads them, each as a whole."""
    makers: list[set[int]] = [set() for _ in firsts]
    readers: list[set[int]] = [set() for _ in firsts]
    for link in links:
        readers[link.upper].add(link.lower)
        if not firsts[link.upper]:
            makers[link.lower].add(link.upper)
    is_own: list[bool] = []  # is it such a branch, or a part of one?
    for i, first in enumerate(firsts):
        is_own.append(not first and all(is_own[maker] and len(readers[maker]) == 1 for maker in makers[i]))
    for i in reversed(range(len(firsts))):
        if is_own[i] and readers[i]:
            found[i] = max(found[i], min(found[reader] for reader in readers[i]) - 1)


def passing(layer_of: Sequence[int], links: Sequence[Link]) -> int:
    """How many links pass the same layer at most.

    Args:
        layer_of: the layer of each unit.
        links: arrows between them, the upper unit ahead.
    """
    counts = [0] * (max(layer_of, default=0) + 1)
    for a, b in {(link.upper, link.lower) for link in links}:
        for layer in range(layer_of[a] + 1, layer_of[b]):
            counts[layer] += 1
    return max(counts)


def in_order(layer_of: Sequence[int], links: Sequence[Link]) -> list[list[int]]:
    """The units of each layer, from left to right.

    Args:
        layer_of: the layer of each unit.
        links: arrows between them, the upper unit ahead.
    """
    best = _with_places(tuple(layer_of), tuple(links))
    return [[unit for unit in layer if unit < len(layer_of)] for layer in best]


@functools.lru_cache(maxsize=256)
def _with_places(layer_of: tuple[int, ...], links: tuple[Link, ...]) -> list[list[int]]:
    """The order with passing places; it is the same with more room for arrows."""
    layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for unit, layer in enumerate(layer_of):
        layers[layer].append(unit)
    if all(len(layer) < 2 for layer in layers):
        return layers
    steps = _with_passing(layers, layer_of, links)
    best, least = layers, _Order(layers, steps).crossings()
    for start in (layers, [layer[::-1] for layer in layers]):
        if not least:
            break
        found, count = _Order(start, steps).untangled()
        if count < least:
            best, least = found, count
    return best


def _with_passing(layers: list[list[int]], layer_of: Sequence[int], links: Sequence[Link]) -> list[Link]:
    """Links from each layer to the next, by way of new places in the layers between."""
    steps, count = [], len(layer_of)
    long = sum([layer_of[b] - layer_of[a] - 1 for a, b, *_ in links]) <= _MOST_PLACES
    for a, b, begins, ends in links:
        last, out = a, begins
        for layer in range(layer_of[a] + 1, layer_of[b]) if long else ():
            layers[layer].append(count)
            steps.append(Link(last, count, out))
            last, out, count = count, 0.5, count + 1
        if layer_of[a] < layer_of[b]:
            steps.append(Link(last, b, out, ends))
    return steps


class _Order:
    """An order of the units of each layer, and what there is to make it better."""

    def __init__(self, layers: Sequence[Sequence[int]], steps: list[Link]) -> None:
        self.steps, self.rows = steps, [list(layer) for layer in layers]
        self.place = dict[int, int]()
        self._number(*self.rows)
        layer_of = {unit: i for i, layer in enumerate(self.rows) for unit in layer}
        self.steps_of: list[list[Link]] = [[] for _ in self.rows]  # those that begin in each layer
        for step in steps:
            self.steps_of[layer_of[step.upper]].append(step)
        # Of each unit: where its arrows meet it, the units at their other ends, and where they meet those.
        self.above: dict[int, list[tuple[float, int, float]]] = {unit: [] for unit in self.place}
        self.below: dict[int, list[tuple[float, int, float]]] = {unit: [] for unit in self.place}
        for upper, lower, begins, ends in steps:
            self.above[lower].append((ends, upper, begins))
            self.below[upper].append((begins, lower, ends))

    def layers(self) -> list[list[int]]:
        return [list(layer) for layer in self.rows]

    def untangled(self) -> tuple[list[list[int]], int]:
        """The best order that sweeps and swaps find, and its crossings."""
        best, least = self.layers(), self.crossings()
        for sweep in range(_SWEEPS):
            for layer in self.rows[::-1] if sweep % 2 else self.rows:
                self._by_means(layer, self.below if sweep % 2 else self.above)
            self._swap()
            count = self.crossings()
            if count < least:
                best, least = self.layers(), count
            if not least:
                break
        return best, least

    def _by_means(self, layer: list[int], around: dict[int, list[tuple[float, int, float]]]) -> None:
        """Order a layer by where the neighbours of its units are on average."""
        means = {}
        for unit in layer:
            ends = [self.place[other] + there - here for here, other, there in around[unit]]
            means[unit] = sum(ends) / len(ends) if ends else self.place[unit]
        layer.sort(key=means.__getitem__)
        self._number(layer)

    def _number(self, *layers: list[int]) -> None:
        """Note the places of the units of some layers."""
        for layer in layers:
            self.place.update(zip(layer, range(len(layer))))

    def _swap(self) -> None:
        """Swap neighbours as long as that removes crossings."""
        moved = {*range(len(self.rows))}
        for _ in range(_SWAPS):
            near = {at + k for at in moved for k in (-1, 0, 1)}  # for others nothing has changed since
            moved = set()
            for at, layer in enumerate(self.rows):
                if (at in near or at - 1 in moved) and self._swap_in(layer):
                    moved.add(at)
            if not moved:
                break

    def _swap_in(self, layer: list[int]) -> bool:
        """Swap neighbours of a layer that cross less then; whether there are any."""
        swapped = False
        ends = [(self._ends(self.above[unit]), self._ends(self.below[unit])) for unit in layer if len(layer) > 1]
        for i in range(len(layer) - 1):
            if _saved(ends[i], ends[i + 1]) > 0:
                layer[i], layer[i + 1] = layer[i + 1], layer[i]
                ends[i], ends[i + 1] = ends[i + 1], ends[i]
                swapped = True
        if swapped:
            self._number(layer)
        return swapped

    def _ends(self, around: list[tuple[float, int, float]]) -> list[float]:
        """Where the arrows of a unit end in the layer above or below, from left to right."""
        place = self.place
        if len(around) == 1:  # as of all that pass a layer
            return [place[around[0][1]] + around[0][2]]
        return sorted([place[other] + there for _, other, there in around])

    def crossings(self) -> int:
        """How many pairs of links cross each other."""
        count, place = 0, self.place
        for row in self.steps_of:
            lower_ends: list[float] = []
            for _, end in sorted([(place[upper] + begins, place[lower] + ends) for upper, lower, begins, ends in row]):
                count += len(lower_ends) - bisect.bisect_right(lower_ends, end)  # none of those that begin with it
                bisect.insort(lower_ends, end)
        return count


def _saved(left: _Ends, right: _Ends) -> int:
    """How many fewer arrows cross if two neighbours, with where their arrows end above and below, change places."""
    count = 0
    for ends, others in zip(left, right):
        for end in ends:
            count += bisect.bisect_left(others, end) - len(others) + bisect.bisect_right(others, end)
    return count
