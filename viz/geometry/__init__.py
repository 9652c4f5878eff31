"""What a picture shows, as boxes, frames and arrows, and where each of them is."""

from __future__ import annotations

__all__: list[str] = []
