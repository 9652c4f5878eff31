"""The pages of reports: what `viz annotate` and `viz data` write."""

from __future__ import annotations

__all__: list[str] = []
