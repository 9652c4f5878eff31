"""Pictures of the pages of the gallery as they open, light and dark: taken in Chromium when the site is built."""

from __future__ import annotations

import base64
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tools.site.site_browser import SiteBrowser, find

__all__ = ["THEMES", "are_possible", "height", "picture_of", "write_all"]

THEMES = ("light", "dark")
_READY = "!/starting …/.test(document.body.innerText)"  # a page that runs a model has loaded it
_SETTLED = 0.8  # seconds after which a page has drawn itself


def are_possible() -> bool:
    """Whether there is a browser to take them with."""
    return find() is not None


def picture_of(name: str, theme: str) -> str:
    """The name of a picture's file."""
    return f"{name}_{theme}.webp"


def height(width: int) -> int:
    """That of the window, and of the picture, which a card shows at about half of its size."""
    return width * 16 // 25


def write_all(folder: Path, opened: Mapping[str, tuple[str, int]]) -> None:
    """Take the pictures that aren't there yet, or are older than their pages or this file.

    None are taken where there is no browser.

    Args:
        folder: where the pages lie, and their pictures will.
        opened: pages by name: what stands behind their addresses, and how wide their windows are.
    """
    missing = [name for name in opened if not _has_pictures(folder, name)]
    if not missing or not are_possible():
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = SiteBrowser(Path(profile))
        try:
            for name in missing:
                _take(browser, folder, name, *opened[name])
        finally:
            browser.close()


def _has_pictures(folder: Path, name: str) -> bool:
    made = max(path.stat().st_mtime for path in (folder / f"{name}.html", Path(__file__)))
    pictures = [folder / picture_of(name, theme) for theme in THEMES]
    return all(picture.exists() and picture.stat().st_mtime >= made for picture in pictures)


def _take(browser: SiteBrowser, folder: Path, name: str, opened: str, width: int) -> None:
    for theme in THEMES:
        browser.look(theme, width, height(width))
        browser.begin(f"{(folder / f'{name}.html').as_uri()}{opened}")
        browser.wait(_READY, 60)
        time.sleep(_SETTLED)
        clip = {"x": 0, "y": 0, "width": width, "height": height(width), "scale": 1}
        taken = browser.call("Page.captureScreenshot", format="webp", quality=80, clip=clip)
        (folder / picture_of(name, theme)).write_bytes(base64.b64decode(taken["data"]))
