"""What `viz.live` shows while a page's blocks run: the picture below a notebook's cell, without an address."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from viz.livepage import handle, in_notebook

_SECRET = re.compile(r"//(?:127\.0\.0\.1|localhost):\d+/(?:open/)?[\w-]{32}(?![\w-])")


class _Place:
    """Stands in for a notebook's place below a cell: keeps the last that it was filled with."""

    def __init__(self, shown: list[_Place]) -> None:
        self.is_shown, self.html = False, ""
        self._shown = shown

    def fill(self, plain: str, html: str) -> None:
        if not self.is_shown:
            self._shown.append(self)
        self.is_shown, self.html = True, html

    def repeat(self) -> None:
        """There is one block, and so one place."""


@contextlib.contextmanager
def live_pages() -> Iterator[Callable[[], list[str]]]:
    """Inside, live pages show themselves as in a notebook.

    Yields:
        A function that gives the last picture of each.
    """
    shown: list[_Place] = []
    own = {"Place": lambda: _Place(shown), "show": lambda plain, html: None, "with_curves": []}
    here: Any = SimpleNamespace(kernel=object, **own)
    modules: tuple[Any, ...] = (handle, in_notebook)
    before = [module.notebook for module in modules]
    for module in modules:
        module.notebook = here
    try:
        yield lambda: [place.html for place in shown]
    finally:
        for module, theirs in zip(modules, before):
            module.notebook = theirs


def secrets(site: Path) -> list[str]:
    """Pages of a site that print where a live page is served, with the part of it that is a secret."""
    pages = sorted([*site.rglob("*.html"), *site.rglob("*.ipynb")])
    texts = ((page.relative_to(site), page.read_text(encoding="utf-8")) for page in pages)
    return [
        f"{page}: prints a live page's address: {found[0]}" for page, text in texts if (found := _SECRET.search(text))
    ]
