"""The last steps of a training in a file, and the ways to run them again."""

from __future__ import annotations

__all__: list[str] = []
