"""Text that people keep: pages, pictures and data, written whole or not at all; and which files these may quote."""

from __future__ import annotations

import linecache
import os
import pathlib
import stat
import sys
from importlib import import_module

__all__ = ["check_html", "lines_of", "path_of", "write_text"]


def path_of(path: str | os.PathLike[str]) -> pathlib.Path:
    """The path of a file that a public function is asked to write."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path={path!r:.60}: expected the name of a file; got {type(path).__name__}")
    return pathlib.Path(path)


def check_html(path: str | os.PathLike[str]) -> None:
    """Refuse a page's name, before the page is made."""
    if path_of(path).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"cannot write the page to {os.fspath(path)!r}: the name must end in .html")


def write_text(path: str | os.PathLike[str], text: str) -> pathlib.Path:
    """Write a file, as UTF-8; whatever happens, a reader sees the old one or the new one, whole.

    Pipes and devices such as `/dev/stdout` are written to as they are.
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


def lines_of(file: str) -> list[str]:
    """The lines of a Python file that a recording names; none where it may not be quoted.

    A recording may come from a stranger. So only files are read that this process has run, and regular `.py` files
    below the working directory; the path of a FIFO would never return, that of a device never end.
    """
    kept = linecache.cache.get(file)
    if kept is not None and len(kept) > 1 and kept[1] is None:  # a cell of a notebook, which is in no file
        return linecache.getlines(file)
    path = os.path.realpath(file)
    below = path.endswith(".py") and path.startswith(os.path.realpath(".").rstrip(os.sep) + os.sep)
    if not (os.path.isabs(file) and os.path.isfile(path) and (below or _has_run(path))):
        return []
    linecache.checkcache(file)
    return linecache.getlines(file)


def _has_run(path: str) -> bool:
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    name = os.path.basename(path)
    return any(os.path.realpath(each) == path for each in files if each and os.path.basename(each) == name)
