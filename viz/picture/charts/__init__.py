"""Charts as SVG: bars, curves of a training, and lines over a size."""

from __future__ import annotations

__all__: list[str] = []
