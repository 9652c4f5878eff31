"""`RandomPerspective` and `RandomElasticTransform`: images distorted."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow import ops
from eagerflow.base.typing import DataFormat, FillMode, NumberOrRange, Sampling, Seed
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.layer_options import BoxOptions
from eagerflow.layer.settings import one_of, share
from eagerflow.layers.preprocessing.images.bounding_boxes import clip_to_image_size, convert_format, of_one_image
from eagerflow.layers.preprocessing.images.factors import interpolation_of, span
from eagerflow.layers.preprocessing.images.image_base import WarpLayer, count_of, images_of

__all__ = ["RandomElasticTransform", "RandomPerspective"]


class RandomPerspective(WarpLayer):
    """Distorts the perspective of images by moving their corners, while training.

    Args:
        factor: the probability that an image changes: a number f (drawn from 0 to f) or a range.
        scale: how far corners move, from 0 (not at all) to 1.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_value: the value of points outside of the image.
        seed: an integer, or None for one that `set_random_seed` decides.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for numbers outside [0, 1] or an unknown interpolation.

    Source: `keras.layers.RandomPerspective` 3.15.

    >>> ef.layers.RandomPerspective(1.0, 0.5, seed=1)(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        factor: NumberOrRange = 1.0,
        scale: float = 1.0,
        interpolation: Sampling = "bilinear",
        fill_value: float = 0.0,
        seed: Seed = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1)
        self.scale = share(self, "scale", scale)
        self.interpolation = interpolation_of(self, interpolation)
        self.fill_value = fill_value

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws which images change, and where their corners move to."""
        if not training:
            return None
        images, count = images_of(data), count_of(data)
        chosen = self._chosen(count, self.factor, seed)
        moves = self._draw((count, 4, 2), -0.5 * self.scale, 0.5 * self.scale, seed)
        height, width = self._size(images.shape)
        right, bottom = width - 1.0, height - 1.0
        corners = [[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]]
        start = ops.broadcast_to(convert_to_tensor([corners], self.compute_dtype), (count, 4, 2))
        return {
            "apply_perspective": chosen,
            "start_points": start,
            "end_points": start + start * moves,
            "input_shape": tuple(images.shape),
        }

    def _warped(self, images: Tensor, transformation: Any, interpolation: Sampling) -> Tensor:
        moved = ops.image.perspective_transform(
            images,
            transformation["start_points"],
            transformation["end_points"],
            interpolation,
            self.fill_value,
            self.data_format,
        )
        return ops.where(ops.reshape(transformation["apply_perspective"], (-1, 1, 1, 1)), moved, images)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """The boxes that enclose the moved corners of each box."""
        if not training or transformation is None:
            return bounding_boxes
        size = self._size(transformation["input_shape"])
        corners = convert_format(bounding_boxes, self.bounding_box_format, "xyxy", *size)
        moved = _moved_boxes(corners["boxes"], transformation["start_points"], transformation["end_points"])
        chosen = ops.reshape(transformation["apply_perspective"], (-1, 1, 1))
        corners["boxes"] = ops.where(chosen, moved, corners["boxes"])
        corners = clip_to_image_size(corners, *size)
        moved = convert_format(corners, "xyxy", self.bounding_box_format, *size)
        return of_one_image(moved, bounding_boxes)


def _moved_boxes(boxes: Tensor, start: Any, end: Any) -> Tensor:
    """The boxes around the corners of boxes, seen as the images."""
    numbers = ops.expand_dims(_homography(convert_to_tensor(start), convert_to_tensor(end)), 1)
    a, b, c, d, e, f, g, h = (numbers[..., i : i + 1] for i in range(8))
    x1, y1, x2, y2 = (boxes[..., i : i + 1] for i in range(4))
    x, y = ops.concatenate([x1, x2, x1, x2], axis=-1), ops.concatenate([y1, y2, y2, y1], axis=-1)
    depth = g * x + h * y + 1
    x, y = (a * x + b * y + c) / depth, (d * x + e * y + f) / depth
    return ops.stack([ops.min(x, axis=-1), ops.min(y, axis=-1), ops.max(x, axis=-1), ops.max(y, axis=-1)], axis=-1)


def _homography(start: Tensor, end: Tensor) -> Tensor:
    """The eight numbers that map each start point (x, y) to its end point: (batch, 8)."""
    x, y, u, v = start[..., 0], start[..., 1], end[..., 0], end[..., 1]
    one, nought = ops.ones_like(x), ops.zeros_like(x)
    across = ops.stack([x, y, one, nought, nought, nought, -u * x, -u * y], axis=-1)
    down = ops.stack([nought, nought, nought, x, y, one, -v * x, -v * y], axis=-1)
    equations = ops.concatenate([across, down], axis=1)
    wanted = ops.expand_dims(ops.concatenate([u, v], axis=1), -1)
    return ops.linalg.solve(equations, wanted)[..., 0]


class RandomElasticTransform(WarpLayer):
    """Distorts images by smooth random displacements of their pixels, while training.

    Args:
        factor: the probability that an image changes: a number f (drawn from 0 to f) or a range.
        scale: how strong the distortion is: a number f (drawn from 0 to f) or a range.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: how points outside of the image are filled: `"constant"` (with `fill_value`), `"nearest"` (the
            border's pixel), `"wrap"` (from the opposite side), `"mirror"` or `"reflect"` (mirrored, without or with the
            border twice).
        fill_value: the value for `fill_mode="constant"`.
        value_range: the lowest and highest value of pixels.
        seed: an integer, or None for one that `set_random_seed` decides.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Images and their masks are distorted the same way; bounding boxes are returned unchanged.

    Raises:
        ValueError: for numbers outside [0, 1] or unknown modes.

    Source: `keras.layers.RandomElasticTransform` 3.15.

    >>> ef.layers.RandomElasticTransform(seed=1)(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        factor: NumberOrRange = 1.0,
        scale: NumberOrRange = 1.0,
        interpolation: Sampling = "bilinear",
        fill_mode: FillMode = "reflect",
        fill_value: float = 0.0,
        value_range: Any = (0, 255),
        seed: Seed = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1)
        self.scale = span(self, "scale", scale, 0, 1)
        self.interpolation = interpolation_of(self, interpolation)
        modes = ("constant", "nearest", "wrap", "mirror", "reflect")
        self.fill_mode = one_of(self, "fill_mode", fill_mode, modes)
        self.fill_value = fill_value
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws which images change and how strongly, and the seed of the displacements."""
        if not training or not self.scale[1] or not self.factor[1]:
            return None
        chosen = self._chosen(count_of(data), self.factor, seed)
        strength = self._draw((), self.scale[0], self.scale[1], seed)
        moves = int(self._draw((), 0.0, 2.0**24, seed).item())
        return {"apply_transform": chosen, "distortion_factor": strength, "seed": moves}

    def _warped(self, images: Tensor, transformation: Any, interpolation: Sampling) -> Tensor:
        size = self._size(images.shape)
        strength = float(transformation["distortion_factor"])
        if strength <= 0:
            return images
        moved = ops.image.elastic_transform(
            images,
            max(size) * 0.1 * strength,
            min(size) * 0.05 * strength,
            interpolation,
            self.fill_mode,
            self.fill_value,
            transformation["seed"],
            self.data_format,
        )
        found = ops.where(ops.reshape(transformation["apply_transform"], (-1, 1, 1, 1)), moved, images)
        return ops.clip(found, *self.value_range) if interpolation == self.interpolation else found
