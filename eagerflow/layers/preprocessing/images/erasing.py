"""`RandomErasing`, `CutMix` and `MixUp`: parts of images erased, or mixed with other images."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow import ops, random
from eagerflow.base.typing import DataFormat, NumberOrRange, Seed
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.layer_options import BoxOptions
from eagerflow.layers.preprocessing.images.factors import span
from eagerflow.layers.preprocessing.images.image_base import RandomImageLayer, count_of, images_of

__all__ = ["CutMix", "MixUp", "RandomErasing"]


class _BoxLayer(RandomImageLayer):
    """A layer that draws a box in each image."""

    def _ends(self, count: int, length: int, share: Tensor, seed: Seed) -> tuple[Tensor, Tensor]:
        """Where random stretches of a share of `length` begin and end."""
        stretch = share * length
        start = self._draw((count,), 0.0, 1.0, seed) * (length - stretch)
        return start, start + stretch

    def _mask(self, shape: Any, across: tuple[Tensor, Tensor], down: tuple[Tensor, Tensor]) -> Tensor:
        """Which pixels lie inside: like images with one channel."""
        height, width = self._size(shape)
        first = self.data_format == "channels_first"
        y = ops.arange(height, dtype=self.compute_dtype).reshape((1, height, 1) if first else (height, 1, 1))
        x = ops.arange(width, dtype=self.compute_dtype).reshape((1, 1, width) if first else (1, width, 1))
        (left, right), (top, bottom) = ([ops.reshape(end, (-1, 1, 1, 1)) for end in ends] for ends in (across, down))
        return (x >= left) & (x < right) & (y >= top) & (y < bottom)


class RandomErasing(_BoxLayer):
    """Erases a random box of each image, while training.

    Args:
        factor: the probability that an image changes: a number f (drawn from 0 to f) or a range.
        scale: about the share of the area that is erased: a number f (drawn from 0 to f) or a range. The squares of the
            box's relative height and width are each drawn from it.
        fill_value: the value of erased pixels: a number, one per channel, or None for normally distributed noise.
        value_range: the lowest and highest value of pixels.
        seed: an integer, or None for one that `set_random_seed` decides.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for numbers outside [0, 1] or an unusable fill_value.

    Source: `keras.layers.RandomErasing` 3.15; Zhong et al. 2017, https://arxiv.org/abs/1708.04896.

    >>> layer = ef.layers.RandomErasing(fill_value=0, seed=2)
    >>> erased = layer(np.ones((1, 8, 8, 3)))
    >>> 0 < float(erased.mean()) < 1, float(layer(np.ones((1, 8, 8, 3)), training=False).mean())
    (True, 1.0)
    """

    def __init__(
        self,
        factor: NumberOrRange = 1.0,
        scale: NumberOrRange = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: Seed = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1)
        self.scale = span(self, "scale", scale, 0, 1)
        usable = fill_value is None or isinstance(fill_value, (int, float))
        if not usable and not (isinstance(fill_value, (tuple, list)) and len(fill_value) == 3):
            raise ValueError(
                f"RandomErasing(fill_value={fill_value!r}): expected a number, three of them, or None for noise."
            )
        self.fill_value = fill_value
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws which images change, their boxes, and what these are filled with."""
        if not training:
            return None
        shape, count = images_of(data).shape, count_of(data)
        height, width = self._size(shape)
        shares = ops.sqrt(self._draw((count, 2), *self.scale, seed))
        across = self._ends(count, width, shares[:, 0], seed)
        down = self._ends(count, height, shares[:, 1], seed)
        return {
            "apply_erasing": self._chosen(count, self.factor, seed),
            "batch_masks": self._mask(shape, across, down),
            "fill_value": self._filling(shape, seed),
        }

    def _filling(self, shape: Any, seed: Seed) -> Tensor:
        value = self.fill_value
        if value is None:
            source = self.generator if seed is None else seed
            value = random.normal(tuple(shape), dtype=self.compute_dtype, seed=source) * self.value_range[1]
        elif isinstance(value, (tuple, list)):
            at_end = self.data_format == "channels_last"
            value = ops.reshape(convert_to_tensor(value, self.compute_dtype), (3,) if at_end else (3, 1, 1))
        return ops.clip(convert_to_tensor(value, self.compute_dtype), self.value_range[0], self.value_range[1])

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images, parts of them erased."""
        images = self._computable(images)
        if not training or transformation is None:
            return images
        chosen = ops.reshape(transformation["apply_erasing"], (-1, 1, 1, 1))
        erased = ops.logical_and(chosen, transformation["batch_masks"])
        return ops.where(erased, convert_to_tensor(transformation["fill_value"], images.dtype), images)


class CutMix(_BoxLayer):
    """Replaces a box of each image by that of another image of the batch, while training (CutMix).

    Labels are mixed by the box's share of the area.

    Args:
        factor: how evenly images are mixed: the parameter of a beta distribution, drawn from 0 to f, or from a
            range within [0, 1].
        seed: an integer, or None for one that `set_random_seed` decides.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    An image without a batch axis is returned unchanged.

    Raises:
        ValueError: for a factor outside [0, 1].

    Source: `keras.layers.CutMix` 3.15; Yun et al. 2019, https://arxiv.org/abs/1905.04899.

    >>> images = np.stack([np.zeros((8, 8, 3)), np.ones((8, 8, 3))])  # black and white
    >>> mixed = ef.layers.CutMix(seed=3)({"images": images, "labels": np.eye(2)})
    >>> sorted(set(mixed["images"][0].reshape(-1).tolist()))  # black with a white box
    [0.0, 1.0]
    >>> mixed["labels"].sum(axis=-1).numpy().astype(float).round(3).tolist()  # shares of both classes
    [1.0, 1.0]
    """

    def __init__(
        self,
        factor: NumberOrRange = 1.0,
        seed: Seed = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws for each image the other image, the box, and the share of the area that remains."""
        shape, count = images_of(data).shape, count_of(data)
        if not training or len(shape) == 3:
            return None
        height, width = self._size(shape)
        source = self.generator if seed is None else seed
        alpha = self._draw((), *self.factor, seed).item() + 1e-6
        side = ops.sqrt(1.0 - random.beta((count,), alpha, alpha, dtype=self.compute_dtype, seed=source))
        across, down = self._ends(count, width, side, seed), self._ends(count, height, side, seed)
        area = (across[1] - across[0]) * (down[1] - down[0])
        return {
            "permutation_order": random.shuffle(ops.arange(count, dtype="int32"), seed=source),
            "batch_masks": self._mask(shape, across, down),
            "mix_weight": self._as_factors(1.0 - area / (width * height)),
        }

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images, parts of them from other images."""
        images = self._computable(images)
        if not training or transformation is None:
            return images
        others = ops.take(images, transformation["permutation_order"], axis=0)
        return ops.where(transformation["batch_masks"], others, images)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of masks, mixed as the images."""
        return self.transform_images(segmentation_masks, transformation, training)

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of one-hot labels, mixed by the area of the box."""
        return _mixed_labels(labels, transformation) if training and transformation is not None else labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """Always raises an error: bounding boxes can't be mixed.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("CutMix can't mix bounding_boxes; leave them out of the data.")


class MixUp(RandomImageLayer):
    """Blends each image and its label with another one of the batch while training (MixUp).

    Args:
        alpha: the parameter of the beta distribution of the blending weights; larger values blend more evenly.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Source: `keras.layers.MixUp` 3.15; Zhang et al. 2017, https://arxiv.org/abs/1710.09412.

    >>> images = np.stack([np.zeros((8, 8, 3)), np.ones((8, 8, 3))])
    >>> mixed = ef.layers.MixUp(seed=2)({"images": images, "labels": np.eye(2)})
    >>> share = float(mixed["images"][0, 0, 0, 0])  # each pixel is a mean of two images, and so are the labels
    >>> 0 < share < 1, bool(np.allclose(mixed["labels"][0], [1 - share, share]))
    (True, True)
    """

    def __init__(
        self, alpha: float = 0.2, data_format: DataFormat | None = None, seed: Seed = None, **kwargs: Unpack[BoxOptions]
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.alpha = alpha

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws for each image the other image and the weight of the blend."""
        source, count = self.generator if seed is None else seed, count_of(data)
        order = random.shuffle(ops.arange(count, dtype="int64"), seed=source)
        weight = random.beta((count,), self.alpha, self.alpha, dtype=self.compute_dtype, seed=source)
        return {"mix_weight": weight, "permutation_order": order}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images, blended."""
        images = self._computable(images)
        if not training:
            return images
        weight = self._as_factors(transformation["mix_weight"])
        return weight * images + (1.0 - weight) * ops.take(images, transformation["permutation_order"], axis=0)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of masks, blended as the images."""
        return self.transform_images(segmentation_masks, transformation, training)

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of one-hot labels, blended as the images."""
        return _mixed_labels(labels, transformation) if training else labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """The boxes of both images, with their labels."""
        if not training:
            return bounding_boxes
        order = transformation["permutation_order"]
        return {k: ops.concatenate([v, ops.take(v, order, axis=0)], axis=1) for k, v in bounding_boxes.items()}


def _mixed_labels(labels: Any, transformation: Any) -> Tensor:
    weight = ops.reshape(convert_to_tensor(transformation["mix_weight"]), (-1, 1))
    others = ops.take(labels, transformation["permutation_order"], axis=0)
    return weight * labels + (1.0 - weight) * others
