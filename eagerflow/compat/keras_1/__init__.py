"""What only Keras 1 had, for the scripts of its time: layers, merging, penalties and helpers under their names."""

from __future__ import annotations

__all__: list[str] = []
