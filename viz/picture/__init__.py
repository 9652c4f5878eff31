"""Pictures: from a record to a graph, and from its places to SVG, DOT, PNG and PDF; and charts."""

from __future__ import annotations

__all__: list[str] = []
