"""What goes through the pipe from the program to the page's process: a line of JSON, then bytes if it says so."""

from __future__ import annotations

import json
from typing import IO, Any

__all__ = ["LIMIT", "PACE", "read", "write"]

LIMIT = 256 << 20  # bytes of one message; more than the page of a million ops
PACE = 0.2  # seconds between two pieces of news, and two looks at what goes on


def write(stream: IO[bytes], message: dict[str, Any], payload: bytes = b"") -> None:
    """Write one message."""
    if payload:
        message = {**message, "bytes": len(payload)}
    text = json.dumps(message, allow_nan=False, separators=(",", ":"))
    stream.write(text.encode() + b"\n" + payload)
    stream.flush()


def read(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next message and its bytes; None at the end, also when the end came in the middle of a message."""
    line = stream.readline(LIMIT)
    if not line.endswith(b"\n"):
        return None
    message: dict[str, Any] = json.loads(line)
    wanted = int(message.pop("bytes", 0))
    payload = stream.read(wanted) if wanted else b""
    return (message, payload) if len(payload) == wanted else None
