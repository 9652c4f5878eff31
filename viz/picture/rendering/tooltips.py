"""Where in an SVG picture which tooltip belongs: for a picture shown as an image, which has none of its own."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import NamedTuple

from viz.geometry.text_sizes import text_width

__all__ = ["Tooltip", "size", "tooltips"]

_SVG = "{http://www.w3.org/2000/svg}"
_REACH = 6.0  # pixels around a point within which a pointer finds it
_SHIFT = re.compile(r"\s*translate\(\s*(-?[\d.]+)[\s,]+(-?[\d.]+)\s*\)\s*")
_START = re.compile(r"\s*M\s*(-?[\d.]+)[\s,]+(-?[\d.]+)")
_BEFORE = {"start": 0.0, "middle": 0.5, "end": 1.0}  # the share of a text's width that lies left of its place

Box = tuple[float, float, float, float]  # left, top, right, bottom


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
