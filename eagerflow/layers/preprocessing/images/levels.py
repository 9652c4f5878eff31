"""Layers that change how bright pixels are: brightness, contrast, inversion, posterization, solarization."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow import ops
from eagerflow.base.typing import DataFormat, NumberOrRange, Seed
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.layer_options import BoxOptions, ImageOptions
from eagerflow.layers.preprocessing.images.factors import checked_range, span
from eagerflow.layers.preprocessing.images.image_base import RandomImageLayer, count_of
from eagerflow.random import randint

__all__ = ["RandomBrightness", "RandomContrast", "RandomInvert", "RandomPosterization", "Solarization", "rescaled"]


def rescaled(images: Tensor, before: Any, after: Any) -> Tensor:
    """Values from one range in another."""
    if tuple(before) == tuple(after):
        return images
    shares = (images - before[0]) / (before[1] - before[0])
    return shares * (after[1] - after[0]) + after[0]


class RandomBrightness(RandomImageLayer):
    """Makes images brighter or darker, while training.

    Args:
        factor: what is added, as a fraction of the range of values: a number f (drawn from -f to f), or the two ends of
            a range within -1 and 1.
        value_range: the lowest and highest value of pixels.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `data_format`, `bounding_box_format`, `name` ...; see `Layer`.

    Raises:
        ValueError: for a factor outside [-1, 1] or an unusable range.

    Source: `keras.layers.RandomBrightness` 3.15.

    >>> ef.layers.RandomBrightness((1, 1), seed=1)(np.zeros((1, 1, 3))).tolist()
    [[[255.0, 255.0, 255.0]]]
    """

    def __init__(
        self, factor: NumberOrRange, value_range: Any = (0, 255), seed: Seed = None, **kwargs: Unpack[ImageOptions]
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = span(self, "factor", factor, -1, 1)
        self.value_range = checked_range(self, value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws what is added to each image."""
        shape = (count_of(data), 1, 1, 1)
        if not training:
            return {"rgb_delta": ops.zeros(shape)}
        low, high = self.value_range
        return {"rgb_delta": self._draw(shape, *self.factor, seed) * (high - low)}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """A batch of images, brighter or darker."""
        images = self._computable(images)
        if not training:
            return images
        return ops.clip(images + self._as_factors(transformation["rgb_delta"]), *self.value_range)


class RandomContrast(RandomImageLayer):
    """Makes the contrast of images stronger or weaker, while training; the mean of each channel stays.

    Args:
        factor: `(lower, upper)`: contrast is multiplied by a number from `1 - lower` to `1 + upper`, both from 0
            to 1; a number f means `(0, f)`.
        value_range: the lowest and highest value of pixels.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `data_format`, `bounding_box_format`, `name` ...; see `Layer`.

    Raises:
        ValueError: for a factor outside [0, 1].

    Source: `keras.layers.RandomContrast` 3.15.

    >>> image = np.array([[[0.0], [1.0]]])
    >>> layer = ef.layers.RandomContrast(0.5, value_range=(0, 1), seed=1)
    >>> changed = layer(image).numpy()
    >>> changed.shape, round(float(changed.mean()), 3)  # the mean stays
    ((1, 2, 1), 0.5)
    """

    def __init__(
        self, factor: NumberOrRange, value_range: Any = (0, 255), seed: Seed = None, **kwargs: Unpack[ImageOptions]
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1)
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws what the contrast of each image is multiplied by."""
        shape = (count_of(data), 1, 1, 1)
        if not training:
            return {"contrast_factor": ops.zeros(shape)}
        return {"contrast_factor": self._draw(shape, 1.0 - self.factor[0], 1.0 + self.factor[1], seed)}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """A batch of images with other contrast."""
        images = self._computable(images)
        if not training:
            return images
        mean = ops.mean(images, axis=self._spatial, keepdims=True)
        changed = (images - mean) * self._as_factors(transformation["contrast_factor"]) + mean
        return ops.clip(changed, self.value_range[0], self.value_range[1])


class RandomInvert(RandomImageLayer):
    """Inverts images, bright to dark and dark to bright, while training.

    Args:
        factor: the probability that an image changes: a number f (drawn from 0 to f) or a range.
        value_range: the lowest and highest value of pixels.
        seed: an integer, or None for one that `set_random_seed` decides.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for a factor outside [0, 1].

    Source: `keras.layers.RandomInvert` 3.15.

    >>> ef.layers.RandomInvert((1, 1), seed=1)(np.zeros((1, 1, 3))).tolist()
    [[[255.0, 255.0, 255.0]]]
    """

    def __init__(
        self,
        factor: NumberOrRange = 1.0,
        value_range: Any = (0, 255),
        seed: Seed = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1)
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws which images are inverted."""
        if not training:
            return None
        return {"apply_inversion": self._chosen(count_of(data), self.factor, seed)}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """A batch of images, some of them inverted."""
        images = self._computable(images)
        if not training:
            return images
        chosen = ops.reshape(transformation["apply_inversion"], (-1, 1, 1, 1))
        return ops.where(chosen, self.value_range[1] - images, images)


class RandomPosterization(RandomImageLayer):
    """Reduces the number of bits per colour, while training. No gradient flows through.

    Args:
        factor: how many of 8 bits are kept: a number f (drawn from 1 to below f), or the two ends of a range within 1
            and 8, of which the upper one is left out.
        value_range: the lowest and highest value of pixels.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for a factor outside [1, 8] or an unusable range.

    Source: `keras.layers.RandomPosterization` 3.15.

    >>> ef.layers.RandomPosterization((1, 1), seed=1)(np.array([[[100.0, 200.0, 130.0]]])).tolist()
    [[[0.0, 128.0, 128.0]]]
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
        self.factor = span(self, "factor", factor, 1, 8)
        self.value_range = checked_range(self, value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws how many bits each image loses."""
        low, high = (int(f) for f in self.factor)
        source = self.generator if seed is None else seed
        bits = randint((count_of(data),), low, max(high, low + 1), seed=source)
        return {"shift_factor": (8 - bits).astype("uint8")}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images with fewer colours."""
        images = self._computable(images)
        if not training:
            return images
        lost = ops.reshape(convert_to_tensor(transformation["shift_factor"], "uint8"), (-1, 1, 1, 1))
        whole = rescaled(images, self.value_range, (0, 255)).astype("uint8")
        kept = ops.bitwise_left_shift(ops.bitwise_right_shift(whole, lost), lost)
        return rescaled(kept.astype(self.compute_dtype), (0, 255), self.value_range)


class Solarization(RandomImageLayer):
    """Solarizes images while training: adds a number to all pixels, then inverts those above a threshold.

    Args:
        addition_factor: what is added, as a fraction of the range of values: a number f (drawn from 0 to f) or a range.
        threshold_factor: the threshold, given in the same way.
        value_range: the lowest and highest value of pixels.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `data_format`, `bounding_box_format`, `name` ...; see `Layer`.

    Raises:
        ValueError: for factors outside [0, 1] or an unusable range.

    Source: `keras.layers.Solarization` 3.15.

    >>> ef.layers.Solarization(seed=1)(np.array([[[55.0, 200.0, 255.0]]])).tolist()
    [[[200.0, 55.0, 0.0]]]
    """

    def __init__(
        self,
        addition_factor: NumberOrRange = 0.0,
        threshold_factor: NumberOrRange = 0.0,
        value_range: Any = (0, 255),
        seed: Seed = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = _share_span(self, "addition_factor", addition_factor)
        self.threshold_factor = _share_span(self, "threshold_factor", threshold_factor)
        self.value_range = checked_range(self, value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws what is added to each image, and its threshold. As in Keras, only upper ends are multiplied by 255."""
        if not training:
            return None
        shape = (count_of(data), 1, 1, 1)
        (add_low, add_high), (low, high) = self.addition_factor, self.threshold_factor
        return {
            "additions": self._draw(shape, add_low, add_high * 255, seed),
            "thresholds": self._draw(shape, low, high * 255, seed),
        }

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """A batch of images, solarized."""
        images = self._computable(images)
        if not training or transformation is None:
            return images
        added = rescaled(images, self.value_range, (0, 255)) + self._as_factors(transformation["additions"])
        added = ops.clip(added, 0, 255)
        below = added < self._as_factors(transformation["thresholds"])
        return rescaled(ops.where(below, added, 255 - added), (0, 255), self.value_range)


def _share_span(layer: Any, name: str, value: Any) -> tuple[float, float]:
    """A range within [0, 1]; a number f means from 0 to f."""
    lower, upper = span(layer, name, value, 0, 1)
    if lower < 0 or upper > 1:
        raise ValueError(f"{type(layer).__name__}({name}={value!r}): expected numbers from 0 to 1.")
    return lower, upper
