"""What the user's code calls arrays, layers and variables: read from its source, and from what is kept where."""

from __future__ import annotations

__all__: list[str] = []
