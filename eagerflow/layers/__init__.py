"""Layers, with the names and settings of `keras.layers`."""

from __future__ import annotations

from eagerflow.layers.base import Layer
from eagerflow.layers.input_spec import InputSpec

__all__ = ["InputSpec", "Layer"]
