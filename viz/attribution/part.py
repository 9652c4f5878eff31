"""What was found for one input."""

from __future__ import annotations

import dataclasses

import numpy

from viz.doctor import thresholds as limits

__all__ = ["Part"]


@dataclasses.dataclass
class Part:
    """What was found for one input, or for the vectors that an embedding made of it."""

    name: str  # the input's name, or the embedding's
    kind: str  # `"picture"`, `"series"`, `"tokens"`, `"numbers"` or `"volume"`
    data: numpy.ndarray  # the numbers that were explained
    ids: numpy.ndarray | None  # for tokens, what was looked up
    values: numpy.ndarray  # what was found for each number (grad-CAM: for each place of the layer)
    places: numpy.ndarray  # one number for each place of the input
    method: str  # how it was found

    @property
    def sizes_alone(self) -> bool:
        """Whether the places say how much, but not in which direction: norms of gradients over several channels."""
        return self.method == "gradient" and self.places.size < self.values.size

    @property
    def signed(self) -> bool:
        """Whether the places speak for and against."""
        return bool((self.places < 0).any())

    def strongest(self, row: int) -> str:
        """The places with the largest numbers, as text."""
        found = self.places[row]
        flat = numpy.nan_to_num(numpy.abs(numpy.atleast_1d(found))).reshape(-1)
        order = numpy.argsort(-flat, kind="stable")[: limits.NAMED]
        sign = "" if self.sizes_alone else "+"
        shown = [
            f"{self._place(found.shape, row, int(at))} {found.reshape(-1)[at]:{sign}.3g}"
            for at in order
            if flat[at] > 0
        ]
        return f"{self.name}: {', '.join(shown) or 'none'}"

    def _place(self, shape: tuple[int, ...], row: int, at: int) -> str:
        if not shape:
            return "all"
        where = ",".join([str(int(i)) for i in numpy.unravel_index(at, shape)])
        token = "" if self.ids is None or self.ids[row].size != len(self.places[row].reshape(-1)) else self.ids[row]
        return f"[{where}]" + ("" if isinstance(token, str) else f" (token {token.reshape(-1)[at]:.0f})")
