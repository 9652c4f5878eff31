"""Instruments for a running training: gradient noise, step length, curvature."""

from __future__ import annotations

__all__: list[str] = []
