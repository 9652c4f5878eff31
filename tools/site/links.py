"""Every link, anchor, image and script of the built site leads somewhere in it, and none outside is loaded.

    python -m tools.site.links [build/site/html]

Links to other sites are allowed where a reader clicks them; they are not tried, for that needs a network.
"""

from __future__ import annotations

import posixpath
import sys
from concurrent.futures import ProcessPoolExecutor
from html.parser import HTMLParser
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.site.names import ROOT

LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}
OUTSIDE = ("http", "https")


class Page(HTMLParser):
    """What a page has to link to, and where its own links go.

    Attributes:
        anchors: the ids of its elements.
        links: addresses that a reader may follow, with the line of each.
        loaded: addresses that the page loads by itself, with the line of each.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.anchors: set[str] = set()
        self.links: list[tuple[str, int]] = []
        self.loaded: list[tuple[str, int]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element is called, and where it leads."""
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(filter(None, (given.get("id"), given.get("name") if tag == "a" else None)))
        address = given.get(LOADED.get(tag, ""), "")
        if tag in LOADED and address and not (tag == "link" and given.get("rel") in ("canonical", "search")):
            self.loaded.append((address, self.getpos()[0]))
        if tag == "a" and "href" in given:
            self.links.append((given["href"], self.getpos()[0]))


def read(path: Path) -> Page:
    """What a page links to."""
    return Page(path.read_text(encoding="utf-8"))


def broken(site: Path, processes: int = 1) -> list[str]:
    """What is wrong with the links of a site, each with page and line.

    Args:
        site: the folder of the built site.
        processes: how many read pages at once.
    """
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    names = [name for name in sorted(files) if name.endswith(".html") and _is_ours(name)]
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        pages = dict(zip(names, pool.map(read, [site / name for name in names], chunksize=20), strict=True))
    found: list[str] = []
    for name, page in pages.items():
        for address, line in page.loaded:
            if urlsplit(address).scheme in OUTSIDE or address.startswith("//"):
                found.append(f"{name}:{line}: loads {address} from elsewhere")
            else:
                found += _wrong(address, line, name, pages, files)
        for address, line in page.links:
            if urlsplit(address).scheme not in (*OUTSIDE, "mailto"):
                found += _wrong(address, line, name, pages, files)
    return found


def _is_ours(name: str) -> bool:
    """Pages that viz wrote are one file each, and link to nothing."""
    return "_static" not in name.split("/")


def _wrong(address: str, line: int, name: str, pages: dict[str, Page], files: set[str]) -> list[str]:
    parts = urlsplit(address)
    place = f"{name}:{line}"
    if parts.scheme in ("data", "blob"):
        return []
    if parts.scheme:
        return [f"{place}: {address} is no address in the site"]
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path))) if parts.path else name
    if target not in files:
        return [f"{place}: {address} isn't there"]
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return [f"{place}: {address}: the page has nothing called {anchor!r}"]
    return []


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "site" / "html"
    wrong = broken(folder.resolve())
    print("\n".join(wrong) or "every link, anchor and image of the site is there")
    sys.exit(bool(wrong))
