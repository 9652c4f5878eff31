"""Which files of this machine a page or a table may quote around the lines that a recording names."""

from __future__ import annotations

import linecache
import os
import sys

__all__ = ["lines_of"]


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
