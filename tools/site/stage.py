"""The pages of the repository, brought to where Sphinx reads them; their links lead to pages of the site.

A link may name any file of the repository, as it does on a forge. In the site it leads to that file's page: a page of
text, a tutorial, or the source. Lines stay where they are, so that warnings name the right ones.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from tools.site.names import ROOT

# What is a page of the site although it isn't in docs/, by file or folder.
OTHERS = {"CHANGELOG.md": "changelog", "CONTRIBUTING.md": "internals/contributing", "README.md": "index"}
FOLDERS = {"examples": "tutorials/index", "docs": "index"}
_LINK = re.compile(r"(?P<before>(?<!\\)\]\()(?P<target>[^)\s]+)(?P<after>(?: \"[^\"]*\")?\))")
_NAMED_AS_FILE = re.compile(r"(?<!\\)\[(?:docs/)?[\w/]+\.md\]\(([^)#\s]+\.md)\)")  # these get the page's title
_IMAGE = re.compile(
    r'<img src="(?P<src>[^"]+)" width="(?P<width>\d+)" alt="(?P<alt>[^"]*)">'
)  # Sphinx copies files of these
# A picture that the block above it draws on the site, for readers on a forge, where blocks don't run.
_PRINTED_ABOVE = re.compile(r"^<!-- printed above -->\n```\n.*?^```$", re.MULTILINE | re.DOTALL)
_DRAWN_ABOVE = re.compile(r"^<!-- drawn above -->\n!\[[^\]]*\]\([^)\s]+\)$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1`*\s*$", re.MULTILINE | re.DOTALL)


class BrokenLink(Exception):
    """A page links a file that isn't there or has no page."""


def pages() -> dict[str, Path]:
    """The pages of text: by name in the site, the file that each comes from."""
    files = [path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "paper"]
    found = {str(path.relative_to(ROOT / "docs").with_suffix("")): path for path in files}
    found.pop("index", None)  # the list of pages for readers on a forge; the site has its navigation
    return {**found, **{name: ROOT / file for file, name in OTHERS.items() if name != "index"}}


def staged(text: str, name: str, origin: Path, also: dict[str, str]) -> str:
    """The text of a page for the site.

    Args:
        text: the page as it is in the repository.
        name: its name in the site.
        origin: its file.
        also: further files of the repository that have pages, with their names in the site.

    Raises:
        BrokenLink: names file, line and link.
    """
    text = _PRINTED_ABOVE.sub(lambda found: "\n" * found[0].count("\n"), text)
    text = _DRAWN_ABOVE.sub(lambda found: "\n" * found[0].count("\n"), text)
    home = {str(path.relative_to(ROOT)): page for page, path in pages().items()} | OTHERS | FOLDERS | also
    code = [found.span() for found in _FENCE.finditer(text)]

    def led(link: re.Match[str]) -> str:
        if any(begin <= link.start() < end for begin, end in code):
            return link[0]
        line = text.count("\n", 0, link.start()) + 1
        return link["before"] + _target(link["target"], name, origin, line, home) + link["after"]

    text = _IMAGE.sub(lambda found: f"![{found['alt']}]({found['src']}){{width={found['width']}px}}", text)
    text = _NAMED_AS_FILE.sub(r"[](\1)", text)
    return _LINK.sub(led, text)


def _target(target: str, name: str, origin: Path, line: int, home: dict[str, str]) -> str:
    file, sharp, anchor = target.partition("#")
    if not file or re.match(r"[a-z]+:", file):
        return target
    there = Path(os.path.normpath(origin.parent / file))
    inside = str(there.relative_to(ROOT)) if there.is_relative_to(ROOT) else ""
    if inside in home:
        page = home[inside]
        end = "" if page.startswith("source:") else ".md"
        return (page if page.startswith("source:") else _relative(f"{page}{end}", name)) + sharp + anchor
    if there.suffix in (".png", ".svg", ".gif") and there.exists():
        return _relative(str(there.relative_to(ROOT / "docs")), name)
    if not there.exists():
        raise BrokenLink(f"{origin.relative_to(ROOT)}:{line}: {target} isn't there")
    if there.suffix == ".py":
        return f"source:{inside}{sharp}{anchor}"
    raise BrokenLink(f"{origin.relative_to(ROOT)}:{line}: {target} has no page in the site")


def _relative(target: str, name: str) -> str:
    return os.path.relpath(target, str(PurePosixPath(name).parent))
