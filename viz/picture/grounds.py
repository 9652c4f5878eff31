"""One picture for light and for dark notebooks: its colours follow what is around it."""

from __future__ import annotations

import dataclasses
import re

from viz.geometry.graph import Graph
from viz.picture.palette import DARK, LIGHT, ramp

__all__ = ["darkened", "on_any_ground"]

_CLASS = "eagerflow-picture"
_COLOR = re.compile(r'(?<=[\s;"])((?:fill|stroke|stop-color|background)(?:="|:))(#[0-9a-fA-F]{6}|white)(?=[";])')
# How JupyterLab (and what nbconvert makes of it), VS Code, Colab and a documentation site say that they are dark.
_DARK = (
    '[data-jp-theme-light="false"]',
    ".vscode-dark",
    ".vscode-high-contrast:not(.vscode-high-contrast-light)",
    'html[theme="dark"]',
    'html[data-theme="dark"]',
)


def on_any_ground(light: str, dark: str) -> str:
    """HTML that shows a picture in light colours, and in dark ones where the page around it is dark.

    Args:
        light: the picture as SVG.
        dark: the same in dark colours. Where more than colours differs, the light one is shown everywhere.
    """
    light, dark = (re.sub(r"^\s*<\?xml[^>]*>\s*", "", text) for text in (light, dark))
    style = "overflow:auto;max-width:100%"
    if _COLOR.sub("", light) != _COLOR.sub("", dark):
        return f'<div style="{style};background:white">{light}</div>'
    found = [color for _, color in _COLOR.findall(dark)]
    others = iter(found)
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
    where = ",".join([f"{ground} .{_CLASS}" for ground in _DARK])
    return f'<style>{where}{{{rules}}}</style><div class="{_CLASS}" style="{style}">{picture}</div>'


def darkened(graph: Graph) -> Graph:
    """The same graph in dark colours."""
    pairs = dict(zip(ramp(LIGHT), ramp(DARK)))
    pairs |= dict(zip(LIGHT.kinds, DARK.kinds))
    pairs |= {LIGHT.plain: DARK.plain, LIGHT.flaw: DARK.flaw, LIGHT.origin: DARK.origin}
    pairs |= {fill: DARK.phases[phase][0] for phase, (fill, _) in LIGHT.phases.items()}
    nodes = {id_: dataclasses.replace(node, fill=pairs.get(node.fill, node.fill)) for id_, node in graph.nodes.items()}
    legend = [(pairs.get(fill, fill), text) for fill, text in graph.legend]
    return dataclasses.replace(graph, theme="dark", nodes=nodes, legend=legend)
