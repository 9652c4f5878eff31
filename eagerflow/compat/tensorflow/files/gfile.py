"""`tf.io.gfile`: files and folders of this machine."""

from __future__ import annotations

import glob as _glob
import os
import shutil
from collections.abc import Callable
from typing import Any

from eagerflow.data.text import TextTensor

__all__ = ["GFile", "copy", "exists", "glob", "isdir", "listdir", "makedirs", "matching", "mkdir", "remove", "rename"]
__all__ += ["rmtree", "walk"]


def _of_path(function: Callable[..., Any], **settings: Any) -> Callable[..., Any]:
    def call(path: Any) -> Any:
        return function(_path(path), **settings)

    return call


exists, isdir, listdir = _of_path(os.path.exists), _of_path(os.path.isdir), _of_path(os.listdir)
mkdir, makedirs = _of_path(os.mkdir), _of_path(os.makedirs, exist_ok=True)
remove, rmtree, walk = _of_path(os.remove), _of_path(shutil.rmtree), _of_path(os.walk)


def GFile(name: Any, mode: str = "r") -> Any:
    """The file, opened."""
    return open(_path(name), mode, encoding=None if "b" in mode else "utf-8")


def matching(pattern: Any) -> list[str]:
    """The files whose names fit a pattern, or one of a list, in order."""
    if isinstance(pattern, (list, tuple)) or (isinstance(pattern, TextTensor) and pattern.ndim):
        return [found for one in pattern for found in matching(one)]
    return sorted(_glob.glob(_path(pattern)))


glob = matching


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


def _free(path: Any, overwrite: bool) -> None:
    if exists(path) and not overwrite:
        raise FileExistsError(f"{_path(path)} is there already; overwrite=True replaces it.")


def _path(path: Any) -> str:
    return os.fsdecode(path.numpy() if isinstance(path, TextTensor) else path)
