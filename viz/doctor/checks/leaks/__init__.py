"""Checks of what tells the answer: inputs, or a look ahead, that the network only has to copy."""

from __future__ import annotations

__all__: list[str] = []
