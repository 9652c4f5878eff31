"""`get_file`: downloads that are checked, and appear whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, BinaryIO

from eagerflow._version import __version__
from eagerflow.base.config import home
from eagerflow.base.files import irregular, make_home, replacing
from eagerflow.base.messages import say
from eagerflow.callbacks.progbar import Progbar
from eagerflow.datasets.archives import extract_archive

__all__ = ["download", "get_file", "matches"]

_TIMEOUT = 30.0  # seconds without a byte
_CHUNK = 1 << 18
_HASHES = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}  # by the number of hexadecimal digits


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str | os.PathLike[str] = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Downloads a file, unless it is there already, and returns its path.

    The file appears when it is complete and its checksum is right.

    Args:
        fname: the file's name; default: the last part of `origin`. With `extract`, the folder's name.
        origin: the address, `https://`, `http://` or `file://`.
        untar: old spelling of `extract`.
        md5_hash: old spelling of `file_hash`.
        file_hash: the checksum, in hexadecimal digits. An existing file with another checksum is replaced. Default: it
            isn't checked.
        cache_subdir: the folder inside `cache_dir`; or an absolute path.
        hash_algorithm: `"md5"`, `"sha256"`, or `"auto"`: by the length of `file_hash`.
        extract: whether the file is a tar or zip archive to unpack.
        archive_format: `"tar"`, `"zip"`, a list of them, `"auto"`, or None for neither.
        cache_dir: the folder for downloads; default: `EAGERFLOW_HOME`, else `~/.eagerflow`.
        force_download: whether to download the file even when it is there.

    Returns:
        The path of the file; with `extract`, of the folder it was unpacked into.

    Raises:
        ConnectionError: when it could not be downloaded; says where a copy can be put by hand.
        ValueError: for a wrong checksum or a wrong argument.

    Source: the arguments and places are those of `keras.utils.get_file`.

    >>> from pathlib import Path
    >>> _ = Path("words.txt").write_text("cat dog", encoding="utf-8")
    >>> path = ef.utils.get_file(origin=Path("words.txt").resolve().as_uri(), cache_dir="cache")
    Downloading data from file:...words.txt
    7/7 ...
    >>> Path(path).as_posix(), Path(path).read_text(encoding="utf-8")
    ('cache/datasets/words.txt', 'cat dog')
    """
    if origin is None:
        raise ValueError("get_file(origin=None): expected the address of the file.")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    name = _name(fname, origin)
    folder = Path(cache_dir or home()).expanduser() / cache_subdir
    unpack = extract or untar
    place, unpacked = _places(folder, name, fname is not None) if unpack else (folder / name, folder)
    if force_download or not _usable(place, file_hash, hash_algorithm):
        download(origin, place, file_hash, hash_algorithm)
    if not unpack:
        return str(place)
    extract_archive(place, unpacked, "tar" if untar else archive_format)
    return str(unpacked)


def _name(fname: Any, origin: str) -> str:
    name = os.fspath(fname) if fname else Path(urllib.parse.urlsplit(origin).path).name
    if not name or name in (".", ".."):
        raise ValueError(f"get_file(origin={origin!r}): the address has no file name; give one as fname.")
    if os.sep in name or "/" in name:
        raise ValueError(
            f"get_file(fname={name!r}): expected a name without folders. Fix: give the folder as cache_subdir."
        )
    return name


def _places(folder: Path, name: str, given: bool) -> tuple[Path, Path]:
    """Where the archive goes and where it is unpacked, as Keras names them."""
    if given and "." in name:
        return folder / name, folder / (name[: name.find(".")] + "_extracted")
    return folder / f"{name}_archive", folder / name


def _usable(place: Path, file_hash: str | None, algorithm: str) -> bool:
    if not place.exists():
        return False
    if not place.is_file():
        raise ValueError(f"get_file: {place} is there and is no file.")
    if file_hash is None or matches(place, file_hash, algorithm):
        return True
    say(f"{place} has another checksum than expected; downloading it again.")
    return False


def matches(path: Path, checksum: str, algorithm: str = "auto") -> bool:
    """Whether a file has this checksum.

    Args:
        path: the file.
        checksum: in hexadecimal digits.
        algorithm: of `hashlib`; `"auto"`: by the number of digits.

    Raises:
        ValueError: for an algorithm that doesn't exist.
    """
    with path.open("rb") as stream:
        return _has(stream, checksum, algorithm)


def _has(stream: Any, checksum: str, algorithm: str) -> bool:
    name = _HASHES.get(len(checksum)) if algorithm == "auto" else algorithm
    if name is None or name not in hashlib.algorithms_guaranteed:
        raise ValueError(
            f"file_hash={checksum[:80]!r}, hash_algorithm={algorithm!r}: "
            "expected md5 (32 digits) or sha256 (64 digits)."
        )
    stream.seek(0)
    return hashlib.file_digest(stream, name).hexdigest() == checksum.lower()


def download(origin: str, place: Path, checksum: str | None = None, algorithm: str = "auto", by_hand: str = "") -> None:
    """Download `origin` to `place`.

    Args:
        origin: the address.
        place: the file to be; replaced when it is there.
        checksum: what is downloaded must have it.
        algorithm: of the checksum.
        by_hand: said after an error: what else can be done.

    Raises:
        ConnectionError: when the site can't be reached, refuses, or breaks off.
        ValueError: when what came has another checksum.
    """
    if urllib.parse.urlsplit(origin).scheme not in ("http", "https", "file"):
        raise ValueError(f"get_file(origin={origin!r}): expected an address with http://, https:// or file://.")
    _check_local(origin)
    try:
        if home() in place.parents:
            make_home()
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"downloads go to {place.parent}, which can't be made ({error}). Fix: set EAGERFLOW_HOME."
        ) from None
    say(f"Downloading data from {origin}")
    try:
        with replacing(place) as file:
            _transfer_or_explain(origin, file, place, by_hand)
            if checksum is not None and not _has(file, checksum, algorithm):
                raise ValueError(
                    f"{origin} gave a file with another checksum than expected ({checksum}); it was not kept. {by_hand}"
                )
    except PermissionError as error:
        said = f"downloads go to {place.parent}, where nothing may be written ({error.strerror})."
        raise PermissionError(f"{said} Fix: set EAGERFLOW_HOME.") from None


def _check_local(origin: str) -> None:
    """Refuses the address of a pipe or device, which may never end."""
    address = urllib.parse.urlsplit(origin)
    if address.scheme == "file" and not address.netloc:
        path = urllib.request.url2pathname(address.path)
        kind = None
        with contextlib.suppress(OSError, ValueError):  # those are explained where it is opened
            kind = irregular(os.stat(path))
        if kind is not None:
            raise ValueError(f"get_file(origin={origin[:200]!r}): that is {kind}, not a file.")


def _transfer_or_explain(origin: str, file: BinaryIO, place: Path, by_hand: str) -> None:
    try:
        _transfer(origin, file)
        return
    except urllib.error.HTTPError as error:
        reason = f"the server answered {error.code} {error.msg}"
        error.close()
    except urllib.error.URLError as error:
        reason = str(error.reason)
    except (http.client.HTTPException, OSError) as error:
        reason = str(error) or type(error).__name__
    raise ConnectionError(
        f"could not download {origin} ({reason[:120]}). "
        + (by_hand or f"Without a network, put the file there by hand: {place}")
    )


def _transfer(origin: str, file: BinaryIO) -> None:
    headers = {"User-Agent": f"eagerflow/{__version__}", "Accept-Encoding": "identity"}
    with urllib.request.urlopen(urllib.request.Request(origin, headers=headers), timeout=_TIMEOUT) as response:
        told = response.headers.get("Content-Length")
        total = int(told) if told and told.isdigit() else None
        size = _copy(response, file, total)
    if total is not None and size != total:
        raise ConnectionError(f"the connection broke off after {size} of {total} bytes")


def _copy(response: Any, file: BinaryIO, total: int | None) -> int:
    """Copies to the end, showing how far it is; gives the size of the file."""
    size = 0
    bar = Progbar(total, unit_name="byte")
    try:
        while chunk := response.read1(_CHUNK) if hasattr(response, "read1") else response.read(_CHUNK):
            file.write(chunk)
            size += len(chunk)
            bar.update(size)
    finally:
        bar.abandon()
    return size
