"""Xception by Chollet: separable convolutions.

Takes images from `preprocess_input`.
Source: Xception: Deep Learning with Depthwise Separable Convolutions, 2017, arXiv:1610.02357.
"""

from eagerflow import layers
from eagerflow.applications.blocks import Map, act, conv, norm
from eagerflow.applications.building import Chosen, Family, Network, Preprocessor, decode_predictions, preprocessor

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

# The channels of each block's separable convolutions, from the second block on. Two of them halve the sides.
_BLOCKS = [(128, 128), (256, 256), (728, 728), *[(728, 728, 728)] * 8, (728, 1024)]


def _body(x: Map, chosen: Chosen) -> Map:
    for i, filters in enumerate((32, 64), 1):
        x = conv(x, filters, 3, f"block1_conv{i}", strides=3 - i, use_bias=False)
        x = act(norm(x, f"block1_conv{i}_bn"), f"block1_conv{i}_act")
    for i, widths in enumerate(_BLOCKS, 2):
        x = _block(x, f"block{i}", widths)
    for i, filters in enumerate((1536, 2048), 1):
        x = act(_separable(x, filters, f"block14_sepconv{i}"), f"block14_sepconv{i}_act")
    return x


def _block(x: Map, name: str, widths: tuple[int, ...]) -> Map:
    halves = len(widths) == 2
    shortcut = norm(conv(x, widths[-1], 1, strides=2, padding="same", use_bias=False)) if halves else x
    for i, filters in enumerate(widths, 1):
        if (name, i) != ("block2", 1):  # which comes right after an activation
            x = act(x, f"{name}_sepconv{i}_act")
        x = _separable(x, filters, f"{name}_sepconv{i}")
    if halves:
        x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return layers.add([x, shortcut])


def _separable(x: Map, filters: int, name: str) -> Map:
    return norm(layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x), f"{name}_bn")


preprocess_input: Preprocessor = preprocessor(__name__, "tf")
Xception = Family[Network](__name__, _body, size=299, smallest=71, pooled=False)("Xception", "xception")
