"""HDF5 files, read with suspicion: plain groups and arrays only. The one file that imports h5py.

HDF5 can point to other files, map arrays together from elsewhere, and declare sizes that are not
stored. None of that has a place in a file of weights, so all of it is refused.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy

from eagerflow.base.machine.budget import DEEPEST, LoadLimitError, room, step, take
from eagerflow.base.text.extras import missing_package
from eagerflow.models.saving.assign import fill
from eagerflow.models.saving.errors import FileFormatError

__all__ = ["Array", "Group", "reading", "writing"]

_OBJECT = 2**13  # bytes that an array takes before it is read
_PIECE = 8 * 2**20  # bytes of an array that are read at once
_BLOCK = 2**20
_CHECKSUM = "eagerflow_crc32"
_HEAP = b"GCOL\x01\0\0\0"
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeError, OverflowError, MemoryError)


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise missing_package("h5py", "h5py", "Reading and writing of Keras files") from None
    return h5py


class Array:
    """An array in a file, not read yet.

    Attributes:
        shape: as declared.
        dtype: its NumPy type; bfloat16 where the file says so and the package `ml_dtypes` is there.
    """

    def __init__(self, dataset: Any, file: str, path: str, heaps: _Heaps) -> None:
        self._dataset, self._file, self._path, self._attributes = dataset, file, path, _Attributes(dataset, file, heaps)
        self.shape: tuple[int, ...] = tuple(dataset.shape)
        self.dtype: numpy.dtype[Any] = dataset.dtype
        self.is_bfloat16 = self._attributes.get("dtype") in ("bfloat16", b"bfloat16")

    def read(self) -> numpy.ndarray:
        """The values.

        Raises:
            FileFormatError: when they can't be read.
        """
        take(math.prod(self.shape) * self.dtype.itemsize * (1 + self.is_bfloat16), f"array {self._path!r}")
        found = numpy.empty(self.shape, numpy.float32 if self.is_bfloat16 else self.dtype)
        fill(found, self.pieces())
        return found

    def pieces(self) -> Iterator[numpy.ndarray]:
        """The values in their order, in flat arrays of some megabytes.

        Raises:
            FileFormatError: when they can't be read; after the last one, when the checksum is wrong.
        """
        checksum = _beginning_of_sum(self.dtype, self.shape)
        room(math.prod(self._dataset.chunks or ()) * self.dtype.itemsize, f"array {self._path!r}")
        for part in self._parts():
            try:
                found = numpy.ascontiguousarray(self._dataset[part], self.dtype).reshape(-1)
            except _DAMAGE as error:
                raise FileFormatError(
                    f"{self._file!r} is damaged: array {self._path!r} can't be read ({error})."
                ) from None
            checksum = zlib.crc32(found.view(numpy.uint8).data, checksum)
            yield _from_bfloat16(found) if self.is_bfloat16 else found
        expected = self._attributes.get(_CHECKSUM)
        if expected is not None and expected != checksum:
            raise FileFormatError(f"{self._file!r} is damaged: the checksum of array {self._path!r} is wrong.")

    def _parts(self) -> Iterator[tuple[Any, ...]]:
        """Indices of parts that lie one after the other; of the whole where it is stored in chunks, or small."""
        most, axis = max(1, _PIECE // self.dtype.itemsize), 0
        if math.prod(self.shape) <= most or self._dataset.chunks is not None:
            yield ()
            return
        while math.prod(self.shape[axis + 1 :]) > most:
            axis += 1
        step = most // math.prod(self.shape[axis + 1 :])
        for before in numpy.ndindex(self.shape[:axis]):
            for start in range(0, self.shape[axis], step):
                yield (*before, slice(start, start + step))


def _checksum(array: numpy.ndarray) -> int:
    """Of type, shape and values: a flipped bit in any of them shows."""
    values = numpy.ascontiguousarray(array).reshape(-1)
    return zlib.crc32(values.view(numpy.uint8).data, _beginning_of_sum(array.dtype, array.shape))


def _beginning_of_sum(dtype: numpy.dtype[Any], shape: tuple[int, ...]) -> int:
    return zlib.crc32(f"{dtype.str} {shape}".encode())


def _from_bfloat16(raw: numpy.ndarray) -> numpy.ndarray:
    """The upper halves of float32 numbers, as float32."""
    bits = raw.view(numpy.uint16).astype(numpy.uint32) << 16
    return bits.view(numpy.float32)


class _Attributes(Mapping[str, Any]):
    """The attributes of a group, each read when it is asked for: what nobody needs can't do harm.

    (Text of variable length lies in a heap; damage there can keep libhdf5 busy without end, see `_Heaps`.)
    """

    def __init__(self, group: Any, file: str, heaps: _Heaps) -> None:
        self._group, self._file, self._names, self._heaps = group, file, list(group.attrs), heaps

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        try:
            return _attribute(self._group, name, self._heaps)
        except (FileFormatError, LoadLimitError):
            raise
        except _DAMAGE as error:
            raise FileFormatError(
                f"{self._file!r} is damaged: attribute {name!r:.80} can't be read ({error})."
            ) from None


class Group:
    """A group of a file: its attributes, groups and arrays, all checked."""

    def __init__(self, group: Any, file: str, source: BinaryIO) -> None:
        self.file = file
        self.attributes: Mapping[str, Any] = {}
        self.groups: dict[str, Group] = {}
        self.arrays: dict[str, Array] = {}
        self._fill(group, "", 0, _Counter(file, source))

    @classmethod
    def _below(cls, group: Any, file: str, path: str, depth: int, counter: _Counter) -> Group:
        made = cls.__new__(cls)
        made.file, made.attributes, made.groups, made.arrays = file, {}, {}, {}
        made._fill(group, path, depth, counter)
        return made

    def _fill(self, group: Any, path: str, depth: int, counter: _Counter) -> None:
        h5py = _h5py()
        counter.visit(group, path, depth)
        self.attributes = _Attributes(group, self.file, counter.heaps)
        for name in group:
            inner = f"{path}/{name}" if path else name
            step(4)
            take(_OBJECT, "all of its groups and arrays")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise FileFormatError(
                    f"{self.file!r}: {inner!r} is a link to elsewhere; such links are never followed."
                )
            member = group[name]
            if isinstance(member, h5py.Group):
                self.groups[name] = self._below(member, self.file, inner, depth + 1, counter)
            elif isinstance(member, h5py.Dataset):
                _check(member, self.file, inner)
                self.arrays[name] = Array(member, self.file, inner, counter.heaps)
            else:
                raise FileFormatError(
                    f"{self.file!r}: {inner!r} is a {type(member).__name__}; expected a group or array."
                )

    def all_arrays(self, prefix: str = "") -> Iterator[tuple[str, Array]]:
        """Every array below, by its path."""
        for name, array in self.arrays.items():
            yield f"{prefix}{name}", array
        for name, group in self.groups.items():
            yield from group.all_arrays(f"{prefix}{name}/")

    def text(self, name: str) -> str | None:
        """An attribute that holds text; None where there is none."""
        value = self.attributes.get(name)
        return value.decode("utf-8") if isinstance(value, bytes) else None if value is None else str(value)

    def texts(self, name: str) -> list[str]:
        """An attribute that holds several texts; long ones are kept in pieces `name0`, `name1`, ..."""
        found: list[Any] = []
        if name in self.attributes:
            found = list(numpy.atleast_1d(self.attributes[name]))
        else:
            for i in itertools.count():
                if f"{name}{i}" not in self.attributes:
                    break
                found += list(numpy.atleast_1d(self.attributes[f"{name}{i}"]))
        return [v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in found]

    def find_group(self, path: str) -> Group | None:
        """The group at `path`."""
        here: Group | None = self
        for part in path.split("/"):
            here = None if here is None else here.groups.get(part)
        return here

    def find_array(self, path: str) -> Array | None:
        """The array at `path`."""
        above, _, name = path.rpartition("/")
        group = self.find_group(above) if above else self
        return None if group is None else group.arrays.get(name)


class _Heaps:
    """The heaps of a file, in which text of variable length lies; checked once, before any such text is read.

    Source: "Global Heap" in the HDF5 File Format Specification, version 3.0.
    """

    def __init__(self, source: BinaryIO, file: str) -> None:
        self._source, self._file = source, file
        self._largest: int | None = None

    def largest(self) -> int:
        """The bytes of the largest of all objects of all heaps, through which it walks once.

        Raises:
            FileFormatError: when one has a size that can't be.
        """
        if self._largest is not None:
            return self._largest
        self._largest = 0
        before = self._source.tell()
        length = self._source.seek(0, os.SEEK_END)
        for start in list(self._found()):
            self._walk(start, length)
        self._source.seek(before)
        return self._largest

    def _found(self) -> Iterator[int]:
        """Where heaps begin."""
        self._source.seek(0)
        at, end_of_last = 0, b""
        while block := self._source.read(_BLOCK):
            content = end_of_last + block
            found = content.find(_HEAP)
            while found >= 0:
                yield at - len(end_of_last) + found
                found = content.find(_HEAP, found + len(_HEAP))
            at += len(block)
            end_of_last = content[-len(_HEAP) + 1 :]

    def _walk(self, start: int, length: int) -> None:
        end = start + self._number(start + 8, 8)
        at = start + 16
        while at + 16 <= end <= length:
            step(0.05)
            number, size = self._number(at, 2), self._number(at + 8, 8)
            if number == 0:  # the free rest, of at least its own header
                at = end if 16 <= size <= end - at else -1
                break
            at += 16 + (size + 7) // 8 * 8
            self._largest = max(self._largest or 0, size)
        if not 0 <= at <= end <= length:
            raise FileFormatError(f"{self._file!r} is damaged: the heap at byte {start}, which holds text.")

    def _number(self, at: int, size: int) -> int:
        self._source.seek(at)
        return int.from_bytes(self._source.read(size), "little")


class _Counter:
    """Bounds the depth of groups, and notices groups that contain themselves."""

    def __init__(self, file: str, source: BinaryIO) -> None:
        self.file, self.seen, self.heaps = file, set[Any](), _Heaps(source, file)

    def visit(self, group: Any, path: str, depth: int) -> None:
        address = _h5py().h5o.get_info(group.id).addr
        if depth > DEEPEST or address in self.seen:
            raise FileFormatError(f"{self.file!r}: its groups are nested too deep, or linked twice, at {path!r:.80}.")
        self.seen.add(address)


def _attribute(group: Any, name: str, heaps: _Heaps) -> Any:
    kind = group.attrs.get_id(name)
    size = kind.dtype.itemsize
    if _h5py().check_vlen_dtype(kind.dtype) or kind.dtype.kind == "O":
        size += heaps.largest()  # all of them may be the same one
    take(math.prod(kind.shape) * size, f"attribute {name!r:.40}")
    return group.attrs[name]


def _check(dataset: Any, file: str, path: str) -> None:
    """Refuse what isn't a plain array stored in this file.

    Raises:
        FileFormatError: saying what it is.
    """
    what = None
    if dataset.is_virtual or dataset.external:
        what = "takes its values from other files"
    elif dataset.shape is None or dataset.dtype.kind not in "biufcV" or dataset.dtype.hasobject:
        what = f"holds {dataset.dtype}, no numbers"
    elif dataset.nbytes and not dataset.id.get_storage_size():
        what = f"declares {dataset.nbytes} bytes, and 0 are stored"
    if what is not None:
        raise FileFormatError(f"{file!r}: array {path!r} {what}.")


@contextlib.contextmanager
def reading(source: BinaryIO, file: str) -> Iterator[Group]:
    """The root of an HDF5 file, while it is open.

    Raises:
        FileFormatError: when the file is damaged, or holds what isn't read.
    """
    h5py = _h5py()
    try:
        opened = h5py.File(source, "r")
    except _DAMAGE as error:
        raise FileFormatError(f"{file!r} is no HDF5 file, or damaged ({error}).") from None
    with contextlib.closing(opened):
        try:
            root = Group(opened, file, source)
        except (FileFormatError, LoadLimitError):
            raise
        except _DAMAGE as error:
            raise FileFormatError(f"{file!r} is damaged ({error}).") from None
        yield root


class Writer:
    """Writes arrays and attributes into an open HDF5 file."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def attributes(self, path: str, values: Mapping[str, Any]) -> None:
        """Set attributes of a group, which is made if needed."""
        group = self._file.require_group(path) if path else self._file
        for name, value in values.items():
            group.attrs[name] = value

    def notes(self, values: Mapping[str, str]) -> None:
        """Set attributes of the file that hold text, of any length."""
        self.attributes("", values)

    def texts(self, path: str, name: str, values: list[str]) -> None:
        """Set an attribute of several texts, in pieces where they don't fit into one."""
        encoded = numpy.array([v.encode() for v in values]) if values else numpy.array([], "S1")
        pieces = max(1, -(-encoded.nbytes // 60_000))
        for i, part in enumerate(numpy.array_split(encoded, pieces)):
            self.attributes(path, {f"{name}{i}" if pieces > 1 else name: part})

    def array(self, path: str, values: numpy.ndarray) -> None:
        """Store an array."""
        is_bfloat16 = values.dtype.name == "bfloat16"
        stored = values.view("V2") if is_bfloat16 else values
        dataset = self._file.create_dataset(path, data=stored)
        dataset.attrs[_CHECKSUM] = numpy.uint32(_checksum(stored))
        if is_bfloat16:
            dataset.attrs["dtype"] = "bfloat16"


@contextlib.contextmanager
def writing(target: BinaryIO) -> Iterator[Writer]:
    """A writer of an HDF5 file into an open file."""
    try:
        with _h5py().File(target, "w") as file:
            yield Writer(file)
    except SystemError as error:  # h5py on Python 3.13, where a second write fails after the first: no room, say
        raise _told_by_system(error) from None


def _told_by_system(error: BaseException) -> BaseException:
    """The error of the system at the beginning of a chain of errors; if there is none, the last of them."""
    found, link = error, error.__cause__ or error.__context__
    while link is not None:
        found = link if isinstance(link, OSError) else found
        link = link.__cause__ or link.__context__
    return found
