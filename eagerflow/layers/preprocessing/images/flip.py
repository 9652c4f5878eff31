"""`RandomFlip`: images mirrored."""

from __future__ import annotations

from typing import Any, Literal, Unpack

from eagerflow import ops
from eagerflow.base.typing import DataFormat, Seed
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer_options import BoxOptions
from eagerflow.layer.settings import one_of
from eagerflow.layers.preprocessing.images.bounding_boxes import clip_to_image_size, convert_format, of_one_image
from eagerflow.layers.preprocessing.images.image_base import RandomImageLayer, count_of, images_of

__all__ = ["RandomFlip"]


class RandomFlip(RandomImageLayer):
    """Mirrors each image with probability 1/2, while training.

    Args:
        mode: `"horizontal"` (left and right change places), `"vertical"`, or `"horizontal_and_vertical"` (both
            together, or neither).
        seed: an integer, or None for one that `set_random_seed` decides.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for an unknown mode.

    Source: `keras.layers.RandomFlip` 3.15.

    >>> layer = ef.layers.RandomFlip("horizontal", seed=2)
    >>> image = np.arange(3.0).reshape(1, 1, 3, 1)
    >>> layer(image).numpy().reshape(3).tolist() in ([0.0, 1.0, 2.0], [2.0, 1.0, 0.0])
    True
    >>> layer(image, training=False).numpy().reshape(3).tolist()
    [0.0, 1.0, 2.0]
    """

    def __init__(
        self,
        mode: Literal["horizontal", "vertical", "horizontal_and_vertical"] | str = "horizontal_and_vertical",
        seed: Seed = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.mode = one_of(self, "mode", mode, ("horizontal", "vertical", "horizontal_and_vertical"))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws which images are mirrored."""
        if not training:
            return None
        flips = self._draw((count_of(data), 1, 1, 1), 0.0, 1.0, seed) <= 0.5
        return {"flips": flips, "input_shape": tuple(images_of(data).shape)}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """A batch of images, some of them mirrored."""
        images = self._computable(images)
        if not training or transformation is None:
            return images
        rows, columns = self._spatial
        axes = {"horizontal": (columns,), "vertical": (rows,)}.get(self.mode, (columns, rows))
        return ops.where(transformation["flips"], ops.flip(images, axis=axes), images)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of masks, mirrored as the images."""
        return self.transform_images(segmentation_masks, transformation, training=training)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of boxes, mirrored as the images."""
        if not training or transformation is None:
            return bounding_boxes
        size = self._size(transformation["input_shape"])
        relative = convert_format(bounding_boxes, self.bounding_box_format, "rel_xyxy", *size)
        flips = ops.reshape(transformation["flips"], (-1, 1, 1))
        relative["boxes"] = ops.where(flips, self._mirrored(relative["boxes"]), relative["boxes"])
        relative = clip_to_image_size(relative, bounding_box_format="rel_xyxy")
        moved = convert_format(relative, "rel_xyxy", self.bounding_box_format, *size)
        return of_one_image(moved, bounding_boxes)

    def _mirrored(self, boxes: Tensor) -> Tensor:
        x1, y1, x2, y2 = (boxes[..., i : i + 1] for i in range(4))
        if self.mode != "vertical":
            x1, x2 = 1 - x2, 1 - x1
        if self.mode != "horizontal":
            y1, y2 = 1 - y2, 1 - y1
        return ops.concatenate([x1, y1, x2, y2], axis=-1)
