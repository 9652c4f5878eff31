"""Checks of the rows that a script trains with: their order, padding and labels, and columns that tell the label."""

from __future__ import annotations

__all__: list[str] = []
