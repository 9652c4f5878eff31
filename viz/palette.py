"""Colours that people with any kind of colour vision can tell apart, on a light ground.

Lines are the colours of Okabe and Ito (2008), darkened where they must carry text; fills are tints of them.
Kinds differ in shape as well.
"""

from __future__ import annotations

from viz.graph import Node

__all__ = ["ERROR", "FRAME", "FRAMES", "INK", "LINES", "MUTED", "fill_and_line"]

INK, MUTED, FRAME = "#1b2733", "#5b6770", "#c3cbd3"
ERROR = ("#ffd9d2", "#b3261e")

_PHASES = {
    "forward": ("#dcebf7", "#0072b2"),
    "backward": ("#fde4d3", "#c15100"),
    "update": ("#d8f0e6", "#00805c"),
    "metric": ("#ece6f3", "#7a5195"),
    "data": ("#e9eef2", "#5b6770"),
    "parameter": ("#fdf3c4", "#a68a00"),
    "state": ("#f4f0dc", "#8a8364"),
    "input": ("#eef1f4", "#5b6770"),
}
LINES = {
    "data": "#0072b2",
    "gradient": "#c15100",
    "parameter": "#a68a00",
    "update": "#00805c",
    "link": "#9aa5af",
}
FRAMES = ("#f7f9fb", "#ffffff")  # fills of frames, by depth in turn
_HEAT = ((255, 255, 255), (253, 231, 180), (244, 160, 92), (200, 62, 40))


def fill_and_line(node: Node) -> tuple[str, str]:
    """The colours of a box."""
    if node.error:
        return ERROR
    fill, line = _PHASES.get(node.phase, _PHASES["forward"])
    return (fill if node.heat is None else _heat(node.heat)), line


def _heat(share: float) -> str:
    """White to red for 0 to 1; the square root shows small shares too."""
    at = max(0.0, min(1.0, share)) ** 0.5 * (len(_HEAT) - 1)
    low = min(int(at), len(_HEAT) - 2)
    mixed = [round(a + (b - a) * (at - low)) for a, b in zip(_HEAT[low], _HEAT[low + 1])]
    return "#{:02x}{:02x}{:02x}".format(*mixed)
