"""The live page as one document: the page of a recording, with tabs for what changes while training runs."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from viz import page
from viz.facts.formatting import clean
from viz.facts.schema import Record
from viz.page.modules import asset
from viz.recording import Recording

__all__ = ["document"]


def document(name: str | None = None) -> str:
    """The page, before anything has happened."""
    empty = Recording.pending()
    empty.fill(Record())
    return page.render(
        page.data(empty, title=name or "live"),
        modules=["livepage/assets/live.js"],
        first_scripts=[f"window.eagerflowProgram = {json.dumps(_program(name))};", _named(name)],
        extra_styles=[asset("livepage/assets/live.css")],
        connect="'self'",
    )


def _program(name: str | None) -> str:
    """What the files are called that the page saves: by its title or the script; `curves` where there is neither."""
    return re.sub(r"[^\w-]", "_", (name or _script()).removesuffix(".py"))[:24] or "curves"


def _named(name: str | None) -> str:
    """What the browser's tab is called: the title, or the script; "" where there is neither."""
    return f"window.eagerflowTitle = {json.dumps(clean(name or _script(), 60)).replace('<', chr(92) + 'u003c')};"


def _script() -> str:
    """The name of the script's file; "" where none runs."""
    script = Path(getattr(sys, "argv", [""])[0]).name
    return "" if script.startswith(("-", "ipykernel", "colab_kernel")) else script
