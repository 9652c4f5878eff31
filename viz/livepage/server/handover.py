"""How the page of a program that has ended leaves its port to the page of the next one.

The two find each other by small files in a folder that nobody but their user can read. Only a port that was asked for
by its number is left this way; nobody asks for one that was drawn. There, too, each page leaves the key that its tabs
know, for the next one to be found by them (see `former_tabs`).
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from viz.livepage.server.folder import folder, remove

__all__ = ["Claim", "ask", "stop_asking"]

_MOST_KEYS = 8  # earlier pages of a port, whose tabs may still be open


class Claim:
    """What the process of a page has written down of its port.

    Args:
        port: its port.
        program: the number of the process whose page it is.
        key: what the tabs of this page know.

    Attributes:
        keys: those of the pages that had the port before, the latest last.
    """

    def __init__(self, port: int, program: int, key: str) -> None:
        self._path = _path(port)
        self.keys: list[str] = []
        if self._path is not None:
            stop_asking(port)  # what one may have left there that was killed
            _write(self._path, {"program": program, "server": os.getpid()})
            left = (_read(f"{self._path}.keys") or {}).get("keys")
            self.keys = [str(each) for each in left][-_MOST_KEYS:] if isinstance(left, list) else []
            _write(f"{self._path}.keys", {"keys": [*self.keys, key][-_MOST_KEYS:]})

    @property
    def is_wanted(self) -> bool:
        """Whether another page wants the port."""
        return self._path is not None and os.path.exists(f"{self._path}.wanted")

    def release(self) -> None:
        """The port is free, or another page has it already."""
        if self._path is not None and (_read(self._path) or {}).get("server") == os.getpid():
            remove(self._path)


def ask(port: int) -> int | None:
    """Ask the page that has the port to leave it once its program has ended; gives that program's process, or None."""
    path = _path(port)
    claim = _read(path) if path is not None else None
    if claim is None or not _runs(claim.get("server")):
        return None
    _write(f"{path}.wanted", {})
    return int(claim.get("program", 0))


def stop_asking(port: int) -> None:
    """The port was got, or wasn't."""
    path = _path(port)
    if path is not None:
        remove(f"{path}.wanted")


def _runs(process: Any) -> bool:
    if os.name != "posix":
        return True  # there, asking might end it
    try:
        os.kill(int(process), 0)
    except (OSError, TypeError, ValueError):
        return False
    return True


def _path(port: int) -> str | None:
    """The file for a port; None where there is no folder for it that is this user's alone."""
    where = folder()
    return None if where is None else os.path.join(where, str(port))


def _write(path: str, what: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # a port can be shared without it, later
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            json.dump(what, file)
        os.replace(f"{path}.new", path)


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
