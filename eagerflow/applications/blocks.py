"""The pieces that all architectures are made of. They follow `image_data_format()`."""

from typing import Any

from eagerflow import layers
from eagerflow.base.config import image_data_format

__all__ = ["act", "axis", "branches", "chain", "channels", "conv", "correct_pad", "depthwise", "divisible", "join"]
__all__ += ["norm", "sides"]


def axis() -> int:
    """The axis of the channels."""
    return 1 if image_data_format() == "channels_first" else -1


def channels(x: Any) -> int:
    """How many channels a symbolic tensor has."""
    return x.shape[axis()]


def sides(shape: Any) -> tuple[Any, Any]:
    """Height and width in the shape of an image."""
    return tuple(shape[1:]) if axis() == 1 else tuple(shape[:2])


def conv(x: Any, filters: int, kernel: Any, name: str | None = None, **settings: Any) -> Any:
    """A convolution."""
    return layers.Conv2D(filters, kernel, name=name, **settings)(x)


def depthwise(x: Any, kernel: int, stride: int, name: str, pad: str = "", **settings: Any) -> Any:
    """A convolution of each channel by itself, without bias; with `pad`, a stride of 2 pads in a layer of that name."""
    if stride == 2 and pad:
        x = layers.ZeroPadding2D(correct_pad(x, kernel), name=pad)(x)
        settings["padding"] = "valid"
    settings = {"padding": "same", "strides": stride, "use_bias": False, **settings}
    return layers.DepthwiseConv2D(kernel, name=name, **settings)(x)


def norm(x: Any, name: str | None = None, **settings: Any) -> Any:
    """Batch normalization of the channels."""
    return layers.BatchNormalization(axis=axis(), name=name, **settings)(x)


def act(x: Any, name: str | None = None, kind: Any = "relu") -> Any:
    """An activation as a layer of its own."""
    return layers.Activation(kind, name=name)(x)


def join(parts: list[Any], name: str | None = None) -> Any:
    """Channels of several tensors, one after the other."""
    return layers.Concatenate(axis=axis(), name=name)(parts)


def correct_pad(x: Any, kernel: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding before a convolution with a stride of 2 whose outputs lie as TensorFlow's `"same"` has them."""
    half = kernel // 2
    height, width = [half - (1 if n is None else 1 - n % 2) for n in sides(x.shape[1:])]
    return (height, half), (width, half)


def divisible(n: float, by: int = 8, at_least: float = 0.9) -> int:
    """The multiple of `by` nearest to `n`; the next one, where that would be less than `at_least` of `n`."""
    nearest = max(by, int(n + by / 2) // by * by)
    return nearest + by if nearest < at_least * n else nearest


def chain(x: Any, units: str) -> Any:
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


def branches(x: Any, chains: str, name: str | None = None) -> Any:
    """Chains beside each other, divided by `|`, and their outputs joined."""
    return join([chain(x, units) for units in chains.split("|")], name)
