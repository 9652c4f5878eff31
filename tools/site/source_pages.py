"""Pages of the source files, to which names lead."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from pygments.formatters import HtmlFormatter
from pygments.lexers.python import PythonLexer
from pygments.token import Token

from tools.site.cache import Cache
from tools.site.names import ROOT

COLOURED = (Token.Keyword, Token.Comment, Token.Literal, Token.Name.Class, Token.Name.Function, Token.Name.Decorator)


def page_of(path: str) -> str:
    """The page of a file of the repository.

    >>> page_of("eagerflow/ops/nn.py")
    'source/eagerflow.ops.nn'
    """
    return f"source/{path.removesuffix('.py').replace('/', '.')}"


def html_of(path: str) -> str:
    """A file, coloured, with an anchor for each line."""
    formatter = HtmlFormatter(linenos="inline", linespans="L", cssclass="highlight source-file")
    pieces = io.StringIO()
    formatter.format(_coloured((ROOT / path).read_text(encoding="utf-8")), pieces)
    return pieces.getvalue().replace('<span id="L-', '<span id="L')


def _coloured(text: str) -> Iterator[tuple[Any, str]]:
    """Tokens of a file, only those apart that have a colour of their own: pages are a third as long."""
    waiting = ""
    for kind, piece in PythonLexer().get_tokens(text):
        if any(kind in coloured for coloured in COLOURED):
            if waiting:
                yield Token.Text, waiting
                waiting = ""
            yield kind, piece
        else:
            waiting += piece
    yield Token.Text, waiting


def collected(app: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    """What Sphinx writes beside the pages that it read."""
    kept = Cache(Path(app.doctreedir).parent / "kept" / "sources", ("source_pages",), of_packages=False)
    for path in json.loads((Path(app.srcdir) / "sources.json").read_text(encoding="utf-8")):
        text = (ROOT / path).read_text(encoding="utf-8")
        body = kept.get("source", text)
        if body is None:
            body = html_of(path)
            kept.put(body, "source", text)
        title = escape(path)
        yield page_of(path), {"title": title, "body": f"<h1>{title}</h1>{body}", "is_source": True}, "page.html"
