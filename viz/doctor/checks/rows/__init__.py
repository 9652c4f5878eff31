"""Checks of the rows that a script trains with: their order, their labels, and those that it holds back."""

from __future__ import annotations

__all__: list[str] = []
