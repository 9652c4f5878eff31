"""Inception-ResNet by Szegedy, Ioffe, Vanhoucke and Alemi: joined branches added to their input.

Takes images from `preprocess_input`.
Source: Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning, 2016, arXiv:1602.07261.
"""

from typing import Any

from eagerflow.applications.blocks import Map, act, branches, chain, channels, conv, norm
from eagerflow.applications.building import Chosen, Family, Network, Preprocessor, decode_predictions, preprocessor
from eagerflow.applications.inception_v3 import STEM
from eagerflow.layers import Layer

__all__ = ["CustomScaleLayer", "InceptionResNetV2", "decode_predictions", "preprocess_input"]

# Joined branches, and the residual blocks after them: what they are called, how many, their branches and factor.
_STAGES: list[Any] = [
    ("mixed_5b", "96:1 | 48:1 64:5 | 64:1 96:3 96:3 | avg 64:1"),
    ("block35", 10, "32:1 | 32:1 32:3 | 32:1 48:3 64:3", 0.17),
    ("mixed_6a", "384:3/2 | 256:1 256:3 384:3/2 | max"),
    ("block17", 20, "192:1 | 128:1 160:1x7 192:7x1", 0.1),
    ("mixed_7a", "256:1 384:3/2 | 256:1 288:3/2 | 256:1 288:3 320:3/2 | max"),
    ("block8", 10, "192:1 | 192:1 224:1x3 256:3x1", 0.2),
]


class CustomScaleLayer(Layer):
    """The sum of two tensors, the second one times a factor.

    Args:
        scale: the factor.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    >>> ef.applications.inception_resnet_v2.CustomScaleLayer(0.5)([np.array([1.0]), np.array([2.0])]).tolist()
    [2.0]
    """

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        """`inputs[0] + inputs[1] * scale`."""
        return inputs[0] + inputs[1] * self.scale

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the first input."""
        return input_shape[0]


def _body(x: Map, chosen: Chosen) -> Map:
    x = chain(x, STEM)
    for name, *stage in _STAGES:
        if len(stage) == 1:
            x = branches(x, stage[0], name)
            continue
        repeats, chains, scale = stage
        for i in range(1, repeats + 1):
            last = name == "block8" and i == repeats
            mixed = branches(x, chains, f"{name}_{i}_mixed")
            mixed = conv(mixed, channels(x), 1, f"{name}_{i}_conv", padding="same")
            x = CustomScaleLayer(1.0 if last else scale)([x, mixed])
            x = x if last else act(x, f"{name}_{i}_ac")
    x = norm(conv(x, 1536, 1, "conv_7b", padding="same", use_bias=False), "conv_7b_bn", scale=False)
    return act(x, "conv_7b_ac")


preprocess_input: Preprocessor = preprocessor(__name__, "tf")
_family = Family[Network](__name__, _body, size=299, smallest=75, pooled=False)
InceptionResNetV2 = _family("InceptionResNetV2", "inception_resnet_v2")
