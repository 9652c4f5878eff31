"""Another direction than downwards: what was laid out for it downwards is turned round.

Across, boxes were laid out as high as they are wide (`arrange(across=True)`), so they have their own size again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

from viz.geometry.edge_routes import Point, Route
from viz.geometry.places import Layout, Piece, Rect

__all__ = ["ACROSS", "Turning", "each_rect", "turned"]

ACROSS = ("LR", "RL")


class Turning(NamedTuple):
    """How what leads downwards, as far as `end`, is turned to lead in another direction, and back."""

    rankdir: str
    end: float

    def rect(self, at: Rect) -> Rect:
        """Where a rectangle is then."""
        y = self.end - at.y - at.h if self.rankdir in ("BT", "RL") else at.y
        return Rect(y, at.x, at.h, at.w) if self.rankdir in ACROSS else Rect(at.x, y, at.w, at.h)

    def point(self, at: Point) -> Point:
        """Where a point is then."""
        found = self.rect(Rect(*at, 0.0, 0.0))
        return found.x, found.y

    def back(self, at: Rect) -> Rect:
        """Where a rectangle was before."""
        x, y, w, h = (at.y, at.x, at.h, at.w) if self.rankdir in ACROSS else (at.x, at.y, at.w, at.h)
        return Rect(x, self.end - y - h if self.rankdir in ("BT", "RL") else y, w, h)


def turned(layout: Layout, ways: Sequence[Route], rankdir: str) -> tuple[Layout, list[Route]]:
    """A layout that leads downwards, and ways over it, in another direction; themselves for `"TB"`.

    >>> from viz.geometry.places import Layout, Rect
    >>> turned(Layout({"a": Rect(10, 20, 30, 40)}, width=100, height=200), [], "LR")[0].nodes["a"]
    Rect(x=20, y=10, w=40, h=30)
    """
    if rankdir == "TB":
        return layout, list(ways)
    turning = Turning(rankdir, layout.height)
    made = each_rect(layout, turning.rect)
    made.width, made.height = (layout.height, layout.width)[:: 1 if rankdir in ACROSS else -1]
    return made, [Route([turning.point(corner) for corner in way.corners]) for way in ways]


def each_rect(layout: Layout, rect: Callable[[Rect], Rect]) -> Layout:
    """A layout with a function of each of its rectangles in their places, whose size isn't known."""
    return Layout(
        {id_: rect(at) for id_, at in layout.nodes.items()},
        {id_: rect(at) for id_, at in layout.frames.items()},
        {id_: dataclasses.replace(title, at=rect(title.at)) for id_, title in layout.titles.items()},
        pieces={
            id_: [
                Piece(rect(piece.at), piece.title and dataclasses.replace(piece.title, at=rect(piece.title.at)))
                for piece in pieces
            ]
            for id_, pieces in layout.pieces.items()
        },
    )
