"""What is known of a training, in one place each: steps, losses, labels, rows, weights and the script."""

from __future__ import annotations

__all__: list[str] = []
