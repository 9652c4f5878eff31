"""A recording as tables: layers and what they cost, and what costs most."""

from __future__ import annotations

__all__: list[str] = []
