"""A folder that holds what a `.keras` archive holds, as `save(zipped=False)` of Keras 3 writes it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

from eagerflow.base.files import mode_of, replacing, sync_folder
from eagerflow.base.machine.budget import step
from eagerflow.models.saving import json_text
from eagerflow.models.saving.archive import ASSETS, CONFIG, METADATA, WEIGHTS, check_versions, metadata_text
from eagerflow.models.saving.assets import asset_files, restore_assets
from eagerflow.models.saving.errors import FileFormatError
from eagerflow.models.saving.files import opened, whole_of
from eagerflow.models.saving.weights_h5 import write_state

__all__ = ["Folder", "size_of_folder", "write_folder"]

_TRIES = 20  # of a reader while other programs save
_AT_FDCWD = -100  # of Linux: paths are relative to the working directory
_RENAME_SWAP = 2  # of macOS, and RENAME_EXCHANGE of Linux
_OWN = frozenset({CONFIG, METADATA, WEIGHTS, ASSETS.rstrip("/")})


def write_folder(model: Any, config: dict[str, Any], path: str, overwrite: bool = True) -> None:
    """Write the whole model. A new folder takes the place of an older one when it is complete.

    Raises:
        ValueError: for a name that ends as a file's does.
        FileExistsError: when there is a folder and `overwrite` is False, or it holds something else.
    """
    path = os.path.realpath(path)
    if path.endswith((".keras", ".h5", ".hdf5", ".safetensors")):
        raise ValueError(f"save({path!r:.200}, zipped=False): the name of a folder doesn't end like a file's.")
    _check_old(path, overwrite)
    text = json_text.write_json(config, model)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)[:100]}.{secrets.token_hex(6)}")
    new, old = f"{temporary}.tmp", f"{temporary}.old"
    try:
        _fill(new, path, model, text)
        if not os.path.isdir(path):
            os.rename(new, path)
        elif _exchange(new, path):
            old = new
        else:
            os.rename(path, old)
            os.rename(new, path)
    except BaseException:
        if os.path.isdir(old) and not os.path.exists(path):
            os.rename(old, path)
        shutil.rmtree(new, ignore_errors=True)
        raise
    sync_folder(os.path.dirname(path))
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: str, other: str) -> bool:
    """Swap the names of two folders in one step; False where the system or the file system can't."""
    names = os.fsencode(one), os.fsencode(other)
    try:
        library = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return library.renamex_np(*names, _RENAME_SWAP) == 0
        return library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_SWAP) == 0
    except (AttributeError, OSError, TypeError):  # no such function; no such library (Windows)
        return False


def _check_old(path: str, overwrite: bool) -> None:
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise FileExistsError(f"{path!r} exists. Pass overwrite=True to replace it, or choose another name.")
    foreign = set(os.listdir(path)) - _OWN if os.path.isdir(path) else {"it is a file"}
    if foreign:
        raise FileExistsError(
            f"{path!r} exists and is no folder of a model ({sorted(foreign)[0]!r:.80}): it won't be replaced. "
            "Choose another name."
        )


def _fill(folder: str, old: str, model: Any, text: str) -> None:
    """Make the folder and write everything into it, with the permissions of the folder that it will replace."""
    contents = {METADATA: metadata_text(), CONFIG: text.encode()}
    contents |= {ASSETS + name: content for name, content in asset_files(model).items()}
    writers: dict[str, Callable[[BinaryIO], Any]] = {WEIGHTS: partial(write_state, model)}
    writers |= {name: partial(_write, content) for name, content in contents.items()}
    mode = stat.S_IMODE(os.stat(old).st_mode) if os.path.isdir(old) else None
    os.mkdir(folder, 0o777 if mode is None else mode)
    for name, write in writers.items():
        target = os.path.join(folder, *name.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with replacing(target, mode=mode_of(os.path.join(old, *name.split("/")))) as file:
            write(file)
    for made, _, _ in os.walk(folder):
        sync_folder(made)
    if mode is not None:
        os.chmod(folder, mode)


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def size_of_folder(path: str) -> int:
    """The bytes of its configuration and weights."""
    with os.scandir(path) as entries:
        return sum(entry.stat().st_size for entry in entries if entry.is_file())


class Folder:
    """A folder of a model that is read, with the methods of `Archive`; a context manager that holds a file open.

    Everything but the weights is read at once, so that all belongs to one save even if another one replaces the folder
    meanwhile.

    Raises:
        FileFormatError: when it holds no model, or one of a newer format.
    """

    def __init__(self, path: str) -> None:
        self._path, self._stack = path, contextlib.ExitStack()
        for _ in range(_TRIES):
            before, problem = _identity(path), None
            try:
                self._read()
            except FileFormatError as error:
                problem = error
            if _identity(path) == before:
                break
            self.__exit__()
        else:
            problem = FileFormatError(f"{path!r} can't be read: it is replaced over and over.")
        if problem is not None:
            self.__exit__()
            raise problem

    def _read(self) -> None:
        if not os.path.isfile(os.path.join(self._path, CONFIG)):
            hint = " It is a SavedModel of TensorFlow's, which only TensorFlow reads." if self._is_saved_model() else ""
            raise FileFormatError(f"{self._path!r} is a folder without {CONFIG!r}: it holds no model.{hint}")
        if os.path.lexists(os.path.join(self._path, METADATA)):
            check_versions(self._json(METADATA), self._path)
        self._config = self._json(CONFIG)
        self._weights = self._stack.enter_context(self._opened(WEIGHTS))
        self._assets = {name: self._content(ASSETS + name) for name in self._asset_names()}

    def _is_saved_model(self) -> bool:
        return os.path.isfile(os.path.join(self._path, "saved_model.pb"))

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *args: object) -> None:
        self._stack.close()

    def config(self) -> dict[str, Any]:
        """The model's configuration."""
        return self._config

    @contextlib.contextmanager
    def weights(self) -> Iterator[BinaryIO]:
        """The HDF5 file inside."""
        yield self._weights

    def restore_assets(self, model: Any) -> None:
        """Hand layers the files that they saved."""
        if self._assets:
            restore_assets(model, self._assets, self._path)

    def _asset_names(self) -> list[str]:
        root = os.path.join(self._path, ASSETS.rstrip("/"))
        if os.path.islink(root):
            raise FileFormatError(f"{root!r} is a link; links in folders of models are never followed.")
        names: list[str] = []
        for above, _, files in os.walk(root, followlinks=False):
            below = os.path.relpath(above, root).replace(os.sep, "/")
            names += [file if below == "." else f"{below}/{file}" for file in files]
            step(len(files))
        return sorted(names)

    def _json(self, name: str) -> dict[str, Any]:
        with self._opened(name) as file:
            return json_text.read_json(whole_of(file, name), self._path, name)

    def _content(self, name: str) -> bytes:
        with self._opened(name) as file:
            return whole_of(file, name)

    @contextlib.contextmanager
    def _opened(self, name: str) -> Any:
        path = os.path.join(self._path, *name.split("/"))
        if os.path.islink(path):
            raise FileFormatError(f"{path!r} is a link; links in folders of models are never followed.")
        try:
            with opened(path) as file:
                yield file
        except FileNotFoundError:
            raise FileFormatError(f"{self._path!r} has no {name}.") from None


def _identity(path: str) -> tuple[int, int, int] | None:
    """What another folder of the same name differs in."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino, status.st_ctime_ns
