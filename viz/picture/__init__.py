"""Pictures: from a record to a graph, to places for its boxes, to SVG, DOT, PNG and PDF; and charts."""

from __future__ import annotations

__all__: list[str] = []
