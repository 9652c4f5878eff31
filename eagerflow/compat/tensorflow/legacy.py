"""`tf.compat`: text as bytes and back; and `tf.compat.v1.train`'s optimizers by their older names."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["as_bytes", "as_str", "as_str_any", "as_text", "path_to_str"]


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Text as bytes.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, (bytes, bytearray)):
        return bytes(bytes_or_text)
    raise TypeError(f"as_bytes: expected str or bytes; got {type(bytes_or_text).__name__}.")


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Bytes as text.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    raise TypeError(f"as_text: expected str or bytes; got {type(bytes_or_text).__name__}.")


as_str = as_text


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Anything as text."""
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> str:
    """A path as text."""
    return os.fspath(path)
