"""The page's ES modules as one inline script.

A page that is opened as a file can't import other files. Import maps to `data:` or `blob:` URLs would need a policy
that allows these for scripts; the frames of VS Code's notebooks forbid both. So modules stand in the page one after the
other, in the order in which their imports would run them, and share their names.
"""

from __future__ import annotations

import functools
import importlib.resources
import posixpath
import re

__all__ = ["asset", "joined"]

_IMPORT = re.compile(r'^import \{[^}]*\} from "(.*)";$', re.MULTILINE)


@functools.cache
def joined(*entries: str) -> str:
    """All modules that these import, and these, without indentation and lines that are comments.

    Args:
        entries: paths within `viz`, as `page/assets/app/start.js`.
    """
    order: dict[str, str] = {}
    for entry in entries:
        _visit(posixpath.normpath(entry), order, set())
    lines = [line.strip() for source in order.values() for line in source.splitlines()]
    return "\n".join([line for line in lines if line and not line.startswith("//")]) + "\n"


def _visit(path: str, order: dict[str, str], seen: set[str]) -> None:
    if path in order or path in seen:
        return
    seen.add(path)
    source = asset(path)
    for target in _IMPORT.findall(source):
        _visit(posixpath.normpath(posixpath.join(posixpath.dirname(path), target)), order, seen)
    order[path] = _IMPORT.sub("", source)


@functools.cache
def asset(path: str) -> str:
    """The text of a file within `viz`."""
    return importlib.resources.files("viz").joinpath(*path.split("/")).read_text("utf-8")
