"""DenseNet by Huang, Liu, van der Maaten and Weinberger: each block sees all before it in its stage.

Takes images from `preprocess_input`. Source: Densely Connected Convolutional Networks, 2016, arXiv:1608.06993.
"""

from eagerflow import layers
from eagerflow.applications.blocks import Map, act, channels, conv, join, norm
from eagerflow.applications.building import Chosen, Family, Network, Preprocessor, decode_predictions, preprocessor
from eagerflow.applications.resnet import EPSILON, ready

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]


def _body(x: Map, chosen: Chosen) -> Map:
    x = ready(conv(layers.ZeroPadding2D(3)(x), 64, 7, "conv1_conv", strides=2, use_bias=False), "conv1")
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(layers.ZeroPadding2D(1)(x))
    for stage, repeats in enumerate(chosen.repeats, 2):
        if stage > 2:
            name = f"pool{stage - 1}"
            x = conv(ready(x, name), channels(x) // 2, 1, f"{name}_conv", use_bias=False)
            x = layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)
        for i in range(1, repeats + 1):
            name = f"conv{stage}_block{i}"
            new = conv(ready(x, f"{name}_0"), 128, 1, f"{name}_1_conv", use_bias=False)
            new = conv(ready(new, f"{name}_1"), 32, 3, f"{name}_2_conv", padding="same", use_bias=False)
            x = join([x, new], f"{name}_concat")
    return act(norm(x, "bn", epsilon=EPSILON), "relu")


preprocess_input: Preprocessor = preprocessor(__name__, "torch")
_family = Family[Network](__name__, _body, channels_last_only=True)
DenseNet121 = _family("DenseNet121", "densenet121", repeats=(6, 12, 24, 16))
DenseNet169 = _family("DenseNet169", "densenet169", repeats=(6, 12, 32, 32))
DenseNet201 = _family("DenseNet201", "densenet201", repeats=(6, 12, 48, 32))
