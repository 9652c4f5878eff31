"""What the live page makes of loops that aren't `fit`: their steps, rounds and losses."""

from __future__ import annotations

__all__: list[str] = []
