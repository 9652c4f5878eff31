"""Layers, with the names and settings of `keras.layers`."""

from __future__ import annotations

from eagerflow.layers.base import Layer
from eagerflow.layers.input import Input, InputLayer
from eagerflow.layers.input_spec import InputSpec
from eagerflow.layers.symbolic import SymbolicTensor as KerasTensor

__all__ = ["Input", "InputLayer", "InputSpec", "KerasTensor", "Layer"]
