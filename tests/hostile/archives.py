"""Hostile `.keras` archives."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path


def members_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()


def with_member(good: Path, name: str, content: bytes) -> bytes:
    return zipped([*(members_of(good.read_bytes()) | {name: content}).items()])


def archives(content: bytes) -> Iterator[tuple[str, bytes]]:
    members = members_of(content)
    names = list(members)
    for name in names:
        yield f"without_{name}", zipped([(k, v) for k, v in members.items() if k != name])
        yield f"empty_{name}", zipped([(k, b"" if k == name else v) for k, v in members.items()])
        bomb = {**members, name: bytes(40 * 2**20)}
        yield f"bomb_{name}", zipped([*bomb.items()], zipfile.ZIP_DEFLATED)
    yield "swapped", zipped([(k, members[n]) for k, n in zip(names, names[1:] + names[:1])])
    for extra in (
        "../../escaped",
        "/etc/escaped",
        "assets/../../escaped",
        "assets/first/vocabulary.txt",
        "C:\\escaped",
    ):
        yield f"extra_{zlib.crc32(extra.encode())}", zipped([*members.items(), (extra, b"x")])
    yield "two_configs", _two_of_one_name(members)
    yield "no_members", zipped([])
    yield "newer", zipped([*(members | {"metadata.json": b'{"eagerflow_format": 99}'}).items()])
    yield "keras_4", zipped([*(members | {"metadata.json": b'{"keras_version": "4.0"}'}).items()])
    yield ("lying_size", content.replace(struct.pack("<L", len(members["config.json"])), struct.pack("<L", 2**31)))


def _two_of_one_name(members: dict[str, bytes]) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zipped([*members.items(), ("config.json", b"{}")])


def two_of_each(members: dict[str, bytes]) -> bytes:
    """An archive with every member twice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zipped([*members.items(), *members.items()])
