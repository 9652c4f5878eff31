"""Recordings that hold a part of another one."""

from __future__ import annotations

__all__: list[str] = []
