"""Links around the names in a block of code."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable

from tools.site.code_names import Link

_PIECE = re.compile(r"<[^>]+>|&#?\w+;|[^<&]+")


def linked(coloured: str, links: Iterable[Link], address: Callable[[str], str]) -> str:
    """A block's HTML with links around names.

    Args:
        coloured: what Pygments made of the block.
        links: which characters of its text name what.
        address: gives the address of a target from this page.

    Raises:
        ValueError: when the block's text isn't that in which the names were found.

    >>> linked('<pre><span class="n">ef</span></pre>', [Link(0, 2, "eagerflow", "r")], lambda page: f"{page}.html")
    '<pre><a class="of-code" href="r.html" title="eagerflow"><span class="n">ef</span></a></pre>'
    """
    before, pre, code = coloured.partition("<pre>")
    waiting = {link.start: link for link in links}
    made, at, end = [before, pre], 0, -1
    for piece in _PIECE.findall(code):
        if at in waiting and piece.startswith("<span class"):
            link = waiting.pop(at)
            made.append(f'<a class="of-code" href="{address(link.target)}" title="{link.name}">')
            end = link.end
        made.append(piece)
        at += 0 if piece.startswith("<") else len(html.unescape(piece))
        if at == end and piece == "</span>":
            made.append("</a>")
            end = -1
    if waiting or end != -1:
        raise ValueError(f"names of a block don't stand where they were found: {waiting or end} in {coloured}")
    return "".join(made)
