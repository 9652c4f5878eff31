"""`MaxNumBoundingBoxes`: the same number of boxes for every image."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow import ops
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer_options import ImageOptions
from eagerflow.layer.settings import integer
from eagerflow.layers.preprocessing.images.image_base import ImageLayer

__all__ = ["MaxNumBoundingBoxes"]


class MaxNumBoundingBoxes(ImageLayer):
    """Makes the number of bounding boxes the same for every image: drops further ones, or pads.

    Args:
        max_number: the number of boxes per image in the output.
        fill_value: the value of padded boxes and labels.
        **kwargs: arguments of every layer for images; `bounding_box_format` is needed.

    Raises:
        ValueError: for a number below 1.

    Source: `keras.layers.MaxNumBoundingBoxes` 3.15.

    >>> layer = ef.layers.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
    >>> boxes = {"boxes": np.ones((1, 2, 4)), "labels": np.ones((1, 2))}
    >>> layer({"images": np.ones((1, 8, 8, 3)), "bounding_boxes": boxes})["bounding_boxes"]["labels"].tolist()
    [[1.0, 1.0, -1.0]]
    """

    def __init__(self, max_number: int, fill_value: float = -1, **kwargs: Unpack[ImageOptions]) -> None:
        super().__init__(**kwargs)
        self.max_number = integer(self, "max_number", max_number)
        self.fill_value = int(fill_value)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """Returns the images unchanged."""
        return images

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """The boxes and labels, cut or padded to `max_number` per image."""
        return {k: self._fitted(v) for k, v in bounding_boxes.items()}

    def _fitted(self, values: Tensor) -> Tensor:
        kept = values[:, : self.max_number]
        missing = self.max_number - kept.shape[1]
        if not missing:
            return kept
        widths = [(0, missing) if axis == 1 else (0, 0) for axis in range(kept.ndim)]
        return ops.pad(kept, widths, constant_values=self.fill_value)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the input, with `max_number` boxes."""
        if not isinstance(input_shape, dict) or "bounding_boxes" not in input_shape:
            return input_shape
        boxes = {k: (v[0], self.max_number, *v[2:]) for k, v in input_shape["bounding_boxes"].items()}
        return {**input_shape, "bounding_boxes": boxes}

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        own = {"max_number": self.max_number} | ({} if self.fill_value == -1 else {"fill_value": self.fill_value})
        return {**super().get_config(), **own}
