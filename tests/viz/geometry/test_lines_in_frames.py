"""An arrow between two boxes of a frame stays in it, where there is room, or would be if the frame were wider."""

from __future__ import annotations

import pytest

from tests.viz.picture.architectures import ALL
from viz.geometry import placement
from viz.geometry.placement import place


def outside(drawing) -> list[tuple[str, str]]:
    """The ends of arrows that leave a frame which both of them are in."""
    found, graph, placed = [], drawing.graph, place(drawing.graph, drawing.rankdir)
    for edge, way in zip(graph.edges, placed.ways, strict=True):
        around = [{*graph.around(graph.nodes[end].cluster)} for end in (edge.tail, edge.head)]
        for frame in [placed.layout.frames[id_] for id_ in around[0] & around[1]]:
            if any(
                not (frame.x <= x <= frame.x + frame.w and frame.y <= y <= frame.y + frame.h) for x, y in way.corners
            ):
                found.append((edge.tail, edge.head))
    return found


@pytest.mark.parametrize(
    ("name", "rankdir"), [("mobilenet", "TB"), ("mobilenet", "LR"), ("nested", "TB"), ("nested", "LR"), ("unet", "LR")]
)
def test_shortcuts_stay_in_the_frame_of_their_model(name, rankdir, monkeypatch):
    monkeypatch.setattr(placement, "in_columns", lambda *_: None)  # what leads on from column to column leaves them
    monkeypatch.setattr(placement, "_known", {})
    assert outside(ALL[name]()[0].draw(rankdir=rankdir)) == []
