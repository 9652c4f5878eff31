"""EfficientNet by Tan and Le: depth, width and size of images grow together.

It prepares images itself: it takes numbers from 0 to 255.
Source: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019, arXiv:1905.11946.
"""

import math
from functools import partial
from typing import Any

from eagerflow import layers
from eagerflow.applications.blocks import Map, act, axis, channels, conv, correct_pad, depthwise, divisible, head, norm
from eagerflow.applications.building import Chosen, Family, Network, Preprocessor, decode_predictions, preprocessor
from eagerflow.initializers import VarianceScaling

__all__ = ["EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5"]
__all__ += ["EfficientNetB6", "EfficientNetB7", "decode_predictions", "preprocess_input"]

# Channels inside by channels before, channels after, kernel, stride of the first block, how many blocks.
_STAGES = [(1, 16, 3, 1, 1), (6, 24, 3, 2, 2), (6, 40, 5, 2, 2), (6, 80, 3, 2, 3), (6, 112, 5, 1, 3), (6, 192, 5, 2, 4)]
_STAGES += [(6, 320, 3, 1, 1)]
_begun = partial(VarianceScaling, 2.0, "fan_out", "truncated_normal")


def _body(x: Map, chosen: Chosen) -> Map:
    x = layers.Normalization(axis=axis())(layers.Rescaling(1.0 / 255.0)(x))
    if chosen.weights == "imagenet":  # the published weights were trained on images that were divided twice
        x = layers.Rescaling([1.0 / math.sqrt(deviation) for deviation in (0.229, 0.224, 0.225)])(x)
    x = layers.ZeroPadding2D(correct_pad(x, 3), name="stem_conv_pad")(x)
    x = unit(x, divisible(32 * chosen.width), 3, "stem", strides=2, padding="valid")
    rows = [
        (f"block{stage}{chr(97 + i)}_", wider, divisible(filters * chosen.width), 1 if i else strides, kernel)
        for stage, (wider, filters, kernel, strides, repeats) in enumerate(_STAGES, 1)
        for i in range(math.ceil(chosen.depth * repeats))
    ]
    for i, (name, wider, width, strides, kernel) in enumerate(rows):
        x = inverted(x, name, wider, width, strides, 0.2 * i / len(rows), kernel)
    return unit(x, divisible(1280 * chosen.width), 1, "top")


def top(x: Map, chosen: Chosen) -> Map:
    """A pooling, dropout and the last layer."""
    x = layers.Dropout(chosen.dropped, name="top_dropout")(layers.GlobalAveragePooling2D(name="avg_pool")(x))
    return head(x, chosen, "", kernel_initializer=VarianceScaling(1.0 / 3.0, "fan_out", "uniform"))


def unit(x: Map, width: int, kernel: int, name: str, end: str = "swish", momentum: float = 0.99, **more: Any) -> Map:
    """A convolution without bias, a normalization, and unless `end` is empty that activation."""
    settings = {"padding": "same", "use_bias": False, "kernel_initializer": _begun(), **more}
    x = norm(conv(x, width, kernel, f"{name}_conv", **settings), f"{name}_bn", momentum=momentum)
    return act(x, f"{name}_activation", end) if end else x


def inverted(x: Map, name: str, wider: int, width: int, strides: int, drop: float, kernel: int = 0, **slow: Any) -> Map:
    """A block that is `wider` inside. Without a `kernel` it is that of the second version."""
    start, narrow = x, channels(x)
    if wider != 1:
        x = unit(x, narrow * wider, 1, f"{name}expand", **slow)
    names = (f"{name}dwconv", f"{name}dwconv_pad") if kernel else (f"{name}dwconv2", "")
    x = depthwise(x, kernel or 3, strides, *names, depthwise_initializer=_begun())
    x = norm(x, f"{name}bn", **slow)
    x = _squeezed(act(x, f"{name}activation", "swish"), max(1, narrow // 4), name)
    return added(unit(x, width, 1, f"{name}project", "", **slow), start, strides, drop, name)


def _squeezed(x: Map, narrow: int, name: str) -> Map:
    """Channels times factors that the whole image tells, found through `narrow` channels."""
    wide = channels(x)
    factors = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    factors = layers.Reshape((wide, 1, 1) if axis() == 1 else (1, 1, wide), name=f"{name}se_reshape")(factors)
    for filters, activation, part in ((narrow, "swish", "reduce"), (wide, "sigmoid", "expand")):
        settings = {"padding": "same", "activation": activation, "kernel_initializer": _begun()}
        factors = conv(factors, filters, 1, f"{name}se_{part}", **settings)
    return layers.multiply([x, factors], name=f"{name}se_excite")


def added(x: Map, start: Map, strides: int, drop: float, name: str) -> Map:
    """The end of a block: its input is added where the shape is the same; in training, whole images are dropped."""
    if strides != 1 or channels(x) != channels(start):
        return x
    if drop > 0:
        x = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.add([x, start], name=f"{name}add")


preprocess_input: Preprocessor = preprocessor(__name__, None)
_family = Family[Network](__name__, _body, top)
EfficientNetB0 = _family("EfficientNetB0", "efficientnetb0", 224, width=1.0, depth=1.0, dropped=0.2)
EfficientNetB1 = _family("EfficientNetB1", "efficientnetb1", 240, width=1.0, depth=1.1, dropped=0.2)
EfficientNetB2 = _family("EfficientNetB2", "efficientnetb2", 260, width=1.1, depth=1.2, dropped=0.3)
EfficientNetB3 = _family("EfficientNetB3", "efficientnetb3", 300, width=1.2, depth=1.4, dropped=0.3)
EfficientNetB4 = _family("EfficientNetB4", "efficientnetb4", 380, width=1.4, depth=1.8, dropped=0.4)
EfficientNetB5 = _family("EfficientNetB5", "efficientnetb5", 456, width=1.6, depth=2.2, dropped=0.4)
EfficientNetB6 = _family("EfficientNetB6", "efficientnetb6", 528, width=1.8, depth=2.6, dropped=0.5)
EfficientNetB7 = _family("EfficientNetB7", "efficientnetb7", 600, width=2.0, depth=3.1, dropped=0.5)
