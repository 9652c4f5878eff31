"""`Trainer`: what makes a model trainable."""

from __future__ import annotations

__all__ = ["Trainer"]


class Trainer:
    """The part of `Model` that trains it."""
