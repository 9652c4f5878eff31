"""Another direction than downwards: what was laid out for it downwards is turned round.

Across, boxes were laid out as high as they are wide (`arrange(across=True)`), so they have their own size again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from viz.geometry.edge_routes import Point, Route
from viz.geometry.places import Layout, Rect

__all__ = ["ACROSS", "turned"]

ACROSS = ("LR", "RL")


def turned(layout: Layout, ways: Sequence[Route], rankdir: str) -> tuple[Layout, list[Route]]:
    """A layout that leads downwards, and ways over it, in another direction; themselves for `"TB"`.

    >>> from viz.geometry.places import Layout, Rect
    >>> turned(Layout({"a": Rect(10, 20, 30, 40)}, width=100, height=200), [], "LR")[0].nodes["a"]
    Rect(x=20, y=10, w=40, h=30)
    """
    if rankdir == "TB":
        return layout, list(ways)
    across, backwards = rankdir in ACROSS, rankdir in ("BT", "RL")
    end = layout.height

    def point(at: Point) -> Point:
        x, y = at[0], end - at[1] if backwards else at[1]
        return (y, x) if across else (x, y)

    def rect(at: Rect) -> Rect:
        x, y = at.x, end - at.y - at.h if backwards else at.y
        return Rect(y, x, at.h, at.w) if across else Rect(x, y, at.w, at.h)

    made = _of_rects(layout, rect)
    made.width, made.height = (layout.height, layout.width) if across else (layout.width, layout.height)
    return made, [Route([point(corner) for corner in way.corners]) for way in ways]


def _of_rects(layout: Layout, rect: Callable[[Rect], Rect]) -> Layout:
    return Layout(
        {id_: rect(at) for id_, at in layout.nodes.items()},
        {id_: rect(at) for id_, at in layout.frames.items()},
        {id_: dataclasses.replace(title, at=rect(title.at)) for id_, title in layout.titles.items()},
    )
