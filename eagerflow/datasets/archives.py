"""Unpacks tar and zip archives, and never writes outside the folder that is theirs."""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

__all__ = ["ARCHIVE_ERRORS", "extract_archive", "limited", "to_the_end"]

_FORMATS = ("tar", "zip")
_RATIO, _FREELY = 250, 2**28  # the largest compression ratio of members, once they exceed this number of bytes
_MOST_MEMBERS = 5_000_000
_DEEPEST = 100  # folders
_BLOCK = 2**20
_LAST_RECORD = 22 + 0xFFFF  # bytes of a zip file that its last record and a comment may take

# What Python's modules raise on damaged archives: sizes in headers may also ask for more memory than there is.
ARCHIVE_ERRORS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    OverflowError,
    MemoryError,
    struct.error,
)


class ArchiveError(ValueError):
    """An archive is damaged, or holds what is not unpacked."""


def limited(archive: tarfile.TarFile, packed: int) -> Iterator[tarfile.TarInfo]:
    """The members of a tar archive, as long as they aren't far larger than the file.

    Args:
        archive: open for reading.
        packed: the bytes of the file.

    Raises:
        ArchiveError: when they are.
    """
    total = 0
    for count, member in enumerate(archive):
        total += member.size
        _check_size(total, packed, count)
        if member.size < 0:
            raise ArchiveError(f"its member {member.name[:80]!r} claims {member.size} bytes")
        yield member


def to_the_end(archive: tarfile.TarFile) -> None:
    """Read what comes after the last member: the checksum of a packed archive is verified at its end."""
    total = 0
    if archive.fileobj is not None and archive.fileobj.tell() <= archive.offset:
        raise ArchiveError("it ends before its end mark")
    while archive.fileobj is not None and (block := archive.fileobj.read(_BLOCK)):
        total += len(block)
        if total > _FREELY:
            raise ArchiveError("it goes on long after its end mark")


def _check_size(size: int, packed: int, count: int = 0) -> None:
    if size > max(_FREELY, _RATIO * packed) or count > _MOST_MEMBERS:
        raise ArchiveError(f"it would unpack to more than {size} bytes in {count} files, from {packed} bytes")


def _is_of_the_disk(error: BaseException) -> bool:
    """Whether the disk is to blame, not the archive."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)


def extract_archive(archive: Path, folder: Path, formats: Any = "auto") -> None:
    """Unpack an archive into a folder, which appears whole or not at all.

    Only plain files and folders are written. Files already in `folder` stay, unless the archive has them.

    Args:
        archive: a tar (also compressed) or zip file.
        folder: where its members go.
        formats: `"tar"`, `"zip"`, a list of them, or `"auto"` for both.

    Raises:
        ValueError: when it is neither, is damaged, or a member is a link, a device, or lies outside the folder.
    """
    found = _format(archive, formats)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        (_untar if found == "tar" else _unzip)(archive, fresh)
        _move(fresh, folder)
    except ARCHIVE_ERRORS as error:
        if _is_of_the_disk(error):
            raise
        raise _damaged(archive, error) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _damaged(archive: Path, error: BaseException) -> ArchiveError:
    if isinstance(error, MemoryError):
        reason = "it asks for more memory than there is"
    elif isinstance(error, OSError):
        reason = error.strerror or str(error)  # without the name, which may be long
    else:
        reason = str(error) or type(error).__name__
    return ArchiveError(f"{str(archive)[-150:]} is damaged: {reason:.250}. Remove it to download it again.")


def _format(archive: Path, formats: Any) -> str:
    wanted = _FORMATS if formats == "auto" else (formats,) if isinstance(formats, str) else tuple(formats or ())
    if unknown := [name for name in wanted if name not in _FORMATS]:
        raise ValueError(f"archive_format={unknown[0]!r}: expected 'auto', 'tar', 'zip', or a list of them.")
    try:
        if "tar" in wanted and tarfile.is_tarfile(archive):
            return "tar"
        if "zip" in wanted and zipfile.is_zipfile(archive):
            return "zip"
    except ARCHIVE_ERRORS as error:  # of those that tarfile lets through
        raise _damaged(archive, error) from None
    raise ValueError(f"{archive} is no {' or '.join(wanted) or 'archive'} file, and can't be unpacked.")


def _untar(archive: Path, folder: Path) -> None:
    packed = archive.stat().st_size
    with tarfile.open(archive) as opened:
        for member in limited(opened, packed):
            target = _inside(archive, folder, member.name)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif member.isfile():
                _write(opened.extractfile(member), target)
            else:
                raise ArchiveError(f"its member {member.name[:80]!r} is a link or a device; nothing was kept")
        to_the_end(opened)


def _unzip(archive: Path, folder: Path) -> None:
    packed = archive.stat().st_size
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        _check_size(sum(m.file_size for m in members), packed, len(members))
        if _counted(archive) not in (len(members), 0xFFFF):
            raise ArchiveError(f"it lists {len(members)} members, and counts {_counted(archive)}")
        for member in members:
            target = _inside(archive, folder, member.filename)
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            elif stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
                raise ArchiveError(f"its member {member.filename[:80]!r} is a link or a device; nothing was kept")
            else:
                with opened.open(member) as source:
                    _write(source, target)


def _counted(archive: Path) -> int:
    """How many members a zip file says it has: 16 bits in its last record; all of them set means elsewhere."""
    with archive.open("rb") as file:
        file.seek(-min(archive.stat().st_size, _LAST_RECORD), os.SEEK_END)
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    return int.from_bytes(tail[at + 10 : at + 12], "little")


def _inside(archive: Path, folder: Path, name: str) -> Path:
    """The member's place, which must lie in the folder on any system."""
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    if ".." in windows.parts or windows.drive or windows.root or posix.is_absolute() or "\0" in name:
        raise ArchiveError(f"its member {name[:80]!r} lies outside the folder; nothing was kept")
    if len(windows.parts) > _DEEPEST or any(len(part) > 255 for part in windows.parts):
        raise ArchiveError(f"its member {name[:80]!r} has a name too long; nothing was kept")
    return folder.joinpath(*windows.parts)


def _write(source: Any, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, _BLOCK)


def _move(fresh: Path, folder: Path) -> None:
    """Puts what was unpacked in its place: at once where the folder is new, else file by file."""
    if not folder.exists():
        fresh.chmod(0o755)
        os.replace(fresh, folder)
        return
    for path in sorted(fresh.rglob("*")):
        target = folder / path.relative_to(fresh)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            os.replace(path, target)
