"""Layers for images, which also carry labels, bounding boxes and segmentation masks along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack, overload

from eagerflow import ops, random
from eagerflow.base import tree
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DataFormat, Sampling, Seed, TensorLike, Tensors
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import ImageOptions, LayerOptions
from eagerflow.layer.settings import layout, one_of
from eagerflow.layers.preprocessing.images.bounding_boxes import FORMATS, as_boxes

__all__ = ["ImageLayer", "RandomImageLayer", "WarpLayer", "images_of"]


def images_of(data: Any) -> Any:
    """The images of what a layer was called with.

    Raises:
        ValueError: unless they have three axes (one image) or four (a batch).
    """
    images = data["images"] if isinstance(data, dict) else data
    if len(images.shape) not in (3, 4):
        raise ValueError(f"expected one image (3 axes) or a batch of images (4 axes); got {signature_of(images)}.")
    return images


def count_of(data: Any) -> int:
    """How many images there are."""
    shape = images_of(data).shape
    return 1 if len(shape) == 3 else int(shape[0])


class ImageLayer(Layer):
    """Base of the layers for images.

    A layer is called on images (height, width, channels), on batches of them, or on a dict with `"images"` and
    any of `"labels"`, `"bounding_boxes"` (a dict with `"boxes"` and `"labels"`) and `"segmentation_masks"`.
    Subclasses draw what happens in `get_random_transformation` and do it in `transform_images` and the other
    `transform_` methods, which get batches.

    Args:
        bounding_box_format: how boxes are given, such as `"xyxy"` or `"rel_xywh"`; needed when there are some.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for an unknown format.

    Source: the interface of Keras 3.15's layers for images.
    """

    def __init__(
        self, bounding_box_format: Any = None, data_format: DataFormat | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        if bounding_box_format is not None:
            bounding_box_format = one_of(self, "bounding_box_format", bounding_box_format, FORMATS)
        self.bounding_box_format = bounding_box_format
        self.data_format = layout(self, data_format)

    # What subclasses write

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws the random choices of one call, such as angles or positions, for each image of a batch.

        Args:
            data: images, or a dict with images under the key `"images"`.
            training: whether to draw; otherwise the result is None in most layers.
            seed: an integer or a `SeedGenerator`; default: the layer's own.

        Returns:
            What the methods `transform_...` take as `transformation`. Its structure depends on the layer.

        >>> layer = ef.layers.RandomBrightness(0.5, value_range=(0, 1), seed=1)
        >>> images = ef.ops.ones((2, 4, 4, 3))
        >>> drawn = layer.get_random_transformation(images)
        >>> same = layer.transform_images(images, drawn) == layer.transform_images(images, drawn)
        >>> bool(ef.ops.all(same))  # what was drawn can be done again, to a mask, say
        True
        """
        return None

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """Applies a transformation to a batch of images.

        Args:
            images: (batch, height, width, channels), or (batch, channels, height, width) with `"channels_first"`.
            transformation: what `get_random_transformation` returned.
            training: whether this is training.

        >>> layer = ef.layers.RandomFlip("horizontal", seed=1)
        >>> image = ef.Tensor([[[[1.0], [2.0]]]])
        >>> sorted(layer.transform_images(image, layer.get_random_transformation(image)).reshape(-1).tolist())
        [1.0, 2.0]
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method transform_images.")

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """Applies a transformation to a batch of labels; most layers return them unchanged.

        Args:
            labels: the labels, with the batch axis first.
            transformation: what `get_random_transformation` returned.
            training: whether this is training.

        >>> ef.layers.RandomFlip().transform_labels([3, 5], None)
        [3, 5]
        """
        return labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """Applies a transformation to a batch of bounding boxes; layers that don't move pixels return them unchanged.

        Args:
            bounding_boxes: a dict with `boxes`, (batch, boxes, 4), and `labels`, (batch, boxes).
            transformation: what `get_random_transformation` returned.
            training: whether this is training.

        >>> boxes = {"boxes": [[[1, 1, 4, 4]]], "labels": [[0]]}
        >>> ef.layers.RandomBrightness(0.5).transform_bounding_boxes(boxes, None)["labels"]
        [[0]]
        """
        return bounding_boxes

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """Applies a transformation to a batch of segmentation masks; most layers that don't move pixels return them.

        Args:
            segmentation_masks: integers, (batch, height, width) or with a last axis of length 1.
            transformation: what `get_random_transformation` returned.
            training: whether this is training.

        >>> ef.layers.RandomBrightness(0.5).transform_segmentation_masks(ef.ops.ones((1, 4, 4)), None).shape
        (1, 4, 4)
        """
        return segmentation_masks

    # Calling

    if TYPE_CHECKING:  # a tensor for images, a dict for a dict

        @overload
        def __call__(self, data: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]: ...
        @overload
        def __call__(self, data: TensorLike, training: bool | None = None) -> Tensor: ...
        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def call(self, data: Any, training: bool = True) -> Tensors:
        """Applies the layer to images, or to all parts of a dict of images, labels, boxes and masks.

        Args:
            data: an image, a batch of images, or a dict with `images` and perhaps `labels`, `bounding_boxes` and
                `segmentation_masks`. Other keys are left as they are.
            training: whether random changes are made.
        """
        single = len(images_of(data).shape) == 3
        transformation = self.get_random_transformation(data, training=training)
        if not isinstance(data, dict):
            return self._part("images", data, single, transformation, training)
        known = ("images", "labels", "bounding_boxes", "segmentation_masks")
        return {k: self._part(k, v, single, transformation, training) if k in known else v for k, v in data.items()}

    def _part(self, part: str, value: Any, single: bool, transformation: Any, training: bool) -> Any:
        """One part of the data, changed; a single example is a batch of one meanwhile."""
        value = as_boxes(self, value) if part == "bounding_boxes" else convert_to_tensor(value)
        if single:
            value = tree.map_structure(lambda x: x.reshape((1, *x.shape)), value)
        result = getattr(self, f"transform_{part}")(value, transformation, training=training)
        return tree.map_structure(lambda x: x.reshape(x.shape[1:]), result) if single else result

    # Help for subclasses

    @property
    def _spatial(self) -> tuple[int, int]:
        """The axes of height and width, from the end."""
        return (-2, -1) if self.data_format == "channels_first" else (-3, -2)

    @property
    def _channels(self) -> int:
        """The axis of the channels, from the end."""
        return -3 if self.data_format == "channels_first" else -1

    def _size(self, shape: Any) -> tuple[int, int]:
        """Height and width in the shape of images."""
        rows, columns = self._spatial
        return int(shape[rows]), int(shape[columns])

    def _computable(self, images: Any) -> Tensor:
        """Images in the compute type."""
        return convert_to_tensor(images, self.compute_dtype)

    def _as_factors(self, values: Any) -> Tensor:
        """One number per image, so that it broadcasts over images."""
        return ops.reshape(convert_to_tensor(values, self.compute_dtype), (-1, 1, 1, 1))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape

    def _base_config(self) -> dict[str, Any]:
        config = {**super()._base_config(), "data_format": self.data_format}
        if self.bounding_box_format is not None:
            config["bounding_box_format"] = self.bounding_box_format
        return config


class RandomImageLayer(ImageLayer):
    """Base of the layers that draw random numbers.

    Args:
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `data_format`, `bounding_box_format`, `name` ...; see `Layer`.
    """

    _untold = ("seed",)

    def __init__(self, seed: Seed = None, **kwargs: Unpack[ImageOptions]) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = random.SeedGenerator(seed)

    def _draw(self, shape: Any, low: float, high: float, seed: Seed = None) -> Tensor:
        """Uniform numbers from `low` to `high`, in the compute type."""
        source = self.generator if seed is None else seed
        return random.uniform(tuple(shape), low, high, dtype=self.compute_dtype, seed=source)

    def _chosen(self, count: int, share: tuple[float, float], seed: Seed = None) -> Tensor:
        """Which images change: each with a probability that is drawn from `share`."""
        probability = self._draw((count,), share[0], share[1], seed)
        return self._draw((count,), 0.0, 1.0, seed) < probability


class WarpLayer(RandomImageLayer):
    """Base of the layers that move pixels: they treat masks as images, by their nearest pixels."""

    interpolation: Sampling

    def _warped(self, images: Tensor, transformation: Any, interpolation: Sampling) -> Tensor:
        """Moved pixels; subclasses write it."""
        raise NotImplementedError

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """A batch of images, transformed."""
        images = self._computable(images)
        moves = training and transformation is not None
        if moves and images.ndim == 3:  # one image
            return self._warped(images[None], transformation, self.interpolation)[0]
        return self._warped(images, transformation, self.interpolation) if moves else images

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of masks, transformed as the images; the nearest pixel is taken, so that no new values appear."""
        moves = training and transformation is not None
        return self._warped(segmentation_masks, transformation, "nearest") if moves else segmentation_masks
