"""From SVG, or a graph, to the file that was asked for: PNG, PDF, and the font that they are written in."""

from __future__ import annotations

__all__: list[str] = []
