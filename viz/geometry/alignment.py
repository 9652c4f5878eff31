"""How far right each unit of a layered graph stands: below what its arrows come from, so that these are straight.

The place that a unit would like is the median of its neighbours' (Gansner et al., 1993); units of a layer whose
wishes overlap share the mean of them (the pool of adjacent violators, as in isotonic regression).
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence

from viz.geometry.layer_order import Link

__all__ = ["aligned"]

_FREE = 0.01  # how much it counts that a unit without neighbours stays
_SETTLED = 1 / _FREE  # and one that has its place
_TRUNK = 1e6  # and that of a layer those stay from which the way goes on longest
_CLOSE = 0.01  # parts of the width of a unit that are one place
_WIDER, _AT_LEAST = 1.1, 100.0  # so much wider all may become for straight ways: a part of the width, and more

_Wish = tuple[float, float]  # a place, and how much it counts
_Neighbours = list[tuple[float, int, float]]  # where arrows meet a unit, the other units, and where they meet those


def aligned(
    layers: Sequence[Sequence[int]], widths: Sequence[float], links: Sequence[Link], gap: float
) -> dict[int, float]:
    """The left edge of each unit; all together are little wider than the widest layer must be, or no wider.

    Args:
        layers: the units of each layer, from left to right.
        widths: of all units.
        links: arrows between them; those that end at units of no layer don't count.
        gap: between neighbours, at least.

    The longest of the branches that leave a unit goes straight on, and so does what comes behind it, if that makes
    everything little wider. Else branches share the room.
    """
    spans = [sum([widths[unit] for unit in layer]) + gap * max(0, len(layer) - 1) for layer in layers]
    whole = max(spans, default=0.0)
    centred = dict[int, float]()
    for layer, span in zip(layers, spans):
        edges = itertools.accumulate([widths[unit] + gap for unit in layer], initial=float(round((whole - span) / 2)))
        centred.update(zip(layer, edges))
    around = _Around(layers, widths, links, gap)
    found = around.placed(centred, _weights(layers, around.below), None)
    first = min(found.values(), default=0.0)
    width = max([left + widths[unit] for unit, left in found.items()], default=0.0) - first
    if width <= _WIDER * whole + _AT_LEAST:
        return {unit: left - first for unit, left in found.items()}
    return around.placed(centred, None, whole + gap)


class _Around:
    """What each unit of layers has for neighbours."""

    def __init__(
        self, layers: Sequence[Sequence[int]], widths: Sequence[float], links: Sequence[Link], gap: float
    ) -> None:
        self.layers, self.widths, self.gap = layers, widths, gap
        self.layer_of = {unit: i for i, layer in enumerate(layers) for unit in layer}
        self.above: dict[int, _Neighbours] = {unit: [] for unit in self.layer_of}
        self.below: dict[int, _Neighbours] = {unit: [] for unit in self.layer_of}
        for a, b, begins, ends in links:
            if a in self.above and b in self.above and self.layer_of[a] != self.layer_of[b]:
                self.above[b].append((ends, a, begins))
                self.below[a].append((begins, b, ends))

    def placed(
        self, lefts: Mapping[int, float], weights: Mapping[int, float] | None, room: float | None
    ) -> dict[int, float]:
        """The left edges, begun with some, where units stand by their neighbours within a width.

        With weights, units stand by the nearest layer's neighbours above, and the heaviest below; without, by all.
        """
        found, above = dict(lefts), self.above
        loose = {unit: self.below[unit] if not above[unit] else [] for unit in found}
        if weights is not None:
            straight = {unit: self._straight_on(unit, given) for unit, given in above.items()}
            above = {unit: self._of_lowest(given) for unit, given in straight.items()}
            heaviest = {unit: max([weights[each[1]] for each in given], default=0.0) for unit, given in loose.items()}
            loose = {
                unit: [
                    (here, other, there)
                    for here, other, there in given
                    if weights[other] == heaviest[unit] and (there, unit, here) in straight[other]
                ]
                for unit, given in loose.items()
            }
            loose = {unit: self._of_highest(given) for unit, given in loose.items()}

        def settle(layer: Sequence[int], around: Mapping[int, _Neighbours], alone: float) -> None:
            wishes = []
            for unit in layer:
                ends = [
                    found[other] + there * self.widths[other] - here * self.widths[unit]
                    for here, other, there in around[unit]
                ]
                if not ends:
                    wishes.append((found[unit], alone))
                else:
                    wishes.append((statistics.median_low(ends), weights[unit] if weights else 1.0))
            spans = [self.widths[unit] + self.gap for unit in layer]
            found.update(zip(layer, _nearest(wishes, spans, room)))

        for layer in self.layers:
            settle(layer, above, _FREE)
        for layer in reversed(self.layers):
            if any(loose[unit] for unit in layer):
                settle(layer, loose, _SETTLED)
        return found

    def _of_lowest(self, given: _Neighbours) -> _Neighbours:
        """Those of the lowest layer: what passes more layers comes from a shorter branch."""
        lowest = max([self.layer_of[other] for _, other, _ in given], default=0)
        return [each for each in given if self.layer_of[each[1]] == lowest]

    def _of_highest(self, given: _Neighbours) -> _Neighbours:
        """Those of the highest layer: what is read soonest, if several ways lead on as long."""
        highest = min([self.layer_of[other] for _, other, _ in given], default=0)
        return [each for each in given if self.layer_of[each[1]] == highest]

    def _straight_on(self, unit: int, given: _Neighbours) -> _Neighbours:
        """Of arrows from one place to several branches within a frame, that whose branch goes straight on below it."""
        leaving = [here for here, _, _ in self.below[unit]]
        aside = [min([abs(here - each) for each in leaving], default=0.0) for here, _, _ in given]
        least: dict[tuple[int, float], float] = {}
        for (_, other, there), away in zip(given, aside):
            least[other, there] = min(away, least.get((other, there), away))
        return [each for each, away in zip(given, aside) if away - least[each[1:]] < _CLOSE]


def _weights(layers: Sequence[Sequence[int]], below: Mapping[int, _Neighbours]) -> dict[int, float]:
    """How much it counts what each unit wants: much for those from which the way leads on longest, layer by layer."""
    found, lengths = dict[int, float](), dict[int, int]()
    for layer, following in reversed([*zip(layers, [*layers[1:], ()])]):
        for unit in layer:
            lengths[unit] = 1 + max([lengths[other] for _, other, _ in below[unit] if other in following], default=0)
        longest = max([lengths[unit] for unit in layer], default=0)
        found |= {unit: _TRUNK if lengths[unit] == longest else 1.0 for unit in layer}
    return found


def _nearest(wishes: Sequence[_Wish], widths: Sequence[float], whole: float | None) -> list[float]:
    """Left edges as near to what is wished for as neighbours and the borders let: those that overlap share a place."""
    before = list(itertools.accumulate(widths, initial=0.0))
    blocks: list[tuple[float, list[_Wish]]] = []  # what units that stand close wish for as the place of the first
    for (place, weight), left in zip(wishes, before):
        block = [(place - left, weight)]
        while blocks and blocks[-1][0] >= _mean(block):
            block = blocks.pop()[1] + block
        blocks.append((_mean(block), block))
    found: list[float] = []
    for shared, block in blocks:
        shift = float(round(shared))
        if whole is not None:
            shift = min(max(0.0, shift), float(int(whole - before[-1])))
        found += [shift + before[len(found) + k] for k in range(len(block))]
    return found


def _mean(wishes: Sequence[_Wish]) -> float:
    return sum([place * weight for place, weight in wishes]) / sum([weight for _, weight in wishes])
