"""Which parts of a tree are drawn as one."""

from __future__ import annotations

__all__: list[str] = []
