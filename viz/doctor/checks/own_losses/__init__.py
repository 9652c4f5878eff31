"""Losses that the user wrote: what they compute is told by the ops that run in them, not by their names."""

from __future__ import annotations

__all__: list[str] = []
