"""A report as one page: it needs no network and no other file, and follows the light or dark theme of its reader."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable
from html import escape

from viz.facts.text_files import check_html, write_text

__all__ = ["report_page", "write_page"]

_STYLE = """
:root{--ink:#1b2733;--quiet:#5b6770;--ground:#fff;--frame:#c3cbd3}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--quiet:#9fb0bf;--ground:#12181f;--frame:#3f4d5a}}
body{font:14px/1.4 system-ui,sans-serif;margin:24px;color:var(--ink);background:var(--ground)}
h1{font-size:20px;margin:0 0 4px} h2{font-size:16px;margin:28px 0 10px} p{color:var(--quiet);margin:2px 0}
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report_page(title: str, remarks: Iterable[str], body: Iterable[str], style: str = "") -> str:
    """The page.

    Args:
        title: what stands at its top.
        remarks: sentences below it.
        body: what follows, as HTML.
        style: its CSS, in the colours `--ink`, `--quiet`, `--ground` and `--frame`.
    """
    parts = [
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
        '<meta name="viewport" content="width=device-width">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<style>{_STYLE}{style}</style><h1>{escape(title)}</h1>",
        *[f"<p>{escape(each)}</p>" for each in remarks if each],
        *body,
    ]
    return "\n".join(parts) + "\n"


def write_page(path: str | os.PathLike[str], page: str) -> pathlib.Path:
    """Write it."""
    check_html(path)
    return write_text(path, page)
