"""What a diagnosis says: findings as text, with the part of the line that is to blame."""

from __future__ import annotations

__all__: list[str] = []
