"""One picture for light and for dark notebooks: its colours follow what is around it."""

from __future__ import annotations

import base64
import dataclasses
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import NamedTuple

from viz.facts.text_table import wide
from viz.geometry.graph import Graph
from viz.geometry.text_sizes import text_width
from viz.picture.palette import DARK, LIGHT, ramp
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


_SVG = "{http://www.w3.org/2000/svg}"
_REACH = 6.0  # pixels around a point within which a pointer finds it
_SHIFT = re.compile(r"\s*translate\(\s*(-?[\d.]+)[\s,]+(-?[\d.]+)\s*\)\s*")
_START = re.compile(r"\s*M\s*(-?[\d.]+)[\s,]+(-?[\d.]+)")
_BEFORE = {"start": 0.0, "middle": 0.5, "end": 1.0}  # the share of a text's width that lies left of its place

Box = tuple[float, float, float, float]  # left, top, right, bottom


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


class Tooltip(NamedTuple):
    """A rectangle of the picture, what is told of it, and where it leads, if anywhere."""

    x: float
    y: float
    width: float
    height: float
    text: str
    link: str


def size(root: ET.Element) -> tuple[float, float]:
    """Width and height of a picture."""
    wide, high = root.get("viewBox", "0 0 1 1").split()[2:]
    return float(wide), float(high)


def tooltips(root: ET.Element) -> list[Tooltip]:
    """What the boxes, bars and points of a picture tell, in the order in which they are drawn.

    Lines tell it where their label stands. What is scaled or turned tells nothing: pictures of ours have none of it.

    Args:
        root: the `<svg>` element.

    >>> picture = '<svg xmlns="http://www.w3.org/2000/svg"><g transform="translate(10 20)"><g><title>a box</title>'
    >>> picture += '<rect x="1" y="2" width="30" height="40"/></g></g></svg>'
    >>> tooltips(ET.fromstring(picture))
    [Tooltip(x=11.0, y=22.0, width=30.0, height=40.0, text='a box', link='')]
    """
    return [found for each in root if each.tag != f"{_SVG}title" for found in _of(each, 0.0, 0.0, "")]


def _of(element: ET.Element, x: float, y: float, link: str) -> Iterator[Tooltip]:
    shift = _SHIFT.fullmatch(element.get("transform", "translate(0 0)"))
    if shift is None:
        return
    x, y = x + float(shift[1]), y + float(shift[2])
    link = element.get("href", "") if element.tag == f"{_SVG}a" else link
    title = element.find(f"{_SVG}title")
    if title is None:
        for each in element:
            yield from _of(each, x, y, link)
        return
    boxes = [box for each in element.iter() for box in _box(each)] or list(_start(element))
    if boxes and title.text:
        left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
        right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
        yield Tooltip(x + left, y + top, right - left, bottom - top, title.text, link)


def _box(element: ET.Element) -> Iterator[Box]:
    """The place of a rectangle, a point or a line of text."""
    kind = element.tag.removeprefix(_SVG)
    if kind == "rect":
        x, y = _number(element, "x"), _number(element, "y")
        yield x, y, x + _number(element, "width"), y + _number(element, "height")
    elif kind == "circle":
        x, y = _number(element, "cx"), _number(element, "cy")
        yield x - _REACH, y - _REACH, x + _REACH, y + _REACH
    elif kind == "text":
        letters = _number(element, "font-size")
        width = text_width("".join(element.itertext()), letters)
        left = _number(element, "x") - width * _BEFORE[element.get("text-anchor", "start")]
        base = _number(element, "y")
        yield left, base - letters, left + width, base + 0.3 * letters


def _start(element: ET.Element) -> Iterator[Box]:
    """Where a mark that is nothing but a path begins."""
    found = _START.match(element.get("d", ""))
    if found is not None:
        x, y = float(found[1]), float(found[2])
        yield x - _REACH, y - 2 * _REACH, x + _REACH, y + _REACH


def _number(element: ET.Element, name: str) -> float:
    return float(element.get(name, 0))
