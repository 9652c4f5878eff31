"""The training steps of loops that mark none, told by the updates of their weights."""

from __future__ import annotations

__all__: list[str] = []
