"""Colours that people with any kind of colour vision can tell apart, on a light or a dark ground.

Lines are the colours of Okabe and Ito (2008), darkened or lightened where they must carry text; fills are tints or
shades of them. Kinds differ in shape as well.
"""

from __future__ import annotations

import dataclasses
import functools

from viz.geometry.graph import Graph, Node

__all__ = ["DARK", "LIGHT", "THEMES", "Theme", "fill_and_line", "heat", "ink_on", "inks", "ramp"]
__all__ += ["theme_named", "theme_of"]

_SHADES = 48
Color = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Theme:
    """The colours of a picture.

    Attributes:
        page: the ground.
        ink, muted: text, and text that matters less.
        frame: lines of frames.
        frames: fills of frames, by depth in turn.
        phases: fill and line of a box, by phase.
        lines: arrows, by kind.
        error: fill and line of the box that failed.
        heat: from nothing to the most.
        cool: the same of what became less, beside `heat` of what became more.
        plain: fill of a box that a colouring says nothing about.
        kinds: fills of boxes that differ in kind, such as in type.
        flaw, origin: fills of boxes with non-finite elements, and of the one where they came from.
    """

    page: str
    ink: str
    muted: str
    frame: str
    frames: tuple[str, str]
    phases: dict[str, tuple[str, str]]
    lines: dict[str, str]
    error: tuple[str, str]
    heat: tuple[Color, ...]
    cool: tuple[Color, ...]
    plain: str
    kinds: tuple[str, ...]
    flaw: str
    origin: str


LIGHT = Theme(
    page="white",
    ink="#1b2733",
    muted="#5b6770",
    frame="#c3cbd3",
    frames=("#f7f9fb", "#ffffff"),
    phases={
        "forward": ("#dcebf7", "#0072b2"),
        "backward": ("#fde4d3", "#c15100"),
        "update": ("#d8f0e6", "#00805c"),
        "metric": ("#ece6f3", "#7a5195"),
        "data": ("#e9eef2", "#5b6770"),
        "network": ("#fbe3ea", "#b0305c"),
        "parameter": ("#fdf3c4", "#a68a00"),
        "frozen": ("#c6e7ea", "#1f7a86"),
        "state": ("#f4f0dc", "#8a8364"),
        "input": ("#eef1f4", "#5b6770"),
    },
    lines={"data": "#0072b2", "gradient": "#c15100", "parameter": "#a68a00", "update": "#00805c", "link": "#9aa5af"},
    error=("#ffd9d2", "#b3261e"),
    heat=((255, 255, 255), (253, 231, 180), (244, 160, 92), (226, 96, 70)),
    cool=((255, 255, 255), (205, 235, 226), (120, 196, 172), (46, 150, 120)),
    plain="#eef1f4",
    kinds=("#cfe5f5", "#fbd9bd", "#c9ecdd", "#f2dbe9", "#fbf0b2", "#e2e0f5", "#d9d9d9", "#d2f0f7"),
    flaw="#f6b98a",
    origin="#e4644c",
)
DARK = Theme(
    page="#12181f",
    ink="#e8edf2",
    muted="#9fb0bf",
    frame="#3f4d5a",
    frames=("#18212a", "#1f2a35"),
    phases={
        "forward": ("#123a55", "#56b4e9"),
        "backward": ("#54290c", "#f28e43"),
        "update": ("#0c4234", "#3ecf9f"),
        "metric": ("#3b2a4d", "#c39be0"),
        "data": ("#2a343d", "#9fb0bf"),
        "network": ("#4f1a30", "#f08bb0"),
        "parameter": ("#4a3f08", "#e6c84a"),
        "frozen": ("#14414a", "#7fd0dc"),
        "state": ("#3d3a26", "#bdb487"),
        "input": ("#28323b", "#9fb0bf"),
    },
    lines={"data": "#56b4e9", "gradient": "#f28e43", "parameter": "#d9bd45", "update": "#3ecf9f", "link": "#6d7d8b"},
    error=("#5c1a14", "#ff8a7a"),
    heat=((31, 42, 53), (84, 62, 30), (168, 92, 32), (240, 140, 66)),
    cool=((31, 42, 53), (20, 66, 58), (28, 116, 94), (62, 180, 138)),
    plain="#28323b",
    kinds=("#16466a", "#6a3812", "#0f5441", "#5f2b4b", "#5b4d0a", "#37336b", "#464646", "#0e4d5a"),
    flaw="#8a4a12",
    origin="#e4644c",
)
THEMES = {"light": LIGHT, "dark": DARK}


def theme_named(theme: str) -> Theme:
    """The theme of that name.

    Raises:
        ValueError: for another name than `"light"` and `"dark"`.
    """
    if theme not in THEMES:
        raise ValueError(f"theme={theme!r}: expected one of {', '.join(map(repr, THEMES))}")
    return THEMES[theme]


def theme_of(graph: Graph) -> Theme:
    """The theme of a picture."""
    return THEMES[graph.theme]


def fill_and_line(node: Node, theme: Theme = LIGHT) -> tuple[str, str]:
    """The colours of a box."""
    if node.error:
        return theme.error
    fill, line = theme.phases.get(node.phase, theme.phases["forward"])
    if node.fill:
        return node.fill, line
    return (fill if node.heat is None else heat(node.heat, theme)), line


def heat(share: float, theme: Theme) -> str:
    """The colour for a share from 0 to 1; the square root shows small shares too."""
    return ramp(theme.heat)[int(max(0.0, min(1.0, share)) ** 0.5 * _SHADES + 0.5)]


@functools.cache
def ramp(colors: tuple[Color, ...]) -> list[str]:
    """All shades of a theme's `heat` or `cool`, in equal steps of the share's square root."""
    found = []
    for step in range(_SHADES + 1):
        at = step / _SHADES * (len(colors) - 1)
        low = min(int(at), len(colors) - 2)
        mixed = [round(a + (b - a) * (at - low)) for a, b in zip(colors[low], colors[low + 1])]
        found.append("#{:02x}{:02x}{:02x}".format(*mixed))
    return found


def inks(theme: Theme) -> dict[str, str]:
    """The ink for each fill that a box may have."""
    plain = [theme.plain, theme.flaw, theme.origin, theme.error[0], *theme.kinds]
    fills = [*plain, *ramp(theme.heat), *ramp(theme.cool), *[fill for fill, _ in theme.phases.values()]]
    return {fill: ink_on(fill) for fill in fills}


def ink_on(fill: str) -> str:
    """The ink, dark or light, that stands out more from a fill."""
    dark, light = _luminance(LIGHT.ink), _luminance(DARK.ink)
    ground = _luminance(fill)
    on_dark = (max(ground, dark) + 0.05) / (min(ground, dark) + 0.05)
    on_light = (max(ground, light) + 0.05) / (min(ground, light) + 0.05)
    return LIGHT.ink if on_dark >= on_light else DARK.ink


def _luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
