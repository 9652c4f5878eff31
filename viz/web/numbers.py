"""Arrays that travel with a page, one after the other in a single piece of bytes."""

from __future__ import annotations

from typing import Any

import numpy

__all__ = ["Numbers"]

_LINE = 8  # bytes at which arrays begin, as typed arrays of browsers want it


class Numbers:
    """Collects arrays; the page finds each by where it begins, its type and its shape."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, array: Any) -> dict[str, Any]:
        """Add an array; where the page finds it."""
        array = numpy.ascontiguousarray(array)
        content = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        found = {"at": self._length, "type": array.dtype.name, "shape": list(array.shape)}
        padding = -len(content) % _LINE
        self._parts.append(content + b"\0" * padding)
        self._length += len(content) + padding
        return found

    def content(self) -> bytes:
        """All of them."""
        return b"".join(self._parts)
