"""The matrices of Winograd's minimal filtering F(m, 3): m outputs of three taps from m + 2 multiplications.

Y = A [(G g) * (B d)] for inputs d and taps g; along two axes each matrix is applied to both. Of larger tiles each
multiplication gives more outputs, but the last tile may reach far over the edge: which is better, the lengths decide.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

__all__ = ["Minimal", "minimal", "tile_for"]


class Minimal(NamedTuple):
    """F(m x m, 3 x 3).

    Attributes:
        input: B, (m + 2, m + 2).
        output: A, (m, m + 2).
        back: B transposed.
        weight: G along both axes at once, ((m + 2)^2, 9).
    """

    input: Any
    output: Any
    back: Any
    weight: Any


def _minimal(b: Any, a: Any, g: Any) -> Minimal:
    weight = numpy.kron(*[numpy.array(g, "float64")] * 2).astype("float32")
    b, a = numpy.array(b, "float32"), numpy.array(a, "float32")
    return Minimal(b, a, numpy.ascontiguousarray(b.T), weight)


_KNOWN = {
    3: _minimal(  # at the points 0, 1, -1, 2 and infinity
        [[2, -1, -2, 1, 0], [0, -2, -1, 1, 0], [0, 2, -3, 1, 0], [0, -1, 0, 1, 0], [0, 2, -1, -2, 1]],
        [[1, 1, 1, 1, 0], [0, 1, -1, 2, 0], [0, 1, 1, 4, 1]],
        [[1 / 2, 0, 0], [-1 / 2, -1 / 2, -1 / 2], [-1 / 6, 1 / 6, -1 / 6], [1 / 6, 1 / 3, 2 / 3], [0, 0, 1]],
    ),
    4: _minimal(  # at the points 0, 1, -1, 2, -2 and infinity
        [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
         [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
        [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
         [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]],
    ),
}  # fmt: skip


def minimal(tile: int) -> Minimal:
    """The matrices for tiles of so many outputs along an axis, one of those of `tile_for`."""
    return _KNOWN[tile]


def tile_for(outputs: tuple[int, ...]) -> int:
    """Outputs along an axis of the tiles that need the fewest multiplications for images of these lengths."""

    def multiplications(tile: int) -> int:
        rows, cols = (-(-n // tile) * (tile + 2) for n in outputs)
        return rows * cols

    return min(sorted(_KNOWN, reverse=True), key=multiplications)
