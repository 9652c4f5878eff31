"""What a script writes, in a temporary folder that vanishes: its own files and folders stay as they are."""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["WritesApart"]

_OWN = "viz-tmp"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
_AS_THEY_ARE = ("/dev", "/proc", "/sys")


class WritesApart:
    """Inside, what Python code writes goes to a temporary folder, where reading finds it; files are never changed.

    This covers `open`, `os` and what is made of them: `pathlib`, `shutil`, `numpy.save`, checkpoints, logs. Programs
    that the script starts, and C libraries that open files on their own (HDF5, SQLite), are not covered.

    >>> import os
    >>> with WritesApart() as apart:
    ...     with open("never_there.txt", "w") as file:
    ...         _ = file.write("hello")
    ...     with open("never_there.txt") as file:
    ...         file.read()
    'hello'
    >>> os.path.exists("never_there.txt"), [os.path.basename(path) for path in apart.written]
    (False, ['never_there.txt'])
    """

    def __init__(self) -> None:
        self.written: list[str] = []
        self._gone: set[str] = set()
        self._root = ""
        self._stack = contextlib.ExitStack()
        self._real: dict[str, Any] = {}

    def __enter__(self) -> WritesApart:
        self._root = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="viz-", ignore_cleanup_errors=True))
        self._root = os.path.realpath(self._root)
        self._real = {name: getattr(os, name) for name in (*_ONE, *_TWO, *_READS, *_OTHERS)}
        self._real |= {"rmtree": shutil.rmtree, "plain": builtins.open}
        own = os.path.join(self._root, _OWN)  # temporary files of the script's own lie in it, as they are
        os.mkdir(own)
        self._put(tempfile, tempdir=own)
        self._put(sys, dont_write_bytecode=True)
        self._stack.callback(os.chdir, os.getcwd())
        self._put(builtins, open=self._open)
        self._put(io, open=self._open)
        self._put(shutil, rmtree=self._rmtree)
        made = {
            "open": self._os_open,
            "mkdir": self._mkdir,
            "listdir": self._listdir,
            "chdir": lambda path: self._real["chdir"](self._to_read(path)),
            "scandir": self._scandir,
        }
        made |= {name: self._changing(name) for name in _ONE} | {name: self._moving(name) for name in _TWO}
        made |= {name: self._reading(name) for name in _READS}
        self._put(os, **made)
        return self

    def _put(self, module: Any, **values: Any) -> None:
        """Let a module have these, until the block ends."""
        for name, value in values.items():
            self._stack.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, value)

    def __exit__(self, *error: object) -> None:
        self.written = [place for place in self.written if self._has(self._apart(place))]
        self._stack.close()

    # ------------------------------------------------------------------ where things are

    def _place(self, path: Any) -> str | None:
        """The full name of a path that may be redirected; None for descriptors, devices and the folder itself."""
        if isinstance(path, int) or not isinstance(path, (str, bytes, os.PathLike)):
            return None
        name = os.path.abspath(os.fsdecode(path))
        if name == self._root or name.startswith(self._root + os.sep):
            rest = name[len(self._root) + 1 :]
            if os.name != "posix" or rest.partition(os.sep)[0] in ("", _OWN):
                return None
            name = os.sep + rest  # the script has gone to a folder that is only here
        return None if name.startswith(_AS_THEY_ARE) else name

    def _apart(self, place: str) -> str:
        drive, rest = os.path.splitdrive(place)
        return os.path.join(self._root, drive.strip(":\\/"), rest.lstrip("\\/"))

    def _has(self, path: str) -> bool:
        try:
            self._real["lstat"](path)
        except OSError:
            return False
        return True

    def _to_read(self, path: Any) -> Any:
        """Where to read: apart, if it was written; nowhere, if it was removed."""
        place = self._place(path)
        if place is None:
            return path
        apart = self._apart(place)
        if self._is_gone(place) or self._has(apart):
            return apart
        return path if os.path.abspath(os.fsdecode(path)) == place else place

    def _is_gone(self, place: str) -> bool:
        return any(place == each or place.startswith(each + os.sep) for each in self._gone)

    def _to_write(self, path: Any, keep: bool = True) -> Any:
        """Where to write: a place apart whose folder exists if the real one does, with what the file holds."""
        place = self._place(path)
        if place is None:
            return path
        apart = self._apart(place)
        self._folder(os.path.dirname(place))
        gone = self._is_gone(place)
        if keep and not gone and not self._has(apart) and self._has(place):
            if stat.S_ISREG(self._real["stat"](place).st_mode):
                with self._real["plain"](place, "rb") as source, self._real["plain"](apart, "wb") as target:
                    shutil.copyfileobj(source, target)
            elif stat.S_ISDIR(self._real["stat"](place).st_mode):
                self._folder(place)
        return apart

    def _folder(self, place: str) -> None:
        """Let a real folder exist apart, too."""
        apart = self._apart(place)
        if self._has(apart) or self._is_gone(place) or not self._has(place):
            return
        if os.path.dirname(place) != place:
            self._folder(os.path.dirname(place))
        with contextlib.suppress(FileExistsError):
            self._real["mkdir"](apart)

    # ------------------------------------------------------------------ what stands in for Python's own

    def _open(self, file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if not any(letter in mode for letter in "wax+"):
            return self._real["plain"](self._to_read(file), mode, *rest, **options)
        if "x" in mode:
            self._refuse_existing(file)
        where = self._to_write(file, keep="w" not in mode)
        self._note(file)
        return self._real["plain"](where, mode, *rest, **options)

    def _refuse_existing(self, path: Any) -> None:
        if self._place(path) is not None and os.path.lexists(path):
            raise FileExistsError(17, "File exists", os.fspath(path))

    def _note(self, path: Any) -> None:
        place = self._place(path)
        if place is not None and place not in self.written:
            self.written.append(place)

    def _os_open(self, path: Any, flags: int, *rest: Any, **options: Any) -> int:
        if flags & _WRITING:
            path = self._full(path, options)
        if options.get("dir_fd") is not None or not flags & _WRITING:
            descriptor: int = self._real["open"](self._to_read(path), flags, *rest, **options)
            return descriptor
        if flags & os.O_EXCL:
            self._refuse_existing(path)
        self._note(path)
        found: int = self._real["open"](self._to_write(path), flags, *rest, **options)
        return found

    def _full(self, path: Any, options: dict[str, Any]) -> Any:
        """A path without `dir_fd`, which is taken out of the options."""
        folder = options.pop("dir_fd", None)
        if folder is None or os.path.isabs(path):
            return path
        return os.path.join(self._real["readlink"](f"/proc/self/fd/{folder}"), os.fsdecode(path))

    def _mkdir(self, path: Any, *rest: Any, **options: Any) -> None:
        path = self._full(path, options)
        self._refuse_existing(path)
        self._real["mkdir"](self._to_write(path, keep=False), *rest, **options)

    def _changing(self, name: str) -> Callable[..., Any]:
        """`os.remove` and the like: what they do happens apart."""

        def changed(path: Any, *rest: Any, **options: Any) -> Any:
            path = self._full(path, options)
            place = self._place(path)
            if place is None:
                return self._real[name](path, *rest, **options)
            if name in _REMOVING:
                self._real["lstat"](self._to_read(path))  # raises where there is nothing
                apart = self._apart(place)
                if self._has(apart):
                    self._real[name](apart)
                self._gone.add(place)
                return None
            return self._real[name](self._to_write(path), *rest, **options)

        return changed

    def _moving(self, name: str) -> Callable[..., Any]:
        def moved(source: Any, target: Any, *rest: Any, **options: Any) -> Any:
            if name == "symlink":
                return self._real[name](source, self._to_write(target, keep=False), *rest, **options)
            place = self._place(source)
            self._note(target)
            done = self._real[name](self._to_write(source), self._to_write(target, keep=False), *rest, **options)
            if place is not None and name in ("rename", "replace"):
                self._gone.add(place)
            return done

        return moved

    def _reading(self, name: str) -> Callable[..., Any]:
        def read(path: Any, *rest: Any, **options: Any) -> Any:
            where = path if options.get("dir_fd") is not None else self._to_read(path)
            return self._real[name](where, *rest, **options)

        return read

    def _touched(self, path: Any) -> str | None:
        """The full name of a folder, None where nothing in it was changed."""
        place = self._place("." if path is None else path)
        if place is None or self._has(self._apart(place)) or any(each.startswith(place) for each in self._gone):
            return place
        return None

    def _listdir(self, path: Any = ".") -> list[Any]:
        found: list[Any] = self._real["listdir"](path) if self._touched(path) is None else self._scandir(path)
        return [getattr(each, "name", each) for each in found]

    def _scandir(self, path: Any = ".") -> Any:
        place = self._touched(path)
        if place is None:
            return self._real["scandir"](path)
        apart = self._apart(place)
        own = list(self._real["scandir"](apart)) if self._has(apart) else []
        names = {entry.name for entry in own}
        real = list(self._real["scandir"](place)) if self._has(place) and not self._is_gone(place) else []
        rest = [e for e in real if e.name not in names and not self._is_gone(os.path.join(place, e.name))]
        return _Entries([*rest, *own])

    def _rmtree(self, path: Any, *rest: Any, **options: Any) -> None:
        place = self._place(path)
        if place is None:
            self._real["rmtree"](path, *rest, **options)
            return
        self._gone.add(place)
        apart = self._apart(place)
        if self._has(apart):
            for folder, _, files in os.walk(apart, topdown=False):
                for file in files:
                    self._real["remove"](os.path.join(folder, file))
                self._real["rmdir"](folder)


class _Entries(contextlib.ExitStack):
    """What `os.scandir` gives, of two folders; closed, or left as a context, there is nothing to do."""

    def __init__(self, entries: list[Any]) -> None:
        super().__init__()
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Any]:
        return self._entries

    def __next__(self) -> Any:
        return next(self._entries)


_REMOVING = ("remove", "unlink", "rmdir")
_ONE = tuple([name for name in (*_REMOVING, "chmod", "utime", "truncate") if hasattr(os, name)])
_TWO = tuple([name for name in ("rename", "replace", "link", "symlink") if hasattr(os, name)])
_OTHERS = ("open", "mkdir", "listdir", "scandir", "chdir")
_READS = ("stat", "lstat", "access", "readlink")
