"""The checks of the doctor, one file per family of findings."""

from __future__ import annotations

__all__: list[str] = []
