"""Where NaN and infinities come from: in a recording, or while a program runs."""

from __future__ import annotations

__all__: list[str] = []
