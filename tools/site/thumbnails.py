"""Small pictures of the pages of the gallery, light and dark: taken in Chromium when the site is built."""

from __future__ import annotations

import base64
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tools.site.site_browser import SiteBrowser, find

__all__ = ["THEMES", "are_possible", "picture_of", "write_all"]

THEMES = ("light", "dark")
_WIDTH, _HEIGHT, _SCALE = 1280, 800, 0.375  # of the page in the browser, and how much smaller the picture is
_SETTLED = 0.8  # seconds after which a page has drawn itself


def are_possible() -> bool:
    """Whether there is a browser to take them with."""
    return find() is not None


def picture_of(name: str, theme: str) -> str:
    """The name of a picture's file."""
    return f"{name}_{theme}.webp"


def write_all(folder: Path, opened: Mapping[str, str]) -> None:
    """Take the pictures that aren't there yet, or are older than their pages; none where there is no browser.

    Args:
        folder: where the pages lie, and their pictures will.
        opened: pages by name, and what stands behind their addresses.
    """
    missing = [name for name in opened if not _has_pictures(folder, name)]
    if not missing or not are_possible():
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = SiteBrowser(Path(profile))
        try:
            for name in missing:
                _take(browser, folder, name, opened[name])
        finally:
            browser.close()


def _has_pictures(folder: Path, name: str) -> bool:
    made = (folder / f"{name}.html").stat().st_mtime
    pictures = [folder / picture_of(name, theme) for theme in THEMES]
    return all(picture.exists() and picture.stat().st_mtime >= made for picture in pictures)


def _take(browser: SiteBrowser, folder: Path, name: str, opened: str) -> None:
    for theme in THEMES:
        browser.look(theme, _WIDTH, _HEIGHT)
        browser.begin(f"{(folder / f'{name}.html').as_uri()}{opened}")
        time.sleep(_SETTLED)
        clip = {"x": 0, "y": 0, "width": _WIDTH, "height": _HEIGHT, "scale": _SCALE}
        taken = browser.call("Page.captureScreenshot", format="webp", quality=80, clip=clip)
        (folder / picture_of(name, theme)).write_bytes(base64.b64decode(taken["data"]))
