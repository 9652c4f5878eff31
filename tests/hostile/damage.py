"""Blind damage: files cut off, with other bits and bytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Change = Callable[[bytes], bytes]


def damaged(ending: str) -> Iterator[tuple[str, Change]]:
    for part in (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        yield f"cut_{part}", lambda b, part=part: b[: int(len(b) * part)]
    for missing in (1, 2, 22):
        yield f"cut_end_{missing}", lambda b, n=missing: b[:-n]
    for i in range(24):
        yield f"flip_{i}", lambda b, i=i: _flipped(b, f"{ending}{i}")
    for i in range(6):
        yield f"zeros_{i}", lambda b, i=i: _overwritten(b, f"{ending}{i}", lambda n, _: bytes(n))
        yield f"noise_{i}", lambda b, i=i: _overwritten(b, f"{ending}{i}", lambda n, rng: rng.bytes(n))
    yield "twice", lambda b: b + b
    yield "garbage_before", lambda b: b"garbage " * 16 + b
    yield "middle_missing", lambda b: b[: len(b) // 3] + b[len(b) // 2 :]


def draw(name: str) -> np.random.RandomState:
    return np.random.RandomState(zlib.crc32(name.encode()))


def _flipped(content: bytes, name: str) -> bytes:
    rng, damaged = draw(name), bytearray(content)
    damaged[rng.randint(len(damaged))] ^= 1 << rng.randint(8)
    return bytes(damaged)


def _overwritten(content: bytes, name: str, fill: Callable[[int, Any], bytes]) -> bytes:
    rng = draw(name)
    start, length = rng.randint(len(content)), rng.randint(1, 64)
    piece = fill(len(content[start : start + length]), rng)
    return content[:start] + piece + content[start + len(piece) :]
