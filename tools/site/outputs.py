"""What blocks show, as HTML below them."""

from __future__ import annotations

import re
from html import escape

from tools.site import svg

Output = dict[str, str]


def html(outputs: list[Output], prefix: str) -> str:
    """The outputs of one block.

    Args:
        outputs: each with a `kind` (`"text"`, `"html"`, `"svg"`, `"png"`) and its `data`.
        prefix: for the ids of pictures, another one for each block of a page.
    """
    pieces = [_piece(output, f"{prefix}-{number}") for number, output in enumerate(outputs)]
    return f'<div class="block-output">{"".join(pieces)}</div>' if pieces else ""


def _without_links(picture: str) -> str:
    """A picture without its head; and its boxes don't lead to lines of a file that the site doesn't have."""
    return re.sub(r"</?a\b[^>]*>", "", picture[max(picture.find("<svg"), 0) :])


def _piece(output: Output, prefix: str) -> str:
    kind, data = output["kind"], output["data"]
    if kind == "text":
        return f'<pre class="printed" tabindex="0">{escape(data)}</pre>'
    if kind == "svg":
        light, dark = (_without_links(picture) for picture in (data, output.get("dark", "")))
        picture = svg.both_themes(light, dark) if dark else light
        own = " own-themes" if dark else ""
        return f'<div class="picture{own}">{svg.embedded(picture, prefix, "what ran")}</div>'
    if kind == "png":
        return f'<div class="picture"><img alt="picture made by this code" src="data:image/png;base64,{data}"></div>'
    return f'<div class="shown">{data}</div>'
