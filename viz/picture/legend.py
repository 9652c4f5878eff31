"""What the colours of a picture's boxes and arrows mean: of those that it has."""

from __future__ import annotations

import dataclasses

from viz.facts.schema import VARIABLES
from viz.geometry.graph import Graph
from viz.geometry.text_sizes import SMALL, text_width
from viz.picture.palette import Theme

__all__ = ["BESIDE", "ROW", "STATE", "SWATCH", "WORDS", "Sign", "signs"]

ROW, SWATCH = 20.0, 16.0  # the height of a row of signs, and the width of a box in one
STATE = "state"  # what an arrow says that brings no weights from one call of a layer to another, but its seed, say
_BETWEEN, BESIDE = 18.0, 6.0  # behind a sign, and between its box and its text
_WEIGHTS = ("parameter", "frozen")  # whose boxes say what the lines of shared ones are
WORDS = {
    "input": "input",
    "forward": "forward",
    "parameter": "weight",
    "frozen": "frozen weight",
    "state": "state",
    "update": "update",
    "backward": "backward",
    "metric": "metric",
    "data": "data",
    "network": "between ranks",
}


@dataclasses.dataclass
class Sign:
    """A colour and what it means, at a place counted from the left and the top of the legend.

    Attributes:
        text: what it means.
        fill, line: the colours of a box; without a fill it is a line.
        dashed: whether the box has a dashed border, as what comes from outside has, or the line is dashed, as that
            between an op and its gradient is.
        x, y: its left end, and the middle of its row.
    """

    text: str
    fill: str
    line: str
    dashed: bool = False
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        """Of its box, its text and the space behind."""
        return SWATCH + BESIDE + text_width(self.text, SMALL) + _BETWEEN


def signs(graph: Graph, theme: Theme, width: float) -> tuple[list[Sign], float, float]:
    """The signs of a picture, in rows no wider than `width` where that is enough; and how wide and high all are."""
    found, kinds = [Sign(text, fill, theme.frame) for fill, text in graph.legend], _kinds(graph, theme)
    found += [Sign(f"border: {kind.text}", theme.page, kind.line, kind.dashed) for kind in kinds] if found else kinds
    if any(edge.kind == "link" for edge in graph.edges) and len(found) > 1:
        found.append(Sign("an op and its gradient", "", theme.lines["link"], dashed=True))
    x, y, widest = 0.0, ROW / 2, 0.0
    for sign in found:
        if x and x + sign.width - _BETWEEN > width:
            x, y = 0.0, y + ROW
        sign.x, sign.y = x, y
        x += sign.width
        widest = max(widest, x - _BETWEEN)
    return found, widest, y + ROW / 2 + 4 if found else 0.0


def _kinds(graph: Graph, theme: Theme) -> list[Sign]:
    """The kinds of boxes, and of arrows without such a box; none where there is only one besides what is outside."""
    there = {node.phase for node in graph.nodes.values() if not node.error}
    meanings = WORDS | {"input": _given(graph)}
    found = [Sign(text, *theme.phases[phase], phase == "input") for phase, text in meanings.items() if phase in there]
    calls = [edge for edge in graph.edges if edge.kind == "parameter" and graph.nodes[edge.tail].kind != "parameter"]
    shared = {edge.label == STATE for edge in calls}
    if shared and there.isdisjoint(VARIABLES if shared == {True} else _WEIGHTS):
        words = "shared weights or state" if len(shared) > 1 else "shared state" if True in shared else "shared weights"
        found.append(Sign(words, "", theme.lines["parameter"]))  # from call to call
    return found if len(found) > ("input" in there) + 1 else []


def _given(graph: Graph) -> str:
    """What comes from outside: inputs, targets, and constants that the code makes, of which each picture has others."""
    there = {node.role for node in graph.nodes.values() if node.phase == "input"}
    return ", ".join([role for role in ("input", "target", "constant") if role in there]) or WORDS["input"]
