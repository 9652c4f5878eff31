"""Pictures of numbers as colours: the loss around a model's weights, and what attention heads look at."""

from __future__ import annotations

__all__: list[str] = []
