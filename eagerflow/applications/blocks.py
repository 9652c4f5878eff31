"""The pieces that all architectures are made of. They follow `image_data_format()`."""

from functools import partial
from typing import Any, TypeAlias

from eagerflow import layers
from eagerflow.base.config import image_data_format

__all__ = ["Map", "act", "axis", "branches", "chain", "channels", "conv", "correct_pad", "depthwise"]
__all__ += ["divisible", "head", "join", "norm", "sides", "unnamed"]

Map: TypeAlias = Any  # what a layer gave, images or maps of features


def axis() -> int:
    """The axis of the channels."""
    return 1 if image_data_format() == "channels_first" else -1


def channels(x: Map) -> int:
    """How many channels a symbolic tensor has."""
    return x.shape[axis()]


def sides(shape: Any) -> tuple[Any, Any]:
    """Height and width in the shape of an image."""
    return tuple(shape[1:]) if axis() == 1 else tuple(shape[:2])


def conv(x: Map, filters: int, kernel: Any, name: str | None = None, **settings: Any) -> Map:
    """A convolution."""
    return layers.Conv2D(filters, kernel, name=name, **settings)(x)


def depthwise(x: Map, kernel: int, stride: int, name: str, pad: str = "", **settings: Any) -> Map:
    """A convolution of each channel by itself, without bias; with `pad`, a stride of 2 pads in a layer of that name."""
    if stride == 2 and pad:
        x = layers.ZeroPadding2D(correct_pad(x, kernel), name=pad)(x)
        settings["padding"] = "valid"
    settings = {"padding": "same", "strides": stride, "use_bias": False, **settings}
    return layers.DepthwiseConv2D(kernel, name=name, **settings)(x)


def norm(x: Map, name: str | None = None, **settings: Any) -> Map:
    """Batch normalization of the channels."""
    return layers.BatchNormalization(axis=axis(), name=name, **settings)(x)


def act(x: Map, name: str | None = None, kind: Any = "relu") -> Map:
    """An activation as a layer of its own."""
    return layers.Activation(kind, name=name)(x)


def join(parts: list[Map], name: str | None = None) -> Map:
    """Channels of several tensors, one after the other."""
    return layers.Concatenate(axis=axis(), name=name)(parts)


def correct_pad(x: Map, kernel: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding before a convolution with a stride of 2 whose outputs lie as TensorFlow's `"same"` has them."""
    half = kernel // 2
    height, width = [half - (1 if n is None else 1 - n % 2) for n in sides(x.shape[1:])]
    return (height, half), (width, half)


def divisible(n: float, by: int = 8, at_least: float = 0.9) -> int:
    """The multiple of `by` nearest to `n`; the next one, where that would be less than `at_least` of `n`."""
    nearest = max(by, int(n + by / 2) // by * by)
    return nearest + by if nearest < at_least * n else nearest


def chain(x: Map, units: str) -> Map:
    """Inception's units one after the other.

    Args:
        x: what goes in.
        units: divided by spaces: `64:3` is a convolution of 3 × 3 to 64 channels, `64:1x7` one of 1 × 7; with `v`
            behind it nothing is padded, with `/2` it has a stride of 2, too. `max` halves, `avg` smooths.
    """
    for unit in units.split():
        if unit == "max":
            x = layers.MaxPooling2D(3, strides=2)(x)
        elif unit == "avg":
            x = layers.AveragePooling2D(3, strides=1, padding="same")(x)
        else:
            filters, _, kernel = unit.partition(":")
            strides = 2 if kernel.endswith("/2") else 1
            padding = "valid" if kernel.endswith(("/2", "v")) else "same"
            lengths = [int(n) for n in kernel.removesuffix("/2").removesuffix("v").split("x")]
            x = conv(x, int(filters), (lengths[0], lengths[-1]), strides=strides, padding=padding, use_bias=False)
            x = act(norm(x, scale=False))
    return x


def branches(x: Map, chains: str, name: str | None = None) -> Map:
    """Parallel branches, separated by `|`, whose outputs are concatenated."""
    return join([chain(x, units) for units in chains.split("|")], name)


def head(x: Map, chosen: Any, average: str | None = "avg_pool", **settings: Any) -> Map:
    """The top of most networks: an average, where it has a name, and a dense layer."""
    x = layers.GlobalAveragePooling2D(name=average)(x) if average != "" else x
    return layers.Dense(chosen.classes, activation=chosen.classifier_activation, name="predictions", **settings)(x)


unnamed = partial(head, average=None)  # for the top whose average has no name
