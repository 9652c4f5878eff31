"""`Picture`: a drawn picture that shows itself in notebooks and saves itself."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from html import escape
from typing import Any

from viz.facts.text_files import path_of, write_text
from viz.picture.notebook_theme import on_any_ground
from viz.picture.rendering.raster import write_picture

__all__ = ["Picture"]

_ENDINGS = (".svg", ".png", ".html")


class Picture:
    """A picture that shows itself in a notebook; `print` and the interpreter show a line about it.

    Args:
        title: what it shows, in a few words.
        make: gives the picture as SVG in the colours of a theme.
        theme: `"light"`, or `"dark"`.

    Raises:
        ValueError: for another theme.

    >>> picture = Picture("a square", lambda theme: "<svg><rect width='9' height='9'/></svg>")
    >>> picture
    <Picture 'a square'; save(path) writes svg, png or html>
    >>> picture.save("square.svg").name
    'square.svg'
    """

    def __init__(self, title: str, make: Callable[[str], str], theme: str = "light") -> None:
        self.title = title
        self.theme = theme
        self._make = make
        self._svg = make(theme)

    @property
    def svg(self) -> str:
        """The picture as SVG.

        >>> Picture("nothing", lambda theme: "<svg/>").svg
        '<svg/>'
        """
        return self._svg

    def save(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Write the picture in the format that the file's name ends in.

        Args:
            path: ends in `.svg`, in `.html` for a page that holds the picture, or in `.png`.

        Raises:
            ValueError: for another ending.
            RendererMissing: when no PNG can be made here.

        >>> Picture("nothing", lambda theme: "<svg/>").save("nothing.html").name
        'nothing.html'
        """
        target = path_of(path)
        kind = target.suffix.lower()
        if kind not in _ENDINGS:
            raise ValueError(f"cannot draw to {os.fspath(path)!r}: the name must end in .svg, .png or .html")
        return write_text(target, self._page()) if kind == ".html" else write_picture(target, self.svg)

    def _page(self) -> str:
        head = f'<!doctype html>\n<meta charset="utf-8">\n<title>{escape(self.title)}</title>\n'
        return f'{head}<body style="margin:0">{self.svg[self.svg.index("<svg") :]}</body>\n'

    def _repr_html_(self) -> str:
        """The picture; in light colours it follows the notebook, and is dark where that is."""
        return on_any_ground(self.svg, self._make("dark") if self.theme == "light" else self.svg)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Picture {self.title!r}; save(path) writes svg, png or html>"
