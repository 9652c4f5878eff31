"""What the search knows of each page beside its words: title, summary, other names. See static/search.js."""

from __future__ import annotations

import json
import re

from tools.site import docstrings, reference
from tools.site.names import catalogue

Row = tuple[str, str, str, list[str]]
_NO_TEXT = re.compile(r"^(#|\||```|>|<|:|-|\*|\d+\.|!\[|\[The program)")


def script(texts: dict[str, str]) -> str:
    """The rows of all pages as a script.

    Args:
        texts: Markdown by name of the page.
    """
    known = {row[0]: row for row in _names()}
    rows = [known.get(name) or (name, *_told(text), []) for name, text in sorted(texts.items())]
    return f"window.sitePages = {json.dumps(rows, ensure_ascii=False, separators=(',', ':'))};\n"


def _names() -> list[Row]:
    """The rows of public names."""
    return [
        (
            reference.page_names()[one.path],
            reference.short(one.path),
            docstrings.summary(one.doc).replace("`", ""),
            [reference.short(alias) for alias in one.aliases],
        )
        for one in catalogue()
    ]


def _told(text: str) -> tuple[str, str]:
    r"""The title of a page and its first sentences.

    >>> _told("# Files\n\nWhat `save` writes,\nand reads.\n\nMore.")
    ('Files', 'What save writes, and reads.')
    """
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    body = re.sub(r"(?ms)^```.*?^```$", "", text)
    paragraphs = [" ".join(block.split()) for block in body.split("\n\n")]
    first = next(
        (block for block in paragraphs if block and not _NO_TEXT.match(block) and not block.startswith("---")), ""
    )
    return _plain(title[1] if title else ""), _plain(first)[:240]


def _plain(text: str) -> str:
    """Markdown without its marks."""
    return re.sub(r"[`*\\]", "", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text))
