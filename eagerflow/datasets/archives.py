"""Unpacks tar and zip archives, and never writes outside the folder that is theirs."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

__all__ = ["extract_archive"]

_FORMATS = ("tar", "zip")


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
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(f"{archive} is damaged ({error}). Remove it to download it again.") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _format(archive: Path, formats: Any) -> str:
    wanted = (
        _FORMATS if formats == "auto" else (formats,) if isinstance(formats, str) else tuple(formats or ())
    )
    if unknown := [name for name in wanted if name not in _FORMATS]:
        raise ValueError(f"archive_format={unknown[0]!r}: expected 'auto', 'tar', 'zip', or a list of them.")
    if "tar" in wanted and tarfile.is_tarfile(archive):
        return "tar"
    if "zip" in wanted and zipfile.is_zipfile(archive):
        return "zip"
    raise ValueError(f"{archive} is no {' or '.join(wanted) or 'archive'} file, and can't be unpacked.")


def _untar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as opened:
        for member in opened:
            target = _inside(archive, folder, member.name)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif member.isfile():
                _write(opened.extractfile(member), target)
            else:
                raise ValueError(
                    f"{archive}: its member {member.name[:80]!r} is a link or a device; nothing was kept."
                )


def _unzip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            target = _inside(archive, folder, member.filename)
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            elif stat.S_ISLNK(member.external_attr >> 16):
                raise ValueError(
                    f"{archive}: its member {member.filename[:80]!r} is a link; nothing was kept."
                )
            else:
                with opened.open(member) as source:
                    _write(source, target)


def _inside(archive: Path, folder: Path, name: str) -> Path:
    """The member's place, which must lie in the folder on any system."""
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    if ".." in windows.parts or windows.drive or windows.root or posix.is_absolute() or "\0" in name:
        raise ValueError(f"{archive}: its member {name[:80]!r} lies outside the folder; nothing was kept.")
    return folder.joinpath(*windows.parts)


def _write(source: Any, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)


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
