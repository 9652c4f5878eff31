"""A `.efz` file before it is a record: which members it has, how large they may be, its JSON and its columns.

It loads nothing of eagerflow: that takes longer than the reading.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable
from importlib import import_module
from typing import Any, Literal

import numpy

from viz.facts.collector import collector_at_rest
from viz.facts.columns import Damaged, check_nesting
from viz.facts.formatting import file_kind, how_to_record, meant_file, not_a_recording
from viz.facts.schema import Scope

__all__ = ["KIND", "VALUES", "VERSION", "Allowed", "Limit", "TraceFileError", "check_header", "check_ids"]
__all__ += ["check_members", "check_parents", "columns_of", "parse", "rank_file", "reading"]

VERSION = 9  # of the format; no other one is read
KIND = "eagerflow trace"
VALUES = "values.npz"  # only where values were kept
_FLOOR, _MULTIPLE = 192 << 20, 256  # bytes that a file of any size may take, and for each of its bytes
_CELL = 48  # bytes that a number of a column takes as an object
_OF_JSON = ((b"{", 240), (b"[", 100), (b",", 64))  # and what an object, an array and an entry of JSON take
_DEEPEST = 400  # scopes in each other: a layer that calls itself meets the end of Python's stack before
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError)
_MEMBERS = ("trace.json", "columns.npz")
_RANK = re.compile(r"ranks/([1-9][0-9]{0,5})\.efz")  # only where several ranks took part
# What NumPy writes before a flat array of numbers, which is all that a column can be.
_COLUMN = re.compile(
    rb"\x93NUMPY\x01\0..\{'descr': '([<>|][biuf]\d{1,2})', 'fortran_order': False, 'shape': \((\d{1,15}),\), \} *\n",
    re.DOTALL,
)


Limit = int | Literal["auto"] | None


class TraceFileError(ValueError):
    """Raised for a file that isn't a recording, is damaged, or was written by a newer version.

    >>> import viz
    >>> from pathlib import Path
    >>> _ = Path("run.efz").write_bytes(b"something else")
    >>> try:
    ...     viz.load("run.efz")
    ... except viz.TraceFileError as error:
    ...     print(error)
    'run.efz' is not a recording (it begins with b'some', where a recording has b'PK')
    """


def reading(path: Any, limit: Limit, reader: Callable[[str | os.PathLike[str], Allowed], Any]) -> Any:
    """What a reader gives of a file; whatever it stumbles over is said in words.

    Args:
        path: the file.
        limit: how many bytes it may take; `"auto"`: as many as its size lets expect; None: any number.
        reader: called with the path and what is allowed.

    Raises:
        FileNotFoundError: when there is no such file.
        TypeError: when `path` is none.
        TraceFileError: when it is no trace, is damaged, is too large, or is of a newer version.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"viz.load(path): expected the path of a file; got {type(path).__name__}")
    name = os.fspath(path)
    if not os.path.exists(path):
        cure = how_to_record(name) if file_kind(name) == "a script" else meant_file(name, ".efz")
        raise FileNotFoundError(f"there is no file {name!r:.150}{cure}")
    if not os.path.isfile(path):
        kind = import_module("eagerflow.base.files").irregular(os.stat(path))
        raise TraceFileError(f"{name!r:.150} is {kind}, not a file that holds a recording")
    try:
        with collector_at_rest():
            return reader(path, Allowed(limit, os.stat(path).st_size))
    except PermissionError:
        raise PermissionError(f"{name!r:.150} may not be read") from None
    except (*_DAMAGE, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise TraceFileError(_in_words(name, error)) from None


def _in_words(name: str, error: Exception) -> str:
    """What an error that a reader stumbled over says of the file."""
    said = f"{error!s:.300}"
    if isinstance(error, (TraceFileError, zipfile.BadZipFile)) and file_kind(name):
        return not_a_recording(name)
    if isinstance(error, TraceFileError):
        return f"{name!r:.150}: {said}"
    if isinstance(error, zipfile.BadZipFile):
        with open(name, "rb") as file:
            begins = file.read(4)
        if begins == b"PK\x03\x04":
            return f"{name!r:.150} is damaged, or was cut short"
        told = f"not a recording (it begins with {begins!r}, where a recording has b'PK')" if begins else "empty"
        return f"{name!r:.150} is {told}{'' if name.endswith('.efz') else how_to_record(name)}"
    if isinstance(error, (EOFError, NotImplementedError, OSError)):
        return f"{name!r:.150} is not a recording, or was cut short: {said}"
    if isinstance(error, KeyError):
        said = f"it has no {error!s:.80}"
    elif isinstance(error, (AttributeError, TypeError)):
        said = f"a value in it is of another kind than in a recording ({type(error).__name__})"
    return f"{name!r:.150} is damaged: {said}"


class Allowed:
    """How many bytes the reading of a file may take: what it unpacks to, and the objects that are made of that."""

    def __init__(self, limit: Limit, packed: int = 0, cure: str = "viz.load(path, limit=None)") -> None:
        self.cure = cure
        self.left = self.limit = (
            _FLOOR + _MULTIPLE * packed if limit == "auto" else math.inf if limit is None else limit
        )

    def take(self, size: float) -> None:
        """So many bytes are going to be used."""
        self.left -= size
        if self.left < 0:
            raise TraceFileError(
                f"it would take more than the limit of {self.limit:,} bytes. If you trust it: {self.cure}."
            )

    def check(self, archive: zipfile.ZipFile) -> None:
        """Refuse a file that would unpack to more.

        The zipfile module itself never unpacks more than a member declares, so the declared sizes are what counts.
        """
        methods = {member.compress_type for member in archive.infolist()}
        if methods - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise TraceFileError("it is packed in a way that such files are not")
        self.take(sum(member.file_size for member in archive.infolist()))


def rank_file(number: int) -> str:
    """The member that holds another rank's recording."""
    return f"ranks/{number}.efz"


def check_members(archive: zipfile.ZipFile, inner: bool) -> int:
    """Refuse a file that holds something else than a recording; gives how many other ranks there are."""
    held = archive.namelist()
    ranks = sum([_RANK.fullmatch(name) is not None for name in held])
    wanted = {*_MEMBERS, *map(rank_file, range(1, 1 + ranks))}
    if set(held) - {VALUES} != wanted or len(set(held)) != len(held) or (inner and ranks):
        raise TraceFileError(f"not a recording: it holds {sorted(held)[:5]!s:.120} instead of {sorted(_MEMBERS)}")
    return ranks


def parse(text: bytes, allowed: Allowed) -> dict[str, Any]:
    """JSON that doesn't nest deeper than we ever write."""
    allowed.take(len(text) * (1 if text.isascii() else 4) + sum(text.count(mark) * size for mark, size in _OF_JSON))
    check_nesting(text)
    header = json.loads(text)
    if not isinstance(header, dict):
        raise TraceFileError("its JSON is no object")
    return header


def check_header(header: dict[str, Any]) -> None:
    """Refuse what isn't of this kind and version."""
    version = header.get("version")
    if header.get("kind") != KIND or not isinstance(version, int) or version < 1:
        raise TraceFileError(
            f"not a recording: its kind is {header.get('kind')!r:.60} and its version {version!r:.20}, not {KIND!r} "
            f"and {VERSION}"
        )
    if version != VERSION:
        cure = (
            "Install a newer eagerflow" if version > VERSION else "Record it again, or read it with an older eagerflow"
        )
        raise TraceFileError(f"its format has version {version}, and this viz reads version {VERSION}. {cure}.")


def columns_of(content: bytes, allowed: Allowed, but: Collection[str] = ()) -> dict[str, numpy.ndarray]:
    """The columns, but for some."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        allowed.check(archive)
        names = {name.removesuffix(".npy"): name for name in archive.namelist()}
        found = {name: _column(archive.read(names[name])) for name in names if name not in but}
    allowed.take(sum(_CELL * len(column) for column in found.values()))
    return found


def _column(content: bytes) -> numpy.ndarray:
    """A column, which must be as long as its header says before memory is taken for it."""
    header = _COLUMN.match(content)
    if header is None or header.end() != 10 + int.from_bytes(content[8:10], "little"):
        raise TraceFileError(f"damaged: a column has no proper .npy header, and begins with {content[:8]!r}")
    dtype, length = numpy.dtype(header[1].decode()), int(header[2])
    if length * dtype.itemsize != len(content) - header.end():
        raise TraceFileError(f"damaged: a column says it is {dtype}[{length}], which it isn't")
    return numpy.frombuffer(content, dtype, offset=header.end())


def check_ids(what: str, ids: Iterable[int], count: int) -> None:
    """Numbers must lead somewhere."""
    for number in ids:
        if not 0 <= number < count:
            raise Damaged(f"{what} refers to number {number} of {count}")


def check_parents(scopes: Iterable[Scope]) -> None:
    """Scopes must lie within scopes that came before, in circles nobody would find an end, and not too deep."""
    depths = list[int]()
    for position, scope in enumerate(scopes):
        if scope.parent is not None and not 0 <= scope.parent < position:
            raise Damaged(f"scope refers to number {scope.parent} of {position}")
        depths.append(0 if scope.parent is None else depths[scope.parent] + 1)
        if depths[-1] > _DEEPEST:
            raise Damaged(f"its scopes lie more than {_DEEPEST} deep in each other")
