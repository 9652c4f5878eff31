"""Lines that are printed: how wide they may be, and what of a text or table has room in them."""

from __future__ import annotations

__all__: list[str] = []
