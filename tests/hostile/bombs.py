"""Small files that claim to hold, and do unpack to, gigabytes of zeros."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

_MEGABYTE = 2**20


def deflated(megabytes: int, before: bytes = b"") -> bytes:
    """A deflate stream of `before` and zeros; one block is packed, and repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(_MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + block * megabytes + b"\x03\x00"


def zip_bomb(members: dict[str, bytes], name: str, megabytes: int) -> bytes:
    """An archive of the members, with zeros as the one of this name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for other, content in members.items():
            if other != name:
                archive.writestr(other, content)
        info = zipfile.ZipInfo(name)
        archive.writestr(info, deflated(megabytes))
        info.compress_type, info.file_size = zipfile.ZIP_DEFLATED, megabytes * _MEGABYTE
    return stream.getvalue()


def gzip_bomb(before: bytes, megabytes: int) -> bytes:
    """A gzip file of these bytes and zeros."""
    size = (len(before) + megabytes * _MEGABYTE) % 2**32
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + deflated(megabytes, before) + struct.pack("<LL", 0, size)
