"""One picture for light and for dark notebooks: its colours follow what is around it."""

from __future__ import annotations

import base64
import dataclasses
import re
import xml.etree.ElementTree as ET

from viz.facts.text_table import wide
from viz.geometry.graph import Graph
from viz.picture.palette import DARK, LIGHT, ramp
from viz.picture.rendering.tooltips import Tooltip, size, tooltips
from viz.picture.svg_document import attribute

__all__ = ["darkened", "on_any_ground", "where_grounds_are"]

_CLASS = "eagerflow-picture"
_LEAST = 0.75  # of its size: with less, the words in a picture can hardly be read
_TITLE = re.compile(r"<title>[^<]*</title>")
_COLOR = re.compile(r'(?<=[\s;"])((?:fill|stroke|stop-color|color|background)(?:="|:))(#[0-9a-fA-F]{6}|white)(?=[";])')
# How JupyterLab (and what nbconvert makes of it), VS Code, Colab and a documentation site say that they are dark, and
# that they are light, which they may be where the system is dark.
_DARK = (
    '[data-jp-theme-light="false"]',
    ".vscode-dark",
    ".vscode-high-contrast:not(.vscode-high-contrast-light)",
    'html[theme="dark"]',
    'html[data-theme="dark"]',
)
_LIGHT = (
    '[data-jp-theme-light="true"]',
    ".vscode-light",
    ".vscode-high-contrast-light",
    'html[theme="light"]',
    'html[data-theme="light"]',
)


def on_any_ground(light: str, dark: str, fits: bool = False) -> str:
    """HTML that shows a picture in light colours, and in dark ones where the page around it is dark.

    The picture is an image, and its tooltips lie on it as attributes of empty elements: a notebook that isn't trusted
    leaves out an `<svg>` in its HTML but keeps the words in it, which would then stand there as text. An image knows
    nothing of the page around it, except for `color-scheme`; where the page doesn't tell, it is light on its own
    ground, or as the system wishes.

    Args:
        light: the picture as SVG.
        dark: the same in dark colours. Where more than colours differs, the light one is shown everywhere.
        fits: make the picture as small as there is room for; else it becomes a little smaller, and then scrolls.
    """
    light, dark = (re.sub(r"^\s*<\?xml[^>]*>\s*", "", text) for text in (light, dark))
    if light != dark and _COLOR.sub("", light) == _COLOR.sub("", dark):
        rules = where_grounds_are(_CLASS, "color-scheme:light", "color-scheme:dark")
        return f"{rules}{_image(_with_dark_colors(light, dark), fits)}"
    return _image(light, fits)


def where_grounds_are(cls: str, light: str, dark: str) -> str:
    """Styles for elements of a class: some where the notebook around them says that it is light, others where dark."""
    return f"<style>{_rule(cls, _DARK, dark)}{_rule(cls, _LIGHT, light)}</style>"


def _rule(cls: str, grounds: tuple[str, ...], style: str) -> str:
    return f"{','.join([f'{ground} .{cls}' for ground in grounds])}{{{style}}}"


def _with_dark_colors(light: str, dark: str) -> str:
    """The picture in light colours, with rules that give it the other ones."""
    others = iter([color for _, color in _COLOR.findall(dark)])
    known: dict[str, str] = {}

    def follow(match: re.Match[str]) -> str:
        color, other = match[2], next(others)
        if color == other:
            return match[0]
        name = f"--ef-{color.lstrip('#')}-{other.lstrip('#')}"
        known[name] = other
        return f"{match[1]}var({name},{color})"

    picture = _COLOR.sub(follow, light)
    rules = "".join([f"{name}:{color};" for name, color in known.items()])
    inside = picture.index(">", picture.index("<svg")) + 1
    return f"{picture[:inside]}<style>@media(prefers-color-scheme:dark){{svg{{{rules}}}}}</style>{picture[inside:]}"


def _image(svg: str, fits: bool) -> str:
    root = ET.fromstring(svg)
    width, height = size(root)
    told = root.get("aria-label") or root.findtext("{http://www.w3.org/2000/svg}title") or "picture"
    # Only the image: what is told stands beside it.
    content = base64.b64encode(_TITLE.sub("", svg).encode("utf-8")).decode("ascii")
    least = "" if fits else f"min-width:{_LEAST * width:.0f}px;"
    return wide(
        f'<div style="position:relative;display:inline-block;max-width:100%;{least}line-height:0">'
        f'<img class="{_CLASS}" alt={attribute(told)} '
        f'width="{width:.0f}" style="max-width:100%;{least}height:auto" src="data:image/svg+xml;base64,{content}"/>'
        f"{''.join([_told(tip, width, height) for tip in tooltips(root)])}</div>"
    )


def _told(tip: Tooltip, width: float, height: float) -> str:
    """An element without content that lies over a part of the image."""
    sides = {"left": tip.x / width, "top": tip.y / height, "width": tip.width / width, "height": tip.height / height}
    style = ";".join(["position:absolute", *[f"{side}:{100 * share:.2f}%" for side, share in sides.items()]])
    inner = f"title={attribute(tip.text)} style={attribute(style)}"
    return f"<a href={attribute(tip.link)} {inner}></a>" if tip.link else f"<span {inner}></span>"


def darkened(graph: Graph) -> Graph:
    """The same graph in dark colours."""
    pairs = dict(zip(ramp(LIGHT.heat), ramp(DARK.heat)))
    pairs |= dict(zip(LIGHT.kinds, DARK.kinds))
    pairs |= {LIGHT.plain: DARK.plain, LIGHT.flaw: DARK.flaw, LIGHT.origin: DARK.origin}
    pairs |= {fill: DARK.phases[phase][0] for phase, (fill, _) in LIGHT.phases.items()}
    nodes = {id_: dataclasses.replace(node, fill=pairs.get(node.fill, node.fill)) for id_, node in graph.nodes.items()}
    legend = [(pairs.get(fill, fill), text) for fill, text in graph.legend]
    return dataclasses.replace(graph, theme="dark", nodes=nodes, legend=legend)
