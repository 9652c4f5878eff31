"""Which learning rate? `viz.find_lr`."""

from __future__ import annotations

__all__: list[str] = []
