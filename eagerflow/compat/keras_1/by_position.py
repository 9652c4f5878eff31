"""Layers as `import keras` had them before 2.4: `Conv2D(8, 3, 3)` is a window of 3×3, `Embedding` has a `dropout`.

`tensorflow.keras` reads the numbers as a window and strides, as Keras 3 does.
"""

from __future__ import annotations

from typing import Any

from eagerflow import layers, ops, random
from eagerflow.compat.keras_1.by_numbers import OlderName, by_numbers
from eagerflow.core.strategy import sharing
from eagerflow.core.tensor import Tensor

__all__ = ["Conv2D", "Conv2DTranspose", "Conv3D", "ConvLSTM2D", "Embedding", "SeparableConv2D"]

Conv2D = by_numbers(layers.Conv2D, "Conv2D")
Conv3D = by_numbers(layers.Conv3D, "Conv3D")
Conv2DTranspose = by_numbers(layers.Conv2DTranspose, "Conv2DTranspose")
ConvLSTM2D = by_numbers(layers.ConvLSTM2D, "ConvLSTM2D")
SeparableConv2D = by_numbers(layers.SeparableConv2D, "SeparableConv2D")


class _EmbeddingWithDropout(layers.Embedding):
    """An embedding that forgets a share of its words in every training step: all their rows, wherever they occur."""

    def __init__(self, input_dim: int, output_dim: int, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(input_dim, output_dim, **kwargs)
        if not 0 <= dropout < 1:
            raise ValueError(f"Embedding(dropout={dropout!r}): expected a share from 0 to below 1.")
        self.dropout = float(dropout)
        self.seed_generator = random.SeedGenerator()

    def call(self, inputs: Any, training: bool | None = None) -> Tensor:
        """The vectors of the words; in training, zeros for the forgotten ones and the others scaled up."""
        found = super().call(inputs)
        if not training or not self.dropout:
            return found
        with sharing(None):  # one draw for all rows
            kept = random.dropout(ops.ones((self.input_dim, 1)), self.dropout, seed=self.seed_generator)
        return found * ops.cast(ops.take(kept, ops.cast(inputs, "int32"), axis=0), found.dtype)


class Embedding(layers.Embedding, metaclass=OlderName):
    """`Embedding`, with Keras 1's `dropout` of whole words."""

    @staticmethod
    def made(*args: Any, **kwargs: Any) -> layers.Embedding:
        """The layer."""
        return (_EmbeddingWithDropout if kwargs.get("dropout") else layers.Embedding)(*args, **kwargs)
