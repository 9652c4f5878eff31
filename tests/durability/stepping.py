"""A layer in front of the file system: something happens before each call that changes, or opens, a file.

Calls are those that reach the system: opening, writing (after Python's buffers), truncating, syncing, renaming,
swapping, linking, removing, making folders, permissions. Nothing is left to luck: the n-th call is the n-th call.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["before_each"]

_CHANGES = frozenset(
    "os.rename os.remove os.mkdir os.rmdir os.link os.symlink os.truncate os.chmod os.utime ctypes.dlsym".split()
)
Hook = Callable[[str, str], None]
_hooks: list[Hook] = []
_listening = False


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if not _hooks:
        return
    if event == "open":
        path, _, flags = arguments
        _call("open" if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC) else "read", path)
    elif event in _CHANGES:
        _call(event, arguments[0])


def _call(what: str, path: Any) -> None:
    hook = _hooks.pop()  # what it does itself isn't heard
    try:
        hook(what, os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else "")
    finally:
        _hooks.append(hook)


class _Stepping(io.FileIO):
    """A file of which each write is announced."""

    def write(self, data: Any) -> int:
        if _hooks:
            _call("write", None)
        return super().write(data)

    def truncate(self, size: int | None = None) -> int:
        if _hooks:
            _call("truncate", None)
        return super().truncate(size)


def _open(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
    if not _hooks or not isinstance(file, (str, os.PathLike)) or not set("wxa+") & set(mode) or "b" not in mode:
        return _real_open(file, mode, *rest, **options)
    raw = _Stepping(file, mode.replace("b", ""), opener=options.get("opener"))
    return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)


def _fsync(handle: int) -> None:
    if _hooks:
        _call("fsync", None)
    _real_fsync(handle)


_real_open, _real_fsync = builtins.open, os.fsync


@contextlib.contextmanager
def before_each(hook: Hook) -> Iterator[None]:
    """Call `hook` with the kind and the path of a call, before each one; opening a file to read it is a `"read"`."""
    global _listening
    if not _listening:
        sys.addaudithook(_heard)  # for the rest of the process: there is no way to remove one
        _listening = True
    _hooks.append(hook)
    builtins.open, os.fsync = _open, _fsync  # type: ignore[assignment]
    try:
        yield
    finally:
        builtins.open, os.fsync = _real_open, _real_fsync
        _hooks.remove(hook)
