"""Pictures inside of pages: one SVG for both themes, with ids that are its own and no path of this machine."""

from __future__ import annotations

import re

_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}\b|(?<=\")(?:white|black)(?=\")|rgb\([\d, ]+\)")
_ID = re.compile(r'\bid="([^"]+)"')
_USE = re.compile(r'url\(#([^)]+)\)|href="#([^"]+)"')
_LINK = re.compile(r"</?a\b[^>]*>")  # to lines of files that aren't pages
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_PLACE = re.compile(r"(made|called|ran) at |^\s*File \"|^at ")


def both_themes(light: str, dark: str) -> str:
    """One picture of two that differ in colours alone: each colour becomes `light-dark(…, …)`.

    >>> both_themes('<rect fill="#ffffff"/>', '<rect fill="#000000"/>')
    '<rect fill="light-dark(#ffffff,#000000)"/>'

    Raises:
        ValueError: when they differ in more than colours.
    """
    if _COLOR.sub("", light) != _COLOR.sub("", dark):
        raise ValueError("the pictures for light and dark pages differ in more than colours")
    darks = iter(_COLOR.findall(dark))

    def pair(color: re.Match[str]) -> str:
        other = next(darks)
        return color[0] if other == color[0] else f"light-dark({color[0]},{other})"

    return _COLOR.sub(pair, light)


def embedded(svg: str, prefix: str, label: str = "") -> str:
    """A picture to stand inside of a page.

    Args:
        svg: the picture.
        prefix: what its ids begin with, another one for each picture of a page.
        label: what it shows, for those who can't see it.
    """
    svg = _LINK.sub("", svg[svg.index("<svg") :])
    svg = _ID.sub(lambda m: f'id="{prefix}-{m[1]}"', svg)
    svg = _USE.sub(lambda m: f"url(#{prefix}-{m[1]})" if m[1] else f'href="#{prefix}-{m[2]}"', svg)
    svg = _TITLE.sub(_without_places, svg)
    named = f' role="img" aria-label="{_attribute(label)}"' if label else ' role="img"'
    width = re.search(r'<svg[^>]*? width="([\d.]+)', svg)
    named += f' style="--natural: {width[1]}px"' if width else ""
    return svg.replace("<svg", f"<svg{named}", 1).replace(
        '<rect width="100%" height="100%"', '<rect class="ground" width="100%" height="100%"', 1
    )


def _without_places(title: re.Match[str]) -> str:
    lines = [line for line in title[1].splitlines() if not _PLACE.search(line)]
    return f"<title>{chr(10).join(lines)}</title>" if lines else ""


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
