"""`Rescaling`: numbers times a factor, plus an offset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from eagerflow.base.config import image_data_format
from eagerflow.base.serialization import serialize_keras_object
from eagerflow.base.typing import TensorLike
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import ImageOptions

__all__ = ["Rescaling"]


class Rescaling(Layer):
    """`inputs * scale + offset`, such as `Rescaling(1 / 255)` for images.

    Args:
        scale: a number, or one per channel.
        offset: a number, or one per channel.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Source: `keras.layers.Rescaling` 3.15.

    >>> ef.layers.Rescaling(2.0, offset=-1.0)([0, 1]).tolist()
    [-1.0, 1.0]
    """

    def __init__(self, scale: TensorLike, offset: TensorLike = 0.0, **kwargs: Unpack[ImageOptions]) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """`inputs * scale + offset`, in the compute type."""
        scale = convert_to_tensor(self.scale, self.compute_dtype)
        offset = convert_to_tensor(self.offset, self.compute_dtype)
        if scale.ndim and image_data_format() == "channels_first":
            scale = scale.reshape((*scale.shape, *(1,) * (3 - scale.ndim)))
        return convert_to_tensor(inputs, self.compute_dtype) * scale + offset

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        own = {"scale": serialize_keras_object(self.scale), "offset": serialize_keras_object(self.offset)}
        return {**super().get_config(), **own}
