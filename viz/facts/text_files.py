"""Text that people keep: pages, pictures and data, written whole or not at all."""

from __future__ import annotations

import os
import pathlib
import stat
from importlib import import_module

__all__ = ["check_html", "path_of", "write_text"]


def path_of(path: str | os.PathLike[str]) -> pathlib.Path:
    """The path of a file that a public function is asked to write.

    Raises:
        TypeError: when it is none.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path={path!r:.60}: expected the name of a file; got {type(path).__name__}")
    return pathlib.Path(path)


def check_html(path: str | os.PathLike[str]) -> None:
    """Refuse a page's name, before the page is made.

    Raises:
        ValueError: when it doesn't end in `.html`.
    """
    if path_of(path).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"cannot write the page to {os.fspath(path)!r}: the name must end in .html")


def write_text(path: str | os.PathLike[str], text: str) -> pathlib.Path:
    """Write a file, as UTF-8; whatever happens, a reader sees the old one or the new one, whole.

    Pipes and devices such as `/dev/stdout` are written to as they are.

    Raises:
        OSError: when the folder doesn't exist or can't be written.
    """
    target = path_of(path)
    content = text.encode("utf-8", "replace")  # the name of a file in it may be no text
    if _is_stream(target):
        with open(target, "wb") as stream:
            stream.write(content)
        return target
    with import_module("eagerflow.base.files").replacing(target) as file:  # tables, which write none, do without it
        file.write(content)
    return target


def _is_stream(path: pathlib.Path) -> bool:
    """Is it a pipe or a device, such as `/dev/stdout`, which is written to and never replaced?"""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
