"""ONNX files in: opened with care."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator, Sequence

from eagerflow.base.errors import MissingFileError
from eagerflow.base.files import irregular
from eagerflow.base.machine import budget
from eagerflow.onnx.reading.program import Program
from eagerflow.onnx.reading.protos import LoadError, Message, model_of, onnx_package
from eagerflow.onnx.reading.reader import Reader
from eagerflow.onnx.reading.tensors import Folder

__all__ = ["read"]

_LARGEST = 2**31  # bytes: protobuf ends there


@contextlib.contextmanager
def read(
    path: str | os.PathLike[str], outputs: Sequence[str] | None = None, limit: budget.Limit = "auto"
) -> Iterator[Program]:
    """Read a file.

    Args:
        path: the file; tensors may lie in others in its folder.
        outputs: names of values (outputs of nodes) that are wanted instead of the graph's own outputs.
        limit: how many bytes may be taken, also inside of the block.

    Raises:
        LoadError: for a file that is damaged, hostile, or has nodes that aren't known here.
        FileNotFoundError: where there is none.
        ImportError: without the `onnx` package.
    """
    place = pathlib.Path(os.fspath(path))
    onnx_package()  # or say that it is missing
    with budget.loading(str(place), _status(place).st_size, limit, "load_onnx(..., limit=None)"):
        yield _program(place, outputs)


def _program(place: pathlib.Path, outputs: Sequence[str] | None) -> Program:
    """What the file describes."""
    try:
        return Reader(Folder(place)).model(_message(place), outputs)
    except LoadError as error:
        raise LoadError(f"{str(place)!r:.120}: {error!s:.360}") from None


def _message(place: pathlib.Path) -> Message:
    """The model's message, from a file that is a plain one, and no larger than protobuf's messages can be."""
    with open(place, "rb") as file:
        status = os.fstat(file.fileno())
        _check_plain(status, place)
        return model_of(file.read(status.st_size))


def _status(place: pathlib.Path) -> os.stat_result:
    try:
        status = os.stat(place)
    except FileNotFoundError:
        raise MissingFileError(f"There is no file {str(place)!r:.150} (in {os.getcwd()!r:.150}).") from None
    _check_plain(status, place)  # opening a pipe may never end
    return status


def _check_plain(status: os.stat_result, place: pathlib.Path) -> None:
    kind = irregular(status)
    if kind is not None:
        raise LoadError(f"{str(place)!r:.150} is {kind}, not an ONNX file.")
    if status.st_size > _LARGEST:
        raise LoadError(f"{str(place)!r:.150} has {status.st_size:,} bytes; ONNX files end at {_LARGEST:,}.")
