"""What the charts' SVG documents have in common: their head, and words."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from viz.picture.palette import Theme

__all__ = ["FONTS", "attribute", "document", "text_at"]

FONTS = "DejaVu Sans,Verdana,Arial,sans-serif"


def attribute(text: str) -> str:
    """A text as an attribute of SVG or HTML, in quotes.

    Not that of `xml.sax.saxutils`, which reads all of `urllib.request`: each command would take 40 ms more.

    >>> print(attribute('a "b" & c'))
    "a &quot;b&quot; &amp; c"
    """
    quoted = escape(text).replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
    return f'"{quoted}"'


def document(title: str, width: float, height: float, look: Theme, body: Sequence[str]) -> str:
    """An SVG document on the theme's ground.

    Args:
        title: what screen readers and tooltips call it; not drawn.
        width: in pixels.
        height: the same.
        look: the theme.
        body: the elements, one a line.

    >>> from viz.picture.palette import theme_named
    >>> document("rates", 40, 20, theme_named("light"), [text_at(4, 12, "a < b", "black", 9)]).splitlines()[-2]
    '<text x="4.0" y="12.0" font-size="9" fill="black">a &lt; b</text>'
    """
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"',
        f'  viewBox="0 0 {width:.0f} {height:.0f}" font-family="{FONTS}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" fill="{look.page}"/>',
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def text_at(x: float, y: float, text: str, fill: str, size: int, anchor: str = "start", halo: str | None = None) -> str:
    """A line of text whose baseline stands at `y`; a halo keeps it readable on lines."""
    end = "" if anchor == "start" else f' text-anchor="{anchor}"'
    around = "" if halo is None else f' paint-order="stroke" stroke="{halo}" stroke-width="4"'
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}"{end}{around}>{escape(text)}</text>'
