"""The header of a `.npy` file, read by its grammar: NumPy's own reader evaluates it as Python.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy

__all__ = ["read_header"]

_LARGEST = 10_000  # bytes of a header, as in NumPy
_MOST_AXES = 32
_FIELD = {
    "descr": re.compile(r"""['"]descr['"]\s*:\s*['"]([<>|=]?[A-Za-z]\d{0,3})['"]"""),
    "fortran_order": re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)\b"""),
    "shape": re.compile(r"""['"]shape['"]\s*:\s*\(([\d\sL,]*)\)"""),
}


def read_header(content: bytes) -> tuple[numpy.dtype[Any], tuple[int, ...], bool, int]:
    r"""What a whole `.npy` file says of its array.

    Args:
        content: the file.

    Returns:
        The element type, the shape, whether the first axis varies fastest, and where the elements begin.

    Raises:
        ValueError: when there is no such header, or one of structures, of elements without bytes, or of more than
            2**62 bytes.

    >>> read_header(b"\x93NUMPY\x01\0\x39\0{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }" + bytes(8))
    (dtype('float32'), (2,), False, 67)
    """
    if content[:6] != b"\x93NUMPY" or content[6:8] not in (b"\x01\0", b"\x02\0"):
        raise ValueError(f"it has no proper .npy header of version 1 or 2, and begins with {content[:8]!r}")
    start = 10 if content[6] == 1 else 12
    length = int.from_bytes(content[8:start], "little")
    if length > min(_LARGEST, len(content) - start):
        raise ValueError("its .npy header is too long")
    fields = _fields(content[start : start + length].decode("latin-1"))
    lengths = re.findall(r"\d+", fields["shape"])  # Python 2 wrote 3L
    if len(lengths) > _MOST_AXES or any(len(n) > 18 for n in lengths):
        raise ValueError(f"its .npy header has the shape ({fields['shape'][:40]})")
    shape, dtype = tuple(map(int, lengths)), _dtype(fields["descr"])
    if math.prod(max(n, 1) for n in shape) * dtype.itemsize > 2**62:
        raise ValueError(f"its .npy header has the shape ({fields['shape'][:40]})")
    return dtype, shape, fields["fortran_order"] == "True", start + length


def _fields(text: str) -> dict[str, str]:
    found = {name: pattern.search(text) for name, pattern in _FIELD.items()}
    if missing := [name for name, match in found.items() if match is None]:
        raise ValueError(f"its .npy header has no proper {missing[0]!r}")
    return {name: match[1] for name, match in found.items() if match}


def _dtype(name: str) -> numpy.dtype[Any]:
    try:
        dtype = numpy.dtype(name)
    except (TypeError, ValueError):
        raise ValueError(f"its .npy header has the unknown element type {name!r}") from None
    if not dtype.itemsize:
        raise ValueError(f"its .npy header has elements without bytes ({name!r})")
    return dtype
