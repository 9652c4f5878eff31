"""Checks of what happens to weights: whether they are updated, by whom, and which way."""

from __future__ import annotations

__all__: list[str] = []
