"""What is known of a run: a recording as plain data, its file, and what follows from it."""

from __future__ import annotations

__all__: list[str] = []
