"""PyTorch: what it does is announced as eagerflow's events are."""

from __future__ import annotations

__all__: list[str] = []
