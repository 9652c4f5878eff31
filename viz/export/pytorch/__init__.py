"""The methods of PyTorch's `SummaryWriter`, with its arguments, tags and runs: `add_scalar` and so on."""

from __future__ import annotations

__all__: list[str] = []
