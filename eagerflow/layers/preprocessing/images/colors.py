"""Layers that change colours: hue, saturation, shades of gray, and all of it together."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow import ops
from eagerflow.base.config import epsilon
from eagerflow.base.typing import DataFormat, NumberOrRange, Seed
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.layer_options import BoxOptions
from eagerflow.layer.settings import share
from eagerflow.layers.preprocessing.images.factors import checked_range, span
from eagerflow.layers.preprocessing.images.image_base import RandomImageLayer, count_of
from eagerflow.layers.preprocessing.images.levels import RandomBrightness, RandomContrast, rescaled

__all__ = ["RandomColorDegeneration", "RandomColorJitter", "RandomGrayscale", "RandomHue", "RandomSaturation"]


class _ColorLayer(RandomImageLayer):
    """A layer for images with three channels."""

    def _planes(self, images: Tensor) -> list[Tensor]:
        return ops.unstack(images, 3, axis=self._channels)

    def _joined(self, planes: list[Tensor]) -> Tensor:
        return ops.stack(planes, axis=self._channels)

    def _per_plane(self, values: Any) -> Tensor:
        """One number per image, so that it broadcasts over one channel."""
        return ops.reshape(convert_to_tensor(values, self.compute_dtype), (-1, 1, 1))


class RandomHue(_ColorLayer):
    """Shifts the hue of colours, while training.

    Args:
        factor: how far hues move at most, in either direction, where 1 is half of the colour circle: a number f (drawn
            from 0 to f), or the two ends of a range within 0 and 1.
        value_range: the lowest and highest value of pixels.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for a factor outside [0, 1].

    Source: `keras.layers.RandomHue` 3.15.

    >>> image = np.array([[[[1.0, 0.0, 0.0], [0.5, 0.5, 0.5]]]])  # red and gray
    >>> layer = ef.layers.RandomHue(0.5, value_range=(0, 1), seed=1)
    >>> layer(image).numpy().astype(float).round(2).tolist()[0][0][1]  # gray has no hue
    [0.5, 0.5, 0.5]
    """

    def __init__(
        self,
        factor: NumberOrRange,
        value_range: Any = (0, 255),
        data_format: DataFormat | None = None,
        seed: Seed = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1)
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws how far the hue of each image moves, as a fraction of the colour circle."""
        shape = (count_of(data),)
        sign = ops.where(self._draw(shape, 0.0, 1.0, seed) > 0.5, -1.0, 1.0)
        return {"factor": sign * self._draw(shape, *self.factor, seed) * 0.5}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images in other colours."""
        images = self._computable(images)
        if not training:
            return images
        shares = rescaled(images, self.value_range, (0, 1))
        hue, *others = self._planes(ops.image.rgb_to_hsv(shares, self.data_format))
        hue = hue + self._per_plane(transformation["factor"])
        hue = ops.where(hue > 1, hue - 1, hue)
        hue = ops.where(hue < 0, hue + 1, hue)
        changed = ops.image.hsv_to_rgb(self._joined([hue, *others]), self.data_format)
        return rescaled(ops.clip(changed, 0, 1), (0, 1), self.value_range)


class RandomSaturation(_ColorLayer):
    """Makes colours stronger or paler, while training.

    Args:
        factor: from 0 (gray) over 0.5 (unchanged) to 1 (as strong as possible): a number f (drawn from 0 to f), or the
            two ends of a range.
        value_range: the lowest and highest value of pixels.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for a factor outside [-1, 1] or an unusable range.

    Source: `keras.layers.RandomSaturation` 3.15.

    >>> image = np.array([[[[1.0, 0.0, 0.0], [0.5, 0.5, 0.5]]]])  # red and gray
    >>> layer = ef.layers.RandomSaturation((0.5, 0.5), value_range=(0, 1), seed=1)
    >>> layer(image).numpy().astype(float).round(2).tolist()[0][0][1]  # gray stays gray
    [0.5, 0.5, 0.5]
    """

    def __init__(
        self,
        factor: NumberOrRange,
        value_range: Any = (0, 255),
        data_format: DataFormat | None = None,
        seed: Seed = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, -1, 1)
        self.value_range = checked_range(self, value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws what the saturation of each image is multiplied by."""
        factor = self._draw((count_of(data),), *self.factor, seed)
        return {"factor": factor / (1 - factor + epsilon())}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images in stronger or paler colours."""
        images = self._computable(images)
        if not training:
            return images
        hue, saturation, value = self._planes(ops.image.rgb_to_hsv(images, self.data_format))
        saturation = ops.clip(saturation * self._per_plane(transformation["factor"]), *self.value_range)
        return ops.image.hsv_to_rgb(self._joined([hue, saturation, value]), self.data_format)


class RandomGrayscale(_ColorLayer):
    """Makes images gray at random, while training; they keep three channels.

    Args:
        factor: the probability that an image changes.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for a probability outside [0, 1].

    Source: `keras.layers.RandomGrayscale` 3.15.

    >>> red = np.array([[[[1.0, 0.0, 0.0]]]])
    >>> ef.layers.RandomGrayscale(1.0)(red).numpy().astype(float).round(3).tolist()
    [[[[0.299, 0.299, 0.299]]]]
    """

    def __init__(
        self,
        factor: float = 0.5,
        data_format: DataFormat | None = None,
        seed: Seed = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = share(self, "factor", factor)

    def get_random_transformation(self, images: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws which images become gray: (batch, 1, 1, 1)."""
        return self._draw((count_of(images), 1, 1, 1), 0.0, 1.0, seed) < self.factor

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images, some of them gray."""
        if not training:
            return images
        chosen = self.get_random_transformation(images) if transformation is None else transformation
        return ops.where(chosen, ops.image.rgb_to_grayscale(images, self.data_format), images)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        own = {"factor": self.factor} | ({} if self.seed is None else {"seed": self.seed})
        return {**super().get_config(), **own}


class RandomColorDegeneration(_ColorLayer):
    """Makes images grayer, while training.

    Args:
        factor: from 0 (unchanged) to 1 (gray): a number f (drawn from 0 to f), or the two ends of a range.
        value_range: the lowest and highest value of pixels.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for a factor outside [-1, 1] or an unusable range.

    Source: `keras.layers.RandomColorDegeneration` 3.15.

    >>> image = np.array([[[[1.0, 0.0, 0.0]]]])  # red
    >>> layer = ef.layers.RandomColorDegeneration((0.5, 0.5), value_range=(0, 1))
    >>> layer(image).numpy().astype(float).round(3).tolist()  # half of the way to gray
    [[[[0.649, 0.149, 0.149]]]]
    """

    def __init__(
        self,
        factor: NumberOrRange,
        value_range: Any = (0, 255),
        data_format: DataFormat | None = None,
        seed: Seed = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, -1, 1)
        self.value_range = checked_range(self, value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws how gray each image becomes."""
        return {"factor": self._draw((count_of(data), 1, 1, 1), *self.factor, seed)}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images, grayer."""
        images = self._computable(images)
        if not training:
            return images
        gray = ops.image.rgb_to_grayscale(images, self.data_format)
        changed = images + self._as_factors(transformation["factor"]) * (gray - images)
        return ops.clip(changed, *self.value_range)


class RandomColorJitter(RandomImageLayer):
    """Changes brightness, contrast, saturation and hue, in this order, while training.

    Args:
        value_range: the lowest and highest value of pixels.
        brightness_factor: as in `RandomBrightness`; None: brightness isn't changed.
        contrast_factor: as in `RandomContrast`; None: contrast isn't changed.
        saturation_factor: as in `RandomSaturation`; None: saturation isn't changed.
        hue_factor: as in `RandomHue`; None: hue isn't changed.
        seed: an integer, or None for one that `set_random_seed` decides.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for factors that those layers refuse.

    Source: `keras.layers.RandomColorJitter` 3.15.

    >>> ef.layers.RandomColorJitter(brightness_factor=0.2, hue_factor=0.1, seed=1)(np.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: NumberOrRange | None = None,
        contrast_factor: NumberOrRange | None = None,
        saturation_factor: NumberOrRange | None = None,
        hue_factor: NumberOrRange | None = None,
        seed: Seed = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = value_range
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.saturation_factor = saturation_factor
        self.hue_factor = hue_factor
        self.random_brightness = self._made(RandomBrightness, brightness_factor)
        self.random_contrast = self._made(RandomContrast, contrast_factor)
        self.random_saturation = self._made(RandomSaturation, saturation_factor)
        self.random_hue = self._made(RandomHue, hue_factor)

    def _made(self, layer: Any, factor: Any) -> Any:
        if factor is None:
            return None
        return layer(
            factor, value_range=self.value_range, seed=self.seed, data_format=self.data_format, dtype=self.dtype_policy
        )

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """A batch of images, with all four changes applied; each makes its own random choices."""
        images = self._computable(images)
        parts = (self.random_brightness, self.random_contrast, self.random_saturation, self.random_hue)
        for part in parts if training else ():
            if part is not None:
                images = part.transform_images(images, part.get_random_transformation(images, seed=self.generator))
        return images
