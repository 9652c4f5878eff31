"""`Resizing`, `CenterCrop` and `RandomCrop`: images of a given size."""

from __future__ import annotations

from typing import Any, Literal, Unpack

from eagerflow import ops
from eagerflow.base.typing import DataFormat, Interpolation, Seed
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.layer_options import BoxOptions, UnnamedOptions
from eagerflow.layer.settings import integer
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.layers.preprocessing.images.bounding_boxes import clip_to_image_size, convert_format, crop
from eagerflow.layers.preprocessing.images.image_base import ImageLayer, RandomImageLayer, images_of

__all__ = ["CenterCrop", "RandomCrop", "Resizing"]


class _Sized(ImageLayer):
    """A layer whose images have a height and width of their own."""

    height: int
    width: int

    def _set_size(self, height: Any, width: Any) -> None:
        self.height = integer(self, "height", height)
        self.width = integer(self, "width", width)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input, with the layer's height and width."""
        if isinstance(input_shape, dict):
            images = ("images", "segmentation_masks")
            return {k: self.compute_output_shape(v) if k in images else v for k, v in input_shape.items()}
        shape = list(input_shape)
        if len(shape) not in (3, 4):
            raise ValueError(
                f"{type(self).__name__}: expected the shape of images, with 3 or 4 axes; got {tuple(shape)}."
            )
        rows, columns = self._spatial
        shape[rows], shape[columns] = self.height, self.width
        return tuple(shape)

    def _window(self, length: int, other: int, target: int, other_target: int) -> int:
        """How long the largest window of the target's proportions is along an axis."""
        return max(min(length, int(other * target / other_target)), 1)

    def _largest_window(self, height: int, width: int) -> tuple[int, int, int, int]:
        """The largest window of the layer's proportions in the middle: top, left, height, width."""
        tall = self._window(height, width, self.height, self.width)
        wide = self._window(width, height, self.width, self.height)
        return (height - tall) // 2, (width - wide) // 2, tall, wide

    def _cut(self, images: Tensor, top: Any, left: Any, height: int, width: int) -> Tensor:
        rows, columns = slice(top, top + height), slice(left, left + width)
        cut = (rows, columns) if self.data_format == "channels_first" else (rows, columns, slice(None))
        return images[(..., *cut)]

    def _resized_boxes(self, boxes: dict[str, Any], height: Any, width: Any) -> dict[str, Any]:
        """Corners in an image of this size, in the layer's size."""
        x1, y1, x2, y2 = (boxes["boxes"][..., i : i + 1] for i in range(4))
        across, down = self.width / width, self.height / height
        return {**boxes, "boxes": ops.concatenate([x1 * across, y1 * down, x2 * across, y2 * down], axis=-1)}

    def _corners(self, boxes: dict[str, Any], height: int, width: int) -> dict[str, Any]:
        result: dict[str, Any] = convert_format(boxes, self.bounding_box_format, "xyxy", height, width)
        return result

    def _finished(self, boxes: dict[str, Any]) -> dict[str, Any]:
        """Corners cut to the layer's size, in the format that the user gave."""
        boxes = clip_to_image_size(boxes, self.height, self.width)
        result: dict[str, Any] = convert_format(boxes, "xyxy", self.bounding_box_format, self.height, self.width)
        return result


class Resizing(_Sized):
    """Resizes images.

    Args:
        height: the new height.
        width: the new width.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        crop_to_aspect_ratio: whether to crop images to the new proportions first, so that nothing is distorted.
        pad_to_aspect_ratio: whether to pad images to the new proportions first, so that nothing is distorted.
        fill_mode: only `"constant"`.
        fill_value: the value to pad with.
        antialias: whether to average over all pixels that fall into a new one when images shrink.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Images keep their type; integers are rounded.

    Raises:
        ValueError: for invalid settings.

    Source: `keras.layers.Resizing` 3.15.

    >>> ef.layers.Resizing(1, 4)([[[0.0], [2.0]]]).tolist()
    [[[0.0], [0.5], [1.5], [2.0]]]
    """

    def __init__(
        self,
        height: Any,
        width: Any,
        interpolation: Interpolation = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: Literal["constant"] | str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set_size(height, width)
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """The height and width before resizing; nothing is random here."""
        return self._size(images_of(data).shape)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images in the new size."""
        return self._resized(images, self.interpolation)

    def _resized(self, images: Any, interpolation: Interpolation) -> Tensor:
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation,
            self.antialias and interpolation != "nearest",
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """A batch of masks in the new size; the nearest pixel is taken, so that no new values appear."""
        return self._resized(segmentation_masks, "nearest")

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """The boxes in the coordinates of the resized images; padded boxes (all -1 or all 0) become 0."""
        boxes = bounding_boxes["boxes"]
        none = ops.all((boxes == -1) | (boxes == 0), axis=-1, keepdims=True)
        moved = self._moved(self._corners(bounding_boxes, *transformation), *transformation)
        moved = clip_to_image_size(moved, self.height, self.width)
        moved["boxes"] = ops.where(none, 0.0, moved["boxes"])
        return convert_format(moved, "xyxy", self.bounding_box_format, self.height, self.width)

    def _moved(self, boxes: dict[str, Any], height: int, width: int) -> dict[str, Any]:
        if not self.pad_to_aspect_ratio and not self.crop_to_aspect_ratio:
            return self._resized_boxes(boxes, height, width)
        ratios = (self.height / height, self.width / width)
        ratio = min(ratios) if self.pad_to_aspect_ratio else max(ratios)
        # A border when padding, cut off (negative) when cropping.
        top, left = (self.height - height * ratio) / 2, (self.width - width * ratio) / 2
        whole = (left // 1, top // 1) if self.pad_to_aspect_ratio else (-(-left // 1), -(-top // 1))
        offset = convert_to_tensor([*whole, *whole], boxes["boxes"].dtype)
        return {**boxes, "boxes": boxes["boxes"] * ratio + offset}

    def compute_output_spec(self, data: Any, training: bool = True) -> Any:
        """The symbolic output for symbolic data; images keep their type."""
        if isinstance(data, dict):
            sized = ("images", "segmentation_masks")
            return {k: self.compute_output_spec(v) if k in sized else v for k, v in data.items()}
        return SymbolicTensor(self.compute_output_shape(data.shape), data.dtype)


class CenterCrop(_Sized):
    """Crops the middle of images to a fixed size.

    From images that are smaller than this in height or width, the largest window of the same proportions is cropped and
    resized.

    Args:
        height: the new height.
        width: the new width.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for sizes below 1.

    Source: `keras.layers.CenterCrop` 3.15.

    >>> ef.layers.CenterCrop(1, 1)([[[1.0], [2.0], [3.0]]]).tolist()
    [[[2.0]]]
    """

    def __init__(
        self, height: Any, width: Any, data_format: DataFormat | None = None, **kwargs: Unpack[BoxOptions]
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set_size(height, width)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """The shape of the images; nothing is random here."""
        return {"input_shape": tuple(images_of(data).shape)}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images, cropped to their middles."""
        return self._middle(self._computable(images), "bilinear")

    def _middle(self, images: Tensor, interpolation: Interpolation) -> Tensor:
        height, width = self._size(images.shape)
        top, left = (height - self.height) // 2, (width - self.width) // 2
        if top >= 0 and left >= 0:
            return self._cut(images, top, left, self.height, self.width)
        return ops.image.resize(
            images, (self.height, self.width), interpolation, crop_to_aspect_ratio=True, data_format=self.data_format
        )

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of masks, cropped as the images; resizing takes the nearest pixel, so that no new values appear."""
        return self._middle(self._computable(segmentation_masks), "nearest")

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """The boxes in the coordinates of the cropped images."""
        height, width = self._size(transformation["input_shape"])
        corners = self._corners(bounding_boxes, height, width)
        top, left = (height - self.height) // 2, (width - self.width) // 2
        fits = top >= 0 and left >= 0
        window = (top, left, self.height, self.width) if fits else self._largest_window(height, width)
        cut = {**corners, "boxes": crop(corners["boxes"], *window)}
        return self._finished(cut if fits else self._resized_boxes(cut, *window[2:]))


class RandomCrop(_Sized, RandomImageLayer):
    """Crops images at a random position, which is the same for a whole batch.

    From images that are too small, and from all images outside of training, the largest window of the same proportions
    is cropped in the middle and resized. (Keras 3.15 documents the same, but returns images unchanged outside of
    training, and distorts small ones.)

    Args:
        height: the height of the crop.
        width: the width of the crop.
        seed: an integer, or None for one that `set_random_seed` decides.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        name: the layer's name.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for sizes below 1.

    Source: `keras.layers.RandomCrop` 3.15.

    >>> ef.layers.RandomCrop(2, 3, seed=1)(np.ones((5, 8, 8, 1))).shape
    (5, 2, 3, 1)
    """

    def __init__(
        self,
        height: Any,
        width: Any,
        seed: Seed = None,
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs: Unpack[UnnamedOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, name=name, **kwargs)
        self._set_size(height, width)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws where the crop begins (top, left), with its size before resizing, and the size of the image."""
        height, width = self._size(images_of(data).shape)
        if not training or height <= self.height or width <= self.width:
            return (*self._largest_window(height, width), height, width)
        room = (height - self.height + 1, width - self.width + 1)
        top, left = (int(self._draw((), 0.0, float(n), seed).item()) for n in room)
        return top, left, self.height, self.width, height, width

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """A batch of images, cropped."""
        return self._part_of(self._computable(images), transformation, "bilinear")

    def _part_of(self, images: Tensor, transformation: Any, interpolation: Interpolation) -> Tensor:
        part = self._cut(images, *transformation[:4])
        size = (self.height, self.width)
        if self._size(part.shape) == size:
            return part
        return ops.image.resize(part, size, interpolation, data_format=self.data_format)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of masks, cropped as the images; resizing takes the nearest pixel, so that no new values appear."""
        return self._part_of(self._computable(segmentation_masks), transformation, "nearest")

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """The boxes in the coordinates of the crops."""
        window, size = transformation[:4], transformation[4:]
        corners = self._corners(bounding_boxes, *size)
        cut = {**corners, "boxes": crop(corners["boxes"], *window)}
        return self._finished(self._resized_boxes(cut, *window[2:]))
