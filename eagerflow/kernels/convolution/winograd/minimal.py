"""The matrices of Winograd's minimal filtering F(m, 3): m outputs of three taps from m + 2 multiplications.

Y = A [(G g) * (B d)] for inputs d and taps g; along two axes each matrix is applied to both. Of larger tiles each
multiplication gives more outputs, but the last tile may reach far over the edge: which is better, the lengths decide.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy
from numpy import ndarray

__all__ = ["EXACT_TILE", "Minimal", "minimal", "tile_for"]

EXACT_TILE = 3  # outputs along an axis, with which fewer digits are lost


class Minimal(NamedTuple):
    """F(m x m, 3 x 3).

    Attributes:
        input: B, (m + 2, m + 2).
        output: A, (m, m + 2).
        back: B transposed.
        back_of_pair: (m, 2 (m + 2)): what a tile and the one before it give to the first m of its inputs.
        weight: G along both axes at once, ((m + 2)^2, 9).
        exact_weight: the same in float64.
    """

    input: Any
    output: ndarray
    back: Any
    back_of_pair: ndarray
    weight: Any
    exact_weight: Any


def _minimal(points: tuple[float, ...], tile: int) -> Minimal:
    """Of the outputs of a tile, at these points and infinity: polynomials multiplied by their values there."""
    count = len(points) + 1

    def powers(n: int) -> Any:
        return numpy.vstack([numpy.vander(points, n, increasing=True), numpy.eye(n)[-1]])

    b = numpy.linalg.inv(powers(count)).T
    scales = 2.0 ** numpy.round(numpy.log2(abs(b).sum(axis=1)))  # moved from B to G, without rounding
    b, g, a = b / scales[:, None], powers(3) * scales[:, None], powers(tile).T
    weight = numpy.kron(g, g)
    b, a = (numpy.ascontiguousarray(m, "float32") for m in (b, a))
    back, before = numpy.ascontiguousarray(b.T), numpy.zeros((tile, count), "float32")
    before[: count - tile] = back[tile:]
    return Minimal(b, a, back, numpy.hstack([before, back[:tile]]), weight.astype("float32"), weight)


# The points decide how many digits are lost. Small numbers with few bits, none of them far from 1, lose half as many
# as the usual 1, 2, -1, -2: they were searched for, by the largest error over many tiles.
_KNOWN = {3: _minimal((3 / 8, -3 / 8, 5 / 4, -5 / 4), 3), 4: _minimal((0, 5 / 8, -5 / 8, 3 / 2, -3 / 2), 4)}


def minimal(tile: int) -> Minimal:
    """The matrices for tiles of a number of outputs along an axis, one of those of `tile_for`."""
    return _KNOWN[tile]


def tile_for(outputs: tuple[int, ...]) -> int:
    """Outputs along an axis of the tiles that need the fewest multiplications for images of these lengths."""

    def multiplications(tile: int) -> int:
        rows, cols = (-(-n // tile) * (tile + 2) for n in outputs)
        return rows * cols

    return min(sorted(_KNOWN, reverse=True), key=multiplications)
