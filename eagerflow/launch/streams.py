"""The error output of a rank: its lines with the rank before them, and what its agent says in between."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Lines"]

_LONGEST = 65_536  # bytes of a line that is held back until its end comes


class Lines:
    r"""Splits the error output of a rank into lines, with `before` before each, and messages of its agent, with `key`.

    >>> lines = Lines("[rank 1] ", "key")
    >>> lines.add(b"one\ntw"), lines.add(b'o\x1ekey{"t": "hello"}\n\n'), lines.rest()
    ((b'[rank 1] one\n', []), (b'[rank 1] two\n', [{'t': 'hello'}]), b'')
    """

    def __init__(self, before: str, key: str) -> None:
        self._before, self._mark = before.encode(), b"\x1e" + key.encode()
        self._text = self._pending = b""  # a line without its end, and what came after the last end of a line

    def add(self, data: bytes) -> tuple[bytes, list[dict[str, Any]]]:
        """What can be shown now, and what the agent said."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        if len(self._pending) > _LONGEST and self._mark not in self._pending:
            lines.append(self._pending)
            self._pending = b""
        shown, said = [], []
        for line in lines:
            text, mark, message = line.partition(self._mark)
            if mark:  # the agent writes whole lines, also where the program is in the middle of one
                self._text += text
                said.append(json.loads(message))
            else:
                shown.append(self._before + (self._text + line).rpartition(b"\r")[2] + b"\n")
                self._text = b""
        return b"".join(shown), said

    def rest(self) -> bytes:
        """A last line that had no end."""
        return self.add(b"\n")[0] if self._text or self._pending else b""
