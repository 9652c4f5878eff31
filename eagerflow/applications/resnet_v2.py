"""ResNet V2 by He, Zhang, Ren and Sun: normalization and ReLU come before convolutions.

Takes images from `preprocess_input`. Source: Identity Mappings in Deep Residual Networks, 2016, arXiv:1603.05027.
"""

from eagerflow import layers
from eagerflow.applications.blocks import Map, conv
from eagerflow.applications.building import Chosen, Family, Network, Preprocessor, decode_predictions, preprocessor
from eagerflow.applications.resnet import ready, stages

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]


def _body(x: Map, chosen: Chosen) -> Map:
    x = conv(layers.ZeroPadding2D(3, name="conv1_pad")(x), 64, 7, "conv1_conv", strides=2)
    return ready(stages(x, chosen), "post")


def _block(x: Map, filters: int, name: str, stage: int, first: bool, last: bool) -> Map:
    strides = 2 if stage < 3 and last else 1
    start = ready(x, f"{name}_preact")
    if first:
        shortcut = conv(start, 4 * filters, 1, f"{name}_0_conv")
    else:
        shortcut = layers.MaxPooling2D(1, strides=strides)(x) if strides > 1 else x
    x = ready(conv(start, filters, 1, f"{name}_1_conv", use_bias=False), f"{name}_1")
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = ready(conv(x, filters, 3, f"{name}_2_conv", strides=strides, use_bias=False), f"{name}_2")
    return layers.Add(name=f"{name}_out")([shortcut, conv(x, 4 * filters, 1, f"{name}_3_conv")])


preprocess_input: Preprocessor = preprocessor(__name__, "tf")
_family = Family[Network](__name__, _body)
ResNet50V2 = _family("ResNet50V2", "resnet50v2", block=_block, repeats=(3, 4, 6, 3))
ResNet101V2 = _family("ResNet101V2", "resnet101v2", block=_block, repeats=(3, 4, 23, 3))
ResNet152V2 = _family("ResNet152V2", "resnet152v2", block=_block, repeats=(3, 8, 36, 3))
