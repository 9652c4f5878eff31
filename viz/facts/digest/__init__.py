"""A recording on one screen: how the training went, its parts, what was slow, the peak of memory, NaN."""

from __future__ import annotations

__all__: list[str] = []
