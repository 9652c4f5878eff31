"""Checks of validation data: whether they are new to the network, and like those to train with."""

from __future__ import annotations

__all__: list[str] = []
