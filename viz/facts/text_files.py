"""Text that people keep: pages, pictures and data, written whole or not at all."""

from __future__ import annotations

import os
import pathlib

from eagerflow.base.files import replacing

__all__ = ["check_html", "write_text"]


def check_html(path: str | os.PathLike[str]) -> None:
    """Refuse a page's name, before the page is made.

    Raises:
        ValueError: when it doesn't end in `.html`.
    """
    if pathlib.Path(path).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"cannot write the page to {os.fspath(path)!r}: the name must end in .html")


def write_text(path: str | os.PathLike[str], text: str) -> pathlib.Path:
    """Write a file, as UTF-8; whatever happens, a reader sees the old one or the new one, whole.

    Raises:
        OSError: when the folder doesn't exist or can't be written.
    """
    target = pathlib.Path(path)
    with replacing(target) as file:
        file.write(text.encode("utf-8"))
    return target
