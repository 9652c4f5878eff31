"""Before a training: is it set up so that it can learn? `viz check`, `viz reproduce`."""

from __future__ import annotations

__all__: list[str] = []
