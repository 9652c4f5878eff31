"""Hashes of text: 64-bit fingerprints that are the same everywhere, and SipHash with a key.

All strings of one length are hashed at once, as columns of uint64; NumPy's wrap-around is the arithmetic
modulo 2**64 that the algorithms are defined in.

Source: Pike and Alakuijala's FarmHash (the fingerprint of its variant "na"); Aumasson and Bernstein,
"SipHash: a fast short-input PRF", 2012 (two rounds per block, four at the end).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy

__all__ = ["fingerprint64", "joined", "siphash64"]

Words = Any  # uint64: an array with one number per string, or a scalar

_K0, _K1, _K2 = (numpy.array(k, "uint64") for k in (0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F))


def fingerprint64(texts: Sequence[bytes]) -> numpy.ndarray:
    """FarmHash's fingerprint of each string, as uint64.

    >>> fingerprint64([b"", b"cat"]).tolist()
    [11160318154034397263, 15118465453979963096]
    """
    return _by_length(texts, _farm)


def siphash64(texts: Sequence[bytes], key: Sequence[int]) -> numpy.ndarray:
    """SipHash-2-4 of each string under a key of two 64-bit numbers, as uint64.

    >>> siphash64([b""], [0, 0]).tolist()
    [2202906307356721367]
    """
    words = [_word(k) for k in key]
    return _by_length(texts, lambda columns: _sip(columns, words))


def joined(first: Words, second: Words) -> Words:
    """One fingerprint for two, in this order."""
    multiplier = _word(0xC6A4A7935BD1E995)
    mixed = first ^ multiplier ^ (_shift_mix(second * multiplier) * multiplier)
    return _shift_mix(_shift_mix(mixed * multiplier) * multiplier)


def _word(value: int) -> Words:
    return numpy.array([value % 2**64], "uint64")


class _Columns:
    """Strings of one length as bytes (strings, length), read as little-endian words."""

    def __init__(self, texts: list[bytes]) -> None:
        self.length = len(texts[0])
        self.count = len(texts)
        self.bytes = numpy.frombuffer(b"".join(texts), "uint8").reshape(self.count, self.length)

    def __call__(self, start: int, width: int = 8) -> Words:
        """The words of `width` bytes that begin at `start`."""
        part = numpy.ascontiguousarray(self.bytes[:, start : start + width])
        return part.view(f"<u{width}")[:, 0].astype("uint64")


def _by_length(texts: Iterable[bytes], hashed: Callable[[_Columns], Words]) -> numpy.ndarray:
    places: dict[int, list[int]] = {}
    texts = list(texts)
    for i, text in enumerate(texts):
        places.setdefault(len(text), []).append(i)
    found = numpy.empty(len(texts), "uint64")
    for indices in places.values():
        found[indices] = hashed(_Columns([texts[i] for i in indices]))
    return found


def _rotated(x: Words, by: int) -> Words:
    """Bits moved to the right; those that fall out come in at the left."""
    return (x >> numpy.uint64(by)) | (x << numpy.uint64(64 - by))


def _shift_mix(x: Words) -> Words:
    return x ^ (x >> numpy.uint64(47))


def _two(u: Words, v: Words, multiplier: Words) -> Words:
    a = _shift_mix((u ^ v) * multiplier)
    return _shift_mix((v ^ a) * multiplier) * multiplier


def _farm(s: _Columns) -> Words:
    if s.length <= 16:
        return _farm_short(s)
    if s.length <= 64:
        return _farm_medium(s)
    return _farm_long(s)


def _farm_short(s: _Columns) -> Words:
    n = s.length
    multiplier = _K2 + _word(2 * n)
    if n >= 8:
        a, b = s(0) + _K2, s(n - 8)
        return _two(_rotated(b, 37) * multiplier + a, (_rotated(a, 25) + b) * multiplier, multiplier)
    if n >= 4:
        return _two(_word(n) + (s(0, 4) << numpy.uint64(3)), s(n - 4, 4), multiplier)
    if n == 0:
        return _K2
    y = s(0, 1) + (s(n >> 1, 1) << numpy.uint64(8))
    z = _word(n) + (s(n - 1, 1) << numpy.uint64(2))
    return _shift_mix((y * _K2) ^ (z * _K0)) * _K2


def _farm_medium(s: _Columns) -> Words:
    n = s.length
    multiplier = _K2 + _word(2 * n)
    a = s(0) * (_K1 if n <= 32 else _K2)
    b, c, d = s(8), s(n - 8) * multiplier, s(n - 16) * _K2
    y = _rotated(a + b, 43) + _rotated(c, 30) + d
    z = _two(y, a + _rotated(b + _K2, 18) + c, multiplier)
    if n <= 32:
        return z
    e, f = s(16) * multiplier, s(24)
    g, h = (y + s(n - 32)) * multiplier, (z + s(n - 24)) * multiplier
    return _two(_rotated(e + f, 43) + _rotated(g, 30) + h, e + _rotated(f + a, 18) + g, multiplier)


def _weak(s: _Columns, start: int, a: Words, b: Words) -> tuple[Words, Words]:
    """32 bytes mixed into two words."""
    w, x, y, z = (s(start + 8 * i) for i in range(4))
    a = a + w
    c = a + x + y
    return c + z, _rotated(b + a + z, 21) + _rotated(c, 44) + a


def _farm_long(s: _Columns) -> Words:
    n = s.length
    x, y = _word(81) * _K2 + s(0), _word(81) * _K1 + _word(113)
    z = _shift_mix(y * _K2 + _word(113)) * _K2
    v = w = (_word(0), _word(0))
    for start in range(0, (n - 1) // 64 * 64, 64):
        x, y, z, v, w = _farm_block(s, start, (x, y, z, v, w), _K1, 1)
    rest = _word((n - 1) % 64)
    multiplier = _K1 + ((z & _word(0xFF)) << numpy.uint64(1))
    w = (w[0] + rest, w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x, y, z, v, w = _farm_block(s, n - 64, (x, y, z, v, w), multiplier, 9)
    return _two(_two(v[0], w[0], multiplier) + _shift_mix(y) * _K0 + z, _two(v[1], w[1], multiplier) + x, multiplier)


def _farm_block(s: _Columns, start: int, state: Any, multiplier: Words, weight: int) -> Any:
    """Mix 64 bytes into the state."""
    x, y, z, v, w = state
    x = _rotated(x + y + v[0] + s(start + 8), 37) * multiplier
    y = _rotated(y + v[1] + s(start + 48), 42) * multiplier
    x = x ^ (w[1] * _word(weight))
    y = y + v[0] * _word(weight) + s(start + 40)
    z = _rotated(z + w[0], 33) * multiplier
    v = _weak(s, start, v[1] * multiplier, x + w[0])
    w = _weak(s, start + 32, z + w[1], y + s(start + 16))
    return z, y, x, v, w


def _sip(s: _Columns, key: list[Words]) -> Words:
    state = [
        key[i % 2] ^ _word(constant)
        for i, constant in enumerate((0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573))
    ]
    for block in _sip_blocks(s):
        state[3] = state[3] ^ block
        state = _sip_round(_sip_round(state))
        state[0] = state[0] ^ block
    state[2] = state[2] ^ _word(0xFF)
    for _ in range(4):
        state = _sip_round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _sip_blocks(s: _Columns) -> list[Words]:
    """Words of eight bytes; the last holds what remains, and the length in its highest byte."""
    whole = s.length // 8 * 8
    last = numpy.full(s.count, s.length % 256 << 56, "uint64")
    for i in range(whole, s.length):
        last |= s(i, 1) << numpy.uint64(8 * (i - whole))
    return [*[s(i) for i in range(0, whole, 8)], last]


def _sip_round(state: list[Words]) -> list[Words]:
    a, b, c, d = state
    a, c = a + b, c + d
    b, d = _rotated(b, 51) ^ a, _rotated(d, 48) ^ c
    a, c = _rotated(a, 32) + d, c + b
    d, b = _rotated(d, 43) ^ a, _rotated(b, 47) ^ c
    return [a, b, _rotated(c, 32), d]
