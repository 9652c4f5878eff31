"""Trying a training out: on its first step, and so that nothing of it remains."""

from __future__ import annotations

__all__: list[str] = []
