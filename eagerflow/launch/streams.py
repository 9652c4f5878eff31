"""What ranks write: lines with the rank before them, and what agents say in between."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Lines", "split_frames"]

_BEGIN, _END = b"\x1e", b"\x1f\n"
_LONGEST = 65_536  # bytes of a line that is held back until its end comes


def split_frames(data: bytes, key: bytes) -> tuple[bytes, list[dict[str, Any]], bytes]:
    """Take what agents say out of what was written.

    Args:
        data: bytes of the error output of one rank.
        key: what every message of an agent begins with. Ranks don't know it.

    Returns:
        What the program wrote; what the agent said; and the beginning of something whose end hasn't come yet.
    """
    plain, said = bytearray(), list[dict[str, Any]]()
    while True:
        before, mark, rest = data.partition(_BEGIN)
        plain += before
        if not mark:
            return bytes(plain), said, b""
        if not rest.startswith(key):
            if key.startswith(rest):
                return bytes(plain), said, mark + rest
            plain += mark
            data = rest
            continue
        text, end, after = rest[len(key) :].partition(_END)
        if not end:
            if len(rest) < _LONGEST:
                return bytes(plain), said, mark + rest
            plain += mark
            data = rest
            continue
        facts = _facts(text)
        if facts is None:
            plain += mark
            data = rest
        else:
            said.append(facts)
            data = after


def _facts(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("t"), str) else None


class Lines:
    r"""The lines of one rank's error output: each comes out whole, with a name before it.

    >>> lines = Lines("[rank 1] ")
    >>> lines.add(b"one\ntw"), lines.add(b"o\n"), lines.rest()
    (b'[rank 1] one\n', b'[rank 1] two\n', b'')
    """

    def __init__(self, before: str) -> None:
        self._before, self._pending = before.encode(), b""

    def add(self, data: bytes) -> bytes:
        """What can be shown now."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        if len(self._pending) > _LONGEST:
            lines.append(self._pending)
            self._pending = b""
        return b"".join(self._before + line.rpartition(b"\r")[2] + b"\n" for line in lines)

    def rest(self) -> bytes:
        """A last line that had no end."""
        return self.add(b"\n") if self._pending else b""
