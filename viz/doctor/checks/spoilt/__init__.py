"""Checks of data that were right, and that the script's own arithmetic or reshaping spoils."""

from __future__ import annotations

__all__: list[str] = []
