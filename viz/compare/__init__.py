"""What differs between two traces, models or files of weights."""

from __future__ import annotations

__all__: list[str] = []
