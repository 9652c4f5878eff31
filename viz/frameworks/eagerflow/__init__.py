"""What viz knows of eagerflow's own classes and ops."""

from __future__ import annotations

__all__: list[str] = []
