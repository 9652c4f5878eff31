"""Replacing files so that a crash, a full disk or a reader beside never meets half of one."""

from __future__ import annotations

import contextlib
import difflib
import os
import stat
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from eagerflow.base.config import home

__all__ = ["ending_hint", "irregular", "make_home", "mode_of", "names_a_file", "put_in_place", "replacing"]
__all__ += ["sync_folder", "zip_member"]

_BUSY_FILES_STAY = os.name == "nt"  # Windows doesn't replace a file that somebody has open
_WAITS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # seconds; readers are soon done


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], overwrite: bool = True, mode: int | None = None) -> Iterator[BinaryIO]:
    """A new file beside `path`, which takes its place when the block ends well, and vanishes when it doesn't.

    Whatever happens in between, a reader sees the old file or the new one, whole.

    Args:
        path: the file.
        overwrite: whether an existing file may be replaced.
        mode: the permissions of the new file; default: those of the file that it replaces. The temporary file never
            has wider ones.

    Raises:
        FileExistsError: when there is a file and `overwrite` is False.
        FileNotFoundError: when the folder doesn't exist.
        PermissionError: when the old file stays in use where such files can't be replaced.
        ValueError: when the path is a folder, pipe or device.
    """
    target = os.path.realpath(os.fsdecode(path))  # a link stays, what it points to is replaced
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"cannot write {target!r}: the folder {folder!r} doesn't exist; make it first (os.makedirs)."
        )
    existing = mode_of(target, overwrite)
    mode = existing if mode is None else mode
    temporary = os.path.join(folder, f".{os.path.basename(target)[:100]}.{os.urandom(6).hex()}.tmp")
    try:
        with open(temporary, "xb+", opener=partial(os.open, mode=0o666 if mode is None else mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        put_in_place(temporary, target)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = target  # a full disk is told without it
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def put_in_place(temporary: str, path: str) -> None:
    """Give a complete file its name; where that name is in use and the system refuses, wait a little.

    Raises:
        PermissionError: when it stays in use.
    """
    for wait in _WAITS if _BUSY_FILES_STAY else ():
        try:
            os.replace(temporary, path)
            return
        except PermissionError:
            time.sleep(wait)
    try:
        os.replace(temporary, path)
    except PermissionError as error:
        if not _BUSY_FILES_STAY:
            raise
        raise PermissionError(
            f"{path!r} could not be replaced: another program has it open, or it may not be changed. It still holds "
            "what was saved before; close it there, or save under another name."
        ) from error


def make_home() -> None:
    """Make `config.home()` if it doesn't exist. Nobody else may write to it, whatever the umask allows."""
    home().mkdir(mode=0o755, parents=True, exist_ok=True)


def irregular(status: os.stat_result) -> str | None:
    """What something is that is no regular file, in words; None for a file."""
    if stat.S_ISREG(status.st_mode):
        return None
    return "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, device or socket"


def mode_of(path: str, overwrite: bool = True) -> int | None:
    """The permissions of a file that will be replaced, None where there is none.

    Raises:
        FileExistsError: when there is a file and `overwrite` is False.
        ValueError: when the path is a folder, pipe or device.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    if not overwrite:
        raise FileExistsError(f"{path!r} exists. Pass overwrite=True to replace it, or choose another name.")
    kind = irregular(status)
    if kind is not None:
        raise ValueError(f"{path!r} is {kind}, not a file that can be replaced.")
    return stat.S_IMODE(status.st_mode)


def zip_member(name: str) -> zipfile.ZipInfo:
    """A new entry of a zip archive with the current time, or the earliest that zip can express: the start of 1980."""
    made = zipfile.ZipInfo(name, max(time.localtime()[:6], (1980, 1, 1, 0, 0, 0)))
    made.external_attr = 0o600 << 16
    return made


def sync_folder(folder: str) -> None:
    """Make the new name itself durable, where folders can be synced (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_MODEL_ENDINGS = (".keras", ".h5", ".hdf5", ".safetensors")
# Endings of other libraries' files: nobody names a folder so. (Tutorials of Keras 2 do with `.ckpt` and `.model`.)
_OTHER_ENDINGS = frozenset(
    ".bin .joblib .json .mat .npy .npz .onnx .pickle .pkl .pt .pth .tflite .txt .yaml .yml .zip".split()
)


def ending_hint(path: str) -> str:
    """`" Did you mean 'model.keras'?"`, with the nearest ending of a model's file, or `.keras` for another library's.

    >>> from eagerflow.base.files import ending_hint
    >>> ending_hint("model.kears"), ending_hint("model.pth"), ending_hint("my_model")
    (" Did you mean 'model.keras'?", " Did you mean 'model.keras'?", '')
    """
    stem, ending = os.path.splitext(path)
    return f" Did you mean {stem + (_nearest_ending(ending) or '.keras')!r}?" if stem and names_a_file(path) else ""


def names_a_file(path: str) -> bool:
    """Whether a path without an ending of ours must be a file, as `model.kears` is, but `runs/0.5` isn't.

    >>> from eagerflow.base.files import names_a_file
    >>> [names_a_file(path) for path in ("model.kears", "model.pth", "my_model", "runs/0.5", "model.v2")]
    [True, True, False, False, False]
    """
    ending = os.path.splitext(path)[1]
    return _nearest_ending(ending) is not None or ending.lower() in _OTHER_ENDINGS


def _nearest_ending(ending: str) -> str | None:
    if not ending[1:2].isalpha() or ending in _MODEL_ENDINGS:
        return None
    return next(iter(difflib.get_close_matches(ending.lower(), _MODEL_ENDINGS, n=1, cutoff=0.75)), None)
