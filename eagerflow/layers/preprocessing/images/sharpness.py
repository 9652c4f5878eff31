"""`RandomSharpness` and `RandomGaussianBlur`: images sharper or softer."""

from __future__ import annotations

from typing import Any, Unpack

import numpy

from eagerflow import ops
from eagerflow.base.typing import DataFormat, NumberOrRange, Seed, Sizes
from eagerflow.core.strategy import sharing
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.layer_options import BoxOptions
from eagerflow.layers.preprocessing.images.factors import checked_range, span
from eagerflow.layers.preprocessing.images.image_base import RandomImageLayer, count_of

__all__ = ["RandomGaussianBlur", "RandomSharpness"]


class RandomSharpness(RandomImageLayer):
    """Makes images sharper or softer, while training.

    Args:
        factor: from 0 (soft) over 0.5 (unchanged) to 1 (sharp): a number f (drawn from 0 to f), or the two ends of a
            range.
        value_range: the lowest and highest value of pixels.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for a factor outside [0, 1] or an unusable range.

    Source: `keras.layers.RandomSharpness` 3.15.

    >>> flat = np.ones((1, 4, 4, 3))
    >>> layer = ef.layers.RandomSharpness(0.5, value_range=(0, 1), seed=1)
    >>> sharper = layer(flat)[0, 1:-1, 1:-1, 0]  # but for the border, beyond which it is dark
    >>> sharper.numpy().astype(float).round(3).tolist()  # without edges there is nothing to sharpen
    [[1.0, 1.0], [1.0, 1.0]]
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
        self.value_range = checked_range(self, value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws how sharp each image becomes."""
        return {"factor": self._draw((count_of(data),), *self.factor, seed)}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images, sharper or softer."""
        images = self._computable(images)
        if not training:
            return images
        strength = self._as_factors(transformation["factor"]) * 2
        changed = images + (1.0 - strength) * (self._smoothed(images) - images)
        return ops.clip(changed, *self.value_range)

    def _smoothed(self, images: Tensor) -> Tensor:
        """Every pixel averaged with its eight neighbours, itself counting five times; outside lie zeros."""
        weights = [[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]]
        kernel = convert_to_tensor(weights, self.compute_dtype).reshape((3, 3, 1, 1)) / 13.0
        kernel = ops.tile(kernel, (1, 1, images.shape[self._channels], 1))
        return ops.nn.depthwise_conv(images, kernel, 1, "same", self.data_format)


class RandomGaussianBlur(RandomImageLayer):
    """Blurs images with a Gaussian kernel, while training.

    Args:
        factor: the probability that an image changes: a number f (drawn from 0 to f) or a range.
        kernel_size: the size of the kernel in pixels: an odd number, or a pair for width and height.
        sigma: the largest standard deviation in pixels, from 0 to 1, or two ends of a range.
        value_range: the lowest and highest value of pixels.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for numbers outside [0, 1] or an even size.

    Source: `keras.layers.RandomGaussianBlur` 3.15.

    >>> spot = np.zeros((1, 5, 5, 1))
    >>> spot[0, 2, 2, 0] = 1
    >>> blurred = ef.layers.RandomGaussianBlur(seed=1, value_range=(0, 1))(spot)
    >>> round(float(blurred.sum()), 3), float(blurred.max()) < 1  # the light is spread, none is lost
    (1.0, True)
    """

    def __init__(
        self,
        factor: NumberOrRange = 1.0,
        kernel_size: Sizes = 3,
        sigma: NumberOrRange = 1.0,
        value_range: Any = (0, 255),
        data_format: DataFormat | None = None,
        seed: Seed = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1)
        self.kernel_size = _odd_sizes(self, kernel_size)
        self.sigma = span(self, "sigma", sigma, 0, 1)
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws which images change, and the standard deviations along width and height."""
        if not training:
            return None
        chosen = self._chosen(count_of(data), self.factor, seed)
        with sharing(None):  # one draw for all images
            return {"should_apply_blur": chosen, "blur_factor": self._draw((2,), *self.sigma, seed) + 1e-6}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images, some of them softer."""
        images = self._computable(images)
        if not training or transformation is None:
            return images
        soft = ops.image.gaussian_blur(
            images, self.kernel_size, convert_to_tensor(transformation["blur_factor"]), self.data_format
        )
        chosen = ops.reshape(transformation["should_apply_blur"], (-1, 1, 1, 1))
        return ops.clip(ops.where(chosen, soft, images), self.value_range[0], self.value_range[1])


def _odd_sizes(layer: Any, value: Any) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, (int, numpy.integer)) else value
    usable = isinstance(pair, (tuple, list)) and len(pair) == 2
    if not usable or any(not isinstance(n, (int, numpy.integer)) or n % 2 == 0 or n < 1 for n in pair):
        raise ValueError(f"{type(layer).__name__}(kernel_size={value!r}): expected an odd number, or two.")
    return int(pair[0]), int(pair[1])
