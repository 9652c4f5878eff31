"""ResNet by He, Zhang, Ren and Sun: blocks that add their input to their output.

Takes images from `preprocess_input`. Source: Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385.
"""

from eagerflow import layers
from eagerflow.applications.blocks import Map, act, conv, norm
from eagerflow.applications.building import Chosen, Family, Network, Preprocessor, decode_predictions, preprocessor

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

EPSILON = 1.001e-5


def ready(x: Map, name: str) -> Map:
    """Normalization and ReLU."""
    return act(norm(x, f"{name}_bn", epsilon=EPSILON), f"{name}_relu")


def stages(x: Map, chosen: Chosen) -> Map:
    """A pooling, and four stages of the family's blocks."""
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(layers.ZeroPadding2D(1, name="pool1_pad")(x))
    for stage, repeats in enumerate(chosen.repeats):
        for i in range(repeats):
            x = chosen.block(x, 64 << stage, f"conv{stage + 2}_block{i + 1}", stage, i == 0, i == repeats - 1)
    return x


def _body(x: Map, chosen: Chosen) -> Map:
    x = conv(layers.ZeroPadding2D(3, name="conv1_pad")(x), 64, 7, "conv1_conv", strides=2)
    return stages(ready(x, "conv1"), chosen)


def _block(x: Map, filters: int, name: str, stage: int, first: bool, last: bool) -> Map:
    strides = 2 if stage and first else 1
    shortcut = x
    if first:
        shortcut = conv(x, 4 * filters, 1, f"{name}_0_conv", strides=strides)
        shortcut = norm(shortcut, f"{name}_0_bn", epsilon=EPSILON)
    x = ready(conv(x, filters, 1, f"{name}_1_conv", strides=strides), f"{name}_1")
    x = ready(conv(x, filters, 3, f"{name}_2_conv", padding="same"), f"{name}_2")
    x = norm(conv(x, 4 * filters, 1, f"{name}_3_conv"), f"{name}_3_bn", epsilon=EPSILON)
    return act(layers.Add(name=f"{name}_add")([shortcut, x]), f"{name}_out")


preprocess_input: Preprocessor = preprocessor(__name__, "caffe")
_family = Family[Network](__name__, _body)
ResNet50 = _family("ResNet50", "resnet50", block=_block, repeats=(3, 4, 6, 3))
ResNet101 = _family("ResNet101", "resnet101", block=_block, repeats=(3, 4, 23, 3))
ResNet152 = _family("ResNet152", "resnet152", block=_block, repeats=(3, 8, 36, 3))
