"""Checks of how a training goes: what callbacks wait for, what schedules do, and what the layers make of it."""

from __future__ import annotations

__all__: list[str] = []
