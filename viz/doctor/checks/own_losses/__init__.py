"""Checks of losses that users write themselves."""

from __future__ import annotations

__all__: list[str] = []
