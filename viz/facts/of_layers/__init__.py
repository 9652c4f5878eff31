"""What there is to tell of layers: their settings, and which of them are parts of others."""

from __future__ import annotations

__all__: list[str] = []
