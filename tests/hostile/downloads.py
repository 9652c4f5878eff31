"""Archives whose members lie outside, are links or devices, or are far larger than they look."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

from tests.hostile.archives import zipped
from tests.hostile.bombs import gzip_bomb, zip_bomb
from tests.hostile.good import UNPACKED, tar

OUTSIDE = {
    "up": "../escaped.txt",
    "far_up": "a/../../escaped.txt",
    "absolute": "/tmp/escaped_by_eagerflow.txt",
    "drive": "C:\\escaped.txt",
    "backslash": "..\\escaped.txt",
    "share": "\\\\host\\share\\x",
    "dots": "..",
}


def downloads() -> Iterator[tuple[str, bytes]]:
    """Hostile archives, each by its name with the ending of its format."""
    good: list[tuple[Any, bytes]] = [*UNPACKED.items()]
    for name, path in OUTSIDE.items():
        yield f"{name}.unpack.tar", tar([*good, (path, b"x")])
        yield f"{name}.unpack.tgz", tar([(path, b"x"), *good], "w:gz")
        yield f"{name}.unpack.zip", zipped([*good, (path, b"x")])
    for name, clash in _CLASHES.items():
        yield f"{name}.unpack.tar", tar([*good, (clash, b"x")])
        yield f"{name}.unpack.zip", zipped([*good, (clash, b"x")])
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"):
        for target in ("/etc", "..", "a.txt"):
            through = [(_special("link", kind, target), b""), ("link/passwd", b"x")]
            yield f"special_{kind.decode()}_{len(target)}.unpack.tar", tar([*good, *through])
    for mode in (0o120777, 0o010666, 0o020666, 0o060666, 0o140777):
        yield f"mode_{mode:o}.unpack.zip", _with_mode(mode)
    yield from _bombs(good)
    yield from _headers(tar(good))
    packed = tar(good, "w:gz")
    yield "other.summed.tgz", tar([("a.txt", b"other")], "w:gz")
    yield "longer.summed.tgz", packed + b"\0"
    yield "no_checksum.unpack.tgz", packed[:-8] + bytes(4) + packed[-4:]
    yield ("encrypted.unpack.zip", zipped(good).replace(b"PK\x01\x02\x14\x03\x14\0\0", b"PK\x01\x02\x14\x03\x14\0\x01"))
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        content = zipped(good, method)
        yield f"method_{method}.unpack.zip", content[:55] + b"\xff" * 8 + content[63:]
    for mode in ("w:bz2", "w:xz"):
        content = tar(good, mode)
        yield f"method_{mode[2:]}.unpack.tar", content[:40] + bytes(8) + content[48:]
    yield "nothing.unpack.zip", b"PK"


_CLASHES = {"file_as_folder": "a.txt/inside", "long": "n" * 300, "nul": "a\0b", "here": ".", "deep": "d/" * 3000 + "x"}


def _special(name: str, kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.devmajor, info.devminor = kind, target, 1, 5
    return info


def _with_mode(mode: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo("special")
        info.external_attr = mode << 16
        archive.writestr(info, "/etc/passwd")
    return stream.getvalue()


def _bombs(good: list[tuple[Any, bytes]]) -> Iterator[tuple[str, bytes]]:
    yield "bomb.unpack.zip", zip_bomb(dict(good), "zeros", 3000)
    zeros = tarfile.TarInfo("zeros")
    zeros.size = 3000 * 2**20
    yield "bomb.unpack.tgz", gzip_bomb(zeros.tobuf(), 3001)
    sparse = _special("sparse", tarfile.REGTYPE, "")
    sparse.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.map": "0,0",
        "GNU.sparse.size": str(2**50),
        "GNU.sparse.name": "sparse",
    }
    yield "sparse.unpack.tar", tar([*good, (sparse, b"")])
    kept = zipped(good)
    yield ("lying_size.unpack.zip", kept.replace(struct.pack("<L", len(UNPACKED["a.txt"])), struct.pack("<L", 2**31)))


def _headers(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Tar archives whose first header says something else, its sum put right."""
    sizes = {"huge": b"\x80\0\0\0\x7f" + b"\xff" * 7, "negative": b"\xff" * 12, "letters": b"abcdefghijkl"}
    for name, size in sizes.items():
        yield f"size_{name}.unpack.tar", _summed(content[:124] + size + content[136:])
    for kind in (b"x", b"g", b"L", b"K", b"S"):
        for name, size in (("none", b"00000000000\0"), ("far", b"77777777777\0"), ("some", b"00000000454\0")):
            spoilt = _summed(content[:124] + size + content[136:156] + kind + content[157:])
            yield f"type_{kind.decode()}_{name}.unpack.tar", spoilt
    one = _summed(content[:124] + b"00000000000\0" + content[136:156] + b"L" + content[157:])
    yield "names_of_names.unpack.tar", one[:512] * 5000 + content


def _summed(content: bytes) -> bytes:
    header = content[:148] + b" " * 8 + content[156:512]
    return content[:148] + b"%06o\0 " % sum(header) + content[156:]
