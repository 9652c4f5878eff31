"""What other programs read: TensorBoard, Perfetto, JSON."""

from __future__ import annotations

__all__: list[str] = []
