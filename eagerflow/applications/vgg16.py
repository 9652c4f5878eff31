"""VGG by Simonyan and Zisserman: 3 × 3 convolutions, in 16 layers with weights or 19 (module `vgg19`).

Takes images from `preprocess_input`.
Source: Very Deep Convolutional Networks for Large-Scale Image Recognition, 2014, arXiv:1409.1556.
"""

from eagerflow import layers
from eagerflow.applications.blocks import Map, conv, head
from eagerflow.applications.building import Chosen, Family, Network, Preprocessor, decode_predictions, preprocessor

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]


def _body(x: Map, chosen: Chosen) -> Map:
    for stage, (filters, repeats) in enumerate(zip((64, 128, 256, 512, 512), chosen.repeats), 1):
        for i in range(1, repeats + 1):
            x = conv(x, filters, 3, f"block{stage}_conv{i}", padding="same", activation="relu")
        x = layers.MaxPooling2D(2, strides=2, name=f"block{stage}_pool")(x)
    return x


def _top(x: Map, chosen: Chosen) -> Map:
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = layers.Dense(4096, activation="relu", name=name)(x)
    return head(x, chosen, "")


preprocess_input: Preprocessor = preprocessor(__name__, "caffe")
_family = Family[Network](__name__, _body, _top, pooled=False)
VGG16 = _family("VGG16", "vgg16", repeats=(2, 2, 3, 3, 3))
VGG19 = _family("VGG19", "vgg19", repeats=(2, 2, 4, 4, 4))
