"""The trainings of one script: whose turn it is, and what was found in each of them."""

from __future__ import annotations

__all__: list[str] = []
