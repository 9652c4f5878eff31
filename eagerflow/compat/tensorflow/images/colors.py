"""`tf.image`: color spaces, and colors changed, by chance too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.compat.tensorflow.images.crops import generator_of, stateless
from eagerflow.core.tensor import Tensor

__all__ = ["adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation"]
__all__ += ["grayscale_to_rgb", "hsv_to_rgb", "random_brightness", "random_contrast", "random_hue", "random_saturation"]
__all__ += ["rgb_to_grayscale", "rgb_to_hsv", "rgb_to_yuv", "stateless_random_brightness"]
__all__ += ["stateless_random_contrast", "stateless_random_hue", "stateless_random_saturation"]
__all__ += ["yuv_to_rgb"]

# Each column gives a channel of the new space from red, green and blue.
_YUV = numpy.array(
    [[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512], [0.114, 0.43601035, -0.10001026]]
)
_YUV_BACK = numpy.array([[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]])


def _mixing(kernel: numpy.ndarray) -> Callable[[Any], Tensor]:
    """A change of the color space, of floats from 0 to 1."""

    def call(images: Any) -> Tensor:
        images = _tensor(images)
        return ops.matmul(images, kernel.astype(images.dtype.name))

    return call


rgb_to_yuv, yuv_to_rgb = _mixing(_YUV), _mixing(_YUV_BACK)


def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Hue, saturation and value, of floats from 0 to 1."""
    return ops.image.rgb_to_hsv(_tensor(images), data_format="channels_last")


def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """`rgb_to_hsv` undone."""
    return ops.image.hsv_to_rgb(_tensor(images), data_format="channels_last")


def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """One channel of three."""
    return ops.image.rgb_to_grayscale(_tensor(images), data_format="channels_last")


def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """The channel three times."""
    return ops.repeat(_tensor(images), 3, axis=-1)


def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """`delta` added; of integers the share `delta` of their range."""
    return _as_floats(image, lambda x: x + delta)


def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """Differences from each channel's mean, scaled."""

    def change(x: Any) -> Any:
        center = ops.mean(x, (-3, -2), keepdims=True)
        return (x - center) * contrast_factor + center

    return _as_floats(images, change)


def adjust_gamma(image: Any, gamma: float = 1, gain: float = 1) -> Tensor:
    """`gain * image ** gamma`."""
    return _as_floats(image, lambda x: gain * x**gamma)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """The hue turned by `delta`, a share of the circle."""

    def change(x: Any) -> Any:
        hue, saturation, value = ops.split(rgb_to_hsv(x), 3, axis=-1)
        return hsv_to_rgb(ops.concatenate([(hue + delta) % 1.0, saturation, value], axis=-1))

    return _as_floats(image, change)


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Tensor:
    """The saturation times a factor."""

    def change(x: Any) -> Any:
        hue, saturation, value = ops.split(rgb_to_hsv(x), 3, axis=-1)
        return hsv_to_rgb(ops.concatenate([hue, ops.clip(saturation * saturation_factor, 0, 1), value], axis=-1))

    return _as_floats(image, change)


def random_brightness(image: Any, max_delta: float, seed: Any = None) -> Tensor:
    """A number from `-max_delta` to `max_delta` added."""
    return adjust_brightness(image, _drawn(-max_delta, max_delta, seed))


def random_contrast(image: Any, lower: float, upper: float, seed: Any = None) -> Tensor:
    """`adjust_contrast` by a random factor."""
    return adjust_contrast(image, _drawn(lower, upper, seed))


def random_hue(image: Any, max_delta: float, seed: Any = None) -> Tensor:
    """`adjust_hue` by a random share from `-max_delta` to `max_delta`."""
    return adjust_hue(image, _drawn(-max_delta, max_delta, seed))


def random_saturation(image: Any, lower: float, upper: float, seed: Any = None) -> Tensor:
    """`adjust_saturation` by a random factor."""
    return adjust_saturation(image, _drawn(lower, upper, seed))


stateless_random_brightness, stateless_random_contrast = stateless(random_brightness), stateless(random_contrast)
stateless_random_hue, stateless_random_saturation = stateless(random_hue), stateless(random_saturation)


def _drawn(least: float, most: float, seed: Any) -> float:
    return float(generator_of(seed).uniform(least, most))


def _tensor(image: Any) -> Any:
    return ops.convert_to_tensor(image)


def _as_floats(image: Any, change: Callable[[Any], Any]) -> Tensor:
    """A change of floats; integers, whose range stands for 0 to 1, keep their type and stay inside it."""
    image = _tensor(image)
    if image.dtype.kind == "f":
        return change(image)
    largest = float(numpy.iinfo(image.dtype).max)
    changed = ops.clip(change(ops.cast(image, "float32") / largest), 0, 1)
    return ops.cast(ops.floor(changed * (largest + 0.5)), image.dtype.name)
