"""`RandomRotation`, `RandomZoom`, `RandomTranslation` and `RandomShear`: images moved by an affine map."""

from __future__ import annotations

import math
from typing import Any, Unpack

from eagerflow import ops
from eagerflow.base.typing import DataFormat, FillMode, NumberOrRange, Sampling, Seed
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.layer_options import BoxOptions
from eagerflow.layers.preprocessing.images.bounding_boxes import (
    affine_transform,
    clip_to_image_size,
    convert_format,
    of_one_image,
)
from eagerflow.layers.preprocessing.images.factors import span, strict_span, warp_settings
from eagerflow.layers.preprocessing.images.image_base import WarpLayer, count_of, images_of

__all__ = ["RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom"]


def _matrix(*numbers: Any) -> Tensor:
    """The eight numbers of a projective map for each image, (batch, 8), from six; some are plain numbers."""
    count = next(n.shape[0] for n in numbers if isinstance(n, Tensor))
    like = next(n for n in numbers if isinstance(n, Tensor))
    columns = [n if isinstance(n, Tensor) else ops.full((count,), n, like.dtype) for n in (*numbers, 0.0, 0.0)]
    return ops.stack(columns, axis=1)


class _AffineLayer(WarpLayer):
    """A layer that moves pixels by an affine map per image."""

    fill_mode: FillMode
    fill_value: float

    def _set_warp(self, fill_mode: Any, interpolation: Any, fill_value: Any) -> None:
        warp_settings(self, fill_mode, interpolation, fill_value)

    def _matrices(self, transformation: Any, size: tuple[int, int]) -> Tensor:
        """The maps from the result's pixels to the image's, (batch, 8); subclasses write it."""
        raise NotImplementedError

    def _warped(self, images: Tensor, transformation: Any, interpolation: Sampling) -> Tensor:
        return ops.image.affine_transform(
            images,
            self._matrices(transformation, self._size(images.shape)),
            interpolation,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def _moved_boxes(self, boxes: Tensor, transformation: Any, size: tuple[int, int]) -> Tensor:
        """Corners in pixels, moved as the images; subclasses write it."""
        raise NotImplementedError

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of boxes, moved as the images and clipped to them."""
        if not training or transformation is None:
            return bounding_boxes
        size = transformation["input_shape"]
        size = self._size(size)
        corners = convert_format(bounding_boxes, self.bounding_box_format, "xyxy", *size)
        corners["boxes"] = self._moved_boxes(corners["boxes"], transformation, size)
        corners = clip_to_image_size(corners, *size)
        moved = convert_format(corners, "xyxy", self.bounding_box_format, *size)
        return of_one_image(moved, bounding_boxes)


class RandomRotation(_AffineLayer):
    """Rotates images around their middle, while training.

    Args:
        factor: the angle as a fraction of a full turn: a number f (drawn from -f to f), or the two ends of a range;
            positive is counter-clockwise.
        fill_mode: how points outside of the image are filled: `"reflect"` (mirrored), `"wrap"` (from the opposite
            side), `"constant"` (with `fill_value`) or `"nearest"` (with the border's pixel).
        interpolation: `"nearest"` or `"bilinear"`.
        seed: an integer, or None for one that `set_random_seed` decides.
        fill_value: the value for `fill_mode="constant"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for a factor outside [-1, 1] or unknown modes.

    Source: `keras.layers.RandomRotation` 3.15.

    >>> layer = ef.layers.RandomRotation((0.25, 0.25), interpolation="nearest")  # a quarter turn, always
    >>> image = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    >>> layer(image)[0, :, :, 0].tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """

    def __init__(
        self,
        factor: NumberOrRange,
        fill_mode: FillMode = "reflect",
        interpolation: Sampling = "bilinear",
        seed: Seed = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, -1, 1)
        self._set_warp(fill_mode, interpolation, fill_value)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws the angle of each image, in degrees."""
        if not training:
            return None
        angle = self._draw((count_of(data),), self.factor[0] * 360.0, self.factor[1] * 360.0, seed)
        return {"angle": angle, "input_shape": tuple(images_of(data).shape)}

    def _matrices(self, transformation: Any, size: tuple[int, int]) -> Tensor:
        y, x = ((n - 1) / 2 for n in size)
        turn = convert_to_tensor(transformation["angle"], self.compute_dtype) * (math.pi / 180)
        cosine, sine = ops.cos(turn), ops.sin(turn)
        return _matrix(cosine, -sine, x - x * cosine + y * sine, sine, cosine, y - x * sine - y * cosine)

    def _moved_boxes(self, boxes: Tensor, transformation: Any, size: tuple[int, int]) -> Tensor:
        angle = convert_to_tensor(transformation["angle"])
        nought, one = ops.zeros_like(angle), ops.ones_like(angle)
        return affine_transform(boxes, angle, nought, nought, one, nought, nought, *size)


class RandomZoom(_AffineLayer):
    """Zooms into or out of images, while training.

    Args:
        height_factor: a range such as `(-0.2, 0.3)`: from 20 % closer (zoom in) to 30 % further away (zoom out); or a
            number f, for the range from -f to f.
        width_factor: the same for the width; None keeps the proportions.
        fill_mode: how points outside of the image are filled: `"reflect"` (mirrored), `"wrap"` (from the opposite
            side), `"constant"` (with `fill_value`) or `"nearest"` (with the border's pixel).
        interpolation: `"nearest"` or `"bilinear"`.
        seed: an integer, or None for one that `set_random_seed` decides.
        fill_value: the value for `fill_mode="constant"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for factors outside (-1, 1] or unknown modes.

    Source: `keras.layers.RandomZoom` 3.15.

    >>> layer = ef.layers.RandomZoom((1.0, 1.0), fill_mode="constant", interpolation="nearest")  # twice as far, always
    >>> layer(np.ones((1, 4, 4, 1)))[0, :, :, 0].tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        height_factor: NumberOrRange,
        width_factor: NumberOrRange | None = None,
        fill_mode: FillMode = "reflect",
        interpolation: Sampling = "bilinear",
        seed: Seed = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        least = math.nextafter(-1.0, 0.0)  # at -1, an image would be one point
        self._heights = strict_span(self, "height_factor", height_factor, least, 1)
        self._widths = None if width_factor is None else strict_span(self, "width_factor", width_factor, least, 1)
        self._set_warp(fill_mode, interpolation, fill_value)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws how many pixels of the image one pixel of the result spans, down and across."""
        if not training:
            return None
        shape = (count_of(data), 1)
        down = self._draw(shape, 1.0 + self._heights[0], 1.0 + self._heights[1], seed)
        across = down
        if self._widths is not None:
            across = self._draw(shape, 1.0 + self._widths[0], 1.0 + self._widths[1], seed)
        return {"height_zoom": down, "width_zoom": across, "input_shape": tuple(images_of(data).shape)}

    def _matrices(self, transformation: Any, size: tuple[int, int]) -> Tensor:
        down, across = (
            ops.reshape(convert_to_tensor(transformation[k], self.compute_dtype), (-1,))
            for k in ("height_zoom", "width_zoom")
        )
        y, x = ((n - 1) / 2 for n in size)
        return _matrix(across, 0.0, x * (1 - across), 0.0, down, y * (1 - down))

    def _moved_boxes(self, boxes: Tensor, transformation: Any, size: tuple[int, int]) -> Tensor:
        """What remains of the boxes in the part that is shown, stretched to the whole image."""
        height, width = size
        matrices = ops.expand_dims(self._matrices(transformation, size), 1)
        across, left, down, top = (matrices[..., i : i + 1] for i in (0, 2, 4, 5))
        x1, y1, x2, y2 = (boxes[..., i : i + 1] for i in range(4))
        x1, x2 = (ops.clip(x, left, left + across * width) - left for x in (x1, x2))
        y1, y2 = (ops.clip(y, top, top + down * height) - top for y in (y1, y2))
        return ops.concatenate([x1 / across, y1 / down, x2 / across, y2 / down], axis=-1)


class RandomTranslation(_AffineLayer):
    """Moves images up, down and sideways, while training.

    Args:
        height_factor: the move as a fraction of the height: a number f (drawn from -f to f), or the two ends of a
            range; positive is down.
        width_factor: the same for the width; positive is right.
        fill_mode: how points outside of the image are filled: `"reflect"` (mirrored), `"wrap"` (from the opposite
            side), `"constant"` (with `fill_value`) or `"nearest"` (with the border's pixel).
        interpolation: `"nearest"` or `"bilinear"`.
        seed: an integer, or None for one that `set_random_seed` decides.
        fill_value: the value for `fill_mode="constant"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for factors outside [-1, 1] or unknown modes.

    Source: `keras.layers.RandomTranslation` 3.15.

    >>> layer = ef.layers.RandomTranslation((0.5, 0.5), 0.0, fill_mode="constant")  # half of the height, always
    >>> image = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    >>> layer(image)[0, :, :, 0].tolist()
    [[0.0, 0.0], [1.0, 2.0]]
    """

    def __init__(
        self,
        height_factor: NumberOrRange,
        width_factor: NumberOrRange,
        fill_mode: FillMode = "reflect",
        interpolation: Sampling = "bilinear",
        seed: Seed = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._heights = strict_span(self, "height_factor", height_factor, -1, 1)
        self._widths = strict_span(self, "width_factor", width_factor, -1, 1)
        self._set_warp(fill_mode, interpolation, fill_value)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws how far each image moves right and down, in pixels: (batch, 2)."""
        if not training:
            return None
        images = images_of(data)
        height, width = self._size(images.shape)
        shape = (count_of(data), 1)
        down = self._draw(shape, *self._heights, seed) * height
        right = self._draw(shape, *self._widths, seed) * width
        return {"translations": ops.concatenate([right, down], axis=1), "input_shape": tuple(images.shape)}

    def _moves(self, transformation: Any) -> tuple[Tensor, Tensor]:
        moves = convert_to_tensor(transformation["translations"], self.compute_dtype)
        return moves[:, 0], moves[:, 1]

    def _matrices(self, transformation: Any, size: tuple[int, int]) -> Tensor:
        right, down = self._moves(transformation)
        return _matrix(1.0, 0.0, -right, 0.0, 1.0, -down)

    def _moved_boxes(self, boxes: Tensor, transformation: Any, size: tuple[int, int]) -> Tensor:
        right, down = self._moves(transformation)
        return boxes + ops.expand_dims(ops.stack([right, down, right, down], axis=-1), 1)


class RandomShear(_AffineLayer):
    """Shears images, while training.

    Args:
        x_factor: how far a row moves sideways for each row below it: a number f (from -f to f) or a range.
        y_factor: the same for columns.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: how points outside of the image are filled: `"reflect"` (mirrored), `"wrap"` (from the opposite
            side), `"constant"` (with `fill_value`) or `"nearest"` (with the border's pixel).
        fill_value: the value for `fill_mode="constant"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for factors outside [0, 1] or unknown modes.

    Source: `keras.layers.RandomShear` 3.15.

    >>> layer = ef.layers.RandomShear(x_factor=0.5, y_factor=0, fill_mode="constant", seed=1)
    >>> sheared = layer(np.ones((1, 5, 5, 1)))
    >>> sheared.shape, float(sheared.mean()) < 1  # parts have left the picture
    ((1, 5, 5, 1), True)
    """

    def __init__(
        self,
        x_factor: NumberOrRange = 0.0,
        y_factor: NumberOrRange = 0.0,
        interpolation: Sampling = "bilinear",
        fill_mode: FillMode = "reflect",
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        seed: Seed = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.x_factor = _shear_span(self, "x_factor", x_factor)
        self.y_factor = _shear_span(self, "y_factor", y_factor)
        self._set_warp(fill_mode, interpolation, fill_value)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws the shears of each image along x and y: (batch, 2)."""
        if not training:
            return None
        shape = (count_of(data), 1)
        sign = ops.where(self._draw(shape, 0.0, 1.0, seed) > 0.5, -1.0, 1.0)
        down = self._draw(shape, *self.y_factor, seed)
        across = self._draw(shape, *self.x_factor, seed)
        shears = ops.concatenate([across, down], axis=1) * sign
        return {"shear_factor": shears, "input_shape": tuple(images_of(data).shape)}

    def _shears(self, transformation: Any) -> tuple[Tensor, Tensor]:
        shears = convert_to_tensor(transformation["shear_factor"], self.compute_dtype)
        return shears[:, 0], shears[:, 1]

    def _matrices(self, transformation: Any, size: tuple[int, int]) -> Tensor:
        across, down = self._shears(transformation)
        return _matrix(1.0, across, 0.0, down, 1.0, 0.0)

    def _moved_boxes(self, boxes: Tensor, transformation: Any, size: tuple[int, int]) -> Tensor:
        """As Keras: first sideways, in relative coordinates, then down."""
        height, width = size
        across, down = (ops.reshape(s, (-1, 1)) for s in self._shears(transformation))
        x1, y1, x2, y2 = (boxes[..., i] / n for i, n in enumerate((width, height, width, height)))
        left = across < 0
        x1, x2 = (x1 - across * ops.where(left, y1, y2), x2 - across * ops.where(left, y2, y1))
        up = down > 0
        y1, y2 = y1 - down * ops.where(up, x2, x1), y2 - down * ops.where(up, x1, x2)
        return ops.stack([x1 * width, y1 * height, x2 * width, y2 * height], axis=-1)


def _shear_span(layer: Any, name: str, value: Any) -> tuple[float, float]:
    """A range within [0, 1], or one from -f to f, which configurations hold too."""
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    return strict_span(layer, name, value, -1 if pair and value[0] == -value[1] else 0, 1)
