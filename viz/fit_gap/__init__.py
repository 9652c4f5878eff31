"""Why `fit` and `evaluate` disagree about the same rows: the difference, part by part."""

from __future__ import annotations

__all__: list[str] = []
