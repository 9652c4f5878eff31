"""What listens while a program runs, and makes a record of what it heard."""

from __future__ import annotations

__all__: list[str] = []
