"""How much memory and time will a training take, and which batch still fits? `viz estimate`."""

from __future__ import annotations

__all__: list[str] = []
