"""What a notebook shows of HTML: its pictures are images, which hold SVG."""

from __future__ import annotations

import base64
import re


def pictures(html):
    """The SVG documents of the images, in their order."""
    found = re.findall(r'<img [^>]*src="data:image/svg\+xml;base64,([^"]+)"', html)
    return [base64.b64decode(content).decode("utf-8") for content in found]


def words(html):
    """What is left of HTML in a notebook that isn't trusted and knows no SVG: the text outside of tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<style>.*?</style>", "", html)).split())
