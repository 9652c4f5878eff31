"""`tf.io.gfile`: files and folders of this machine."""

from __future__ import annotations

import glob as _glob
import os
import shutil
from typing import Any

from eagerflow.data.text import TextTensor

__all__ = ["GFile", "copy", "exists", "glob", "isdir", "listdir", "makedirs", "matching", "mkdir", "remove", "rename"]
__all__ += ["rmtree", "walk"]


def GFile(name: Any, mode: str = "r") -> Any:
    """The file, opened."""
    return open(_path(name), mode, encoding=None if "b" in mode else "utf-8")


def glob(pattern: Any) -> list[str]:
    """The files whose names fit a pattern, or one of a list, in order."""
    return matching(pattern)


def matching(pattern: Any) -> list[str]:
    """The files whose names fit a pattern, or one of a list, in order."""
    if isinstance(pattern, (list, tuple)) or (isinstance(pattern, TextTensor) and pattern.ndim):
        return [found for one in pattern for found in matching(one)]
    return sorted(_glob.glob(_path(pattern)))


def exists(path: Any) -> bool:
    """Whether there is such a file or folder."""
    return os.path.exists(_path(path))


def isdir(path: Any) -> bool:
    """Whether there is such a folder."""
    return os.path.isdir(_path(path))


def listdir(path: Any) -> list[str]:
    """The names in a folder."""
    return os.listdir(_path(path))


def makedirs(path: Any) -> None:
    """Make a folder, and those above it; nothing when it is there."""
    os.makedirs(_path(path), exist_ok=True)


def mkdir(path: Any) -> None:
    """Make a folder."""
    os.mkdir(_path(path))


def remove(path: Any) -> None:
    """Remove a file."""
    os.remove(_path(path))


def rmtree(path: Any) -> None:
    """Remove a folder and all that is in it."""
    shutil.rmtree(_path(path))


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Give a file another name.

    Raises:
        FileExistsError: when it is taken, without `overwrite`.
    """
    _free(dst, overwrite)
    os.replace(_path(src), _path(dst))


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copy a file.

    Raises:
        FileExistsError: when the name is taken, without `overwrite`.
    """
    _free(dst, overwrite)
    shutil.copyfile(_path(src), _path(dst))


def walk(top: Any) -> Any:
    """As `os.walk`."""
    return os.walk(_path(top))


def _free(path: Any, overwrite: bool) -> None:
    if exists(path) and not overwrite:
        raise FileExistsError(f"{_path(path)} is there already; overwrite=True replaces it.")


def _path(path: Any) -> str:
    return os.fsdecode(path.numpy() if isinstance(path, TextTensor) else path)
