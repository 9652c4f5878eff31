"""`Pipeline`: layers applied one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.base.typing import TensorLike, Tensors
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer import Layer
from eagerflow.layer.tensor_masks import masks_of

__all__ = ["Pipeline"]


class Pipeline(Layer):
    """Applies several layers, such as preprocessing and augmentation, one after the other.

    Args:
        layers: a list of layers.
        name: the layer's name.

    Source: `keras.layers.Pipeline` 3.15.

    >>> from eagerflow.layers import Rescaling
    >>> ef.layers.Pipeline([Rescaling(0.5), Rescaling(1.0, offset=1.0)])([4.0]).tolist()
    [3.0]
    """

    _convert_input_args = False

    def __init__(self, layers: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self._pipeline_layers = list(layers)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order.

        >>> pipeline = ef.layers.Pipeline([ef.layers.Rescaling(0.5, name="half"), ef.layers.RandomFlip(name="flip")])
        >>> [layer.name for layer in pipeline.layers]
        ['half', 'flip']
        """
        return list(self._pipeline_layers)

    if TYPE_CHECKING:

        def __call__(
            self, inputs: TensorLike, training: bool | None = None, mask: TensorLike = None
        ) -> Tensor | Any: ...

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Tensors:
        """The outputs of the last layer."""
        for layer in self._pipeline_layers:
            settings = {"training": training} if layer._ef_state.signature.takes_training else {}
            if mask is not None and "mask" in layer._ef_state.signature.signature.parameters:
                settings["mask"] = mask
            inputs = layer(inputs, **settings)
            mask = masks_of(inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return {"layers": serialize_keras_object(self.layers), "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Pipeline:
        """Creates a layer from the dict that `get_config` returned.

        Raises:
            ValueError: without a list of layers.
        """
        if not isinstance(config.get("layers"), (list, tuple)):
            raise ValueError(f"Pipeline.from_config: expected a list of layers; got {config.get('layers')!r:.80}.")
        return cls(**{**config, "layers": [deserialize_keras_object(c) for c in config["layers"]]})
