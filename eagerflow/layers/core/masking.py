"""`Masking`: leaves out timesteps that hold nothing but a certain value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from eagerflow import ops
from eagerflow.base.serialization import deserialize_keras_object
from eagerflow.base.typing import Shape, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions

__all__ = ["Masking"]


class Masking(Layer):
    """Masks the timesteps whose features all equal `mask_value`, and sets them to 0.

    Args:
        mask_value: the value that marks padding.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input and output: (batch, time, features).

    >>> ef.layers.Masking(-1.0)(ef.Tensor([[[-1.0, -1.0], [2.0, -1.0]]])).tolist()
    [[[0.0, 0.0], [2.0, -1.0]]]
    """

    _stateless = True

    def __init__(self, mask_value: Any = 0.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.mask_value = deserialize_keras_object(mask_value)
        self.supports_masking = True

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs with masked timesteps set to 0."""
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return ops.where(kept, inputs, 0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs: False for timesteps whose features all equal `mask_value`.

        Args:
            inputs: (batch, time, features).
            mask: ignored.

        >>> ef.layers.Masking().compute_mask(ef.Tensor([[[1.0, 0.0], [0.0, 0.0]]])).tolist()
        [[True, False]]
        """
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)
