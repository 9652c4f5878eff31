"""Checks of the rows that a script trains with: their order, their labels, and how they were prepared."""

from __future__ import annotations

__all__: list[str] = []
