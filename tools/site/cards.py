"""Cards that lead to pages, of the gallery and of the tutorials."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape


def card(name: str, title: str, text: str, images: Iterable[str]) -> str:
    """What leads to a page beside this one.

    Args:
        name: of the page.
        title: what it is called.
        text: what it shows, with code in backticks.
        images: HTML of its pictures.

    >>> card("gan", "A GAN", "Uses `fit`.", [])
    '<a href="gan.html"><strong>A GAN</strong><span>Uses <code>fit</code>.</span></a>'
    """
    told = re.sub(r"`(.+?)`", r"<code>\1</code>", escape(text, quote=False))
    return f'<a href="{name}.html">{"".join(images)}<strong>{escape(title)}</strong><span>{told}</span></a>'


def raw(html: str) -> str:
    """HTML as a part of a page in Markdown."""
    return f"```{{raw}} html\n{html}\n```"
