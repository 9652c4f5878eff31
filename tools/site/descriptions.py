"""What the head of each page says it is about, for search engines and previews."""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes

MOST = 300  # characters; search engines show about half of them
HOME_TITLE = "Deep learning you can watch"
HOME = (
    "eagerflow is a deep-learning framework with the API of Keras that runs line by line on NumPy or CuPy. viz draws"
    " what really ran: every operation, forward and backward, with its shape, time and memory."
)


def add(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Describe a page by its first paragraph, unless it says itself what it is about."""
    told = context.get("metatags") or ""
    if 'name="description"' not in told:
        title = context.get("title") or pagename
        said = HOME if pagename == "index" else first_paragraph(doctree) or f"{title}: documentation of eagerflow."
        context["metatags"] = f'{told}\n<meta name="description" content="{escape(shortened(said))}" />\n'
    if pagename == "index":
        context["title"] = HOME_TITLE


def first_paragraph(doctree: nodes.document | None) -> str:
    """The first paragraph of a page that isn't in a table, "" where there is none."""
    found = doctree.findall(nodes.paragraph) if doctree is not None else ()
    texts = (" ".join(node.astext().split()) for node in found if not isinstance(node.parent, nodes.entry))
    return next((text for text in texts if len(text) > 30), "")


def shortened(text: str) -> str:
    """A text of at most so many characters, cut between two words.

    >>> shortened("word " * 100)[-6:]
    'word …'
    """
    return text if len(text) <= MOST else f"{text[: MOST - 1].rpartition(' ')[0]} …"
