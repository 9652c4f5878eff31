"""VGG with 16 layers that have weights: `VGG16`.

Simonyan and Zisserman's network of 3 × 3 convolutions. Its images come from `preprocess_input`.
Source: Very Deep Convolutional Networks for Large-Scale Image Recognition, 2014, arXiv:1409.1556.
"""

from typing import Any

from eagerflow import layers
from eagerflow.applications.blocks import conv
from eagerflow.applications.building import Chosen, Family, classified
from eagerflow.applications.imagenet_utils import Preprocessor, decode_predictions as decode_predictions, preprocessor

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]


def body(x: Any, chosen: Chosen) -> Any:
    """Stages of convolutions, each followed by a pooling."""
    for stage, (filters, repeats) in enumerate(zip((64, 128, 256, 512, 512), chosen.repeats), 1):
        for i in range(1, repeats + 1):
            x = conv(x, filters, 3, f"block{stage}_conv{i}", padding="same", activation="relu")
        x = layers.MaxPooling2D(2, strides=2, name=f"block{stage}_pool")(x)
    return x


def top(x: Any, chosen: Chosen) -> Any:
    """Two dense layers before the last."""
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = layers.Dense(4096, activation="relu", name=name)(x)
    return classified(x, chosen, "")


preprocess_input: Preprocessor = preprocessor(__name__, "caffe")
VGG16 = Family(__name__, body, top, pooled=False)("VGG16", "vgg16", repeats=(2, 2, 3, 3, 3))
