"""EfficientNet V2 by Tan and Le: it trains faster, as its first blocks use full convolutions.

It prepares images itself, see `include_preprocessing`; without, it takes numbers from -1 to 1.
Source: EfficientNetV2: Smaller Models and Faster Training, 2021, arXiv:2104.00298.
"""

import math
from typing import Any

from eagerflow import layers
from eagerflow.applications.blocks import Map, axis, channels, divisible
from eagerflow.applications.building import Chosen, Family, Preprocessor, Special, decode_predictions, preprocessor
from eagerflow.applications.efficientnet import added, inverted, top, unit

__all__ = ["EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2L"]
__all__ += ["EfficientNetV2M", "EfficientNetV2S", "decode_predictions", "preprocess_input"]

# Channels inside by channels before, channels after, stride of the first block, how many blocks. In the first three
# stages the first two convolutions of a block are one.
_B = [(1, 16, 1, 1), (4, 32, 2, 2), (4, 48, 2, 2), (4, 96, 2, 3), (6, 112, 1, 5), (6, 192, 2, 8)]
_S = [(1, 24, 1, 2), (4, 48, 2, 4), (4, 64, 2, 4), (4, 128, 2, 6), (6, 160, 1, 9), (6, 256, 2, 15)]
_M = [(1, 24, 1, 3), (4, 48, 2, 5), (4, 80, 2, 5), (4, 160, 2, 7), (6, 176, 1, 14), (6, 304, 2, 18), (6, 512, 1, 5)]
_L = [(1, 32, 1, 4), (4, 64, 2, 7), (4, 96, 2, 7), (4, 192, 2, 10), (6, 224, 1, 19), (6, 384, 2, 25), (6, 640, 1, 7)]
_MEAN, _VARIANCE = [0.485, 0.456, 0.406], [0.229**2, 0.224**2, 0.225**2]
_SLOW: dict[str, Any] = {"momentum": 0.9}


def _body(x: Map, chosen: Chosen) -> Map:
    if chosen.include_preprocessing and chosen.stages is _B and channels(x) == 3:
        x = layers.Rescaling(scale=1.0 / 255)(x)
        x = layers.Normalization(mean=_MEAN, variance=_VARIANCE, axis=axis())(x)
    elif chosen.include_preprocessing:
        x = layers.Rescaling(scale=1.0 / 128.0, offset=-1)(x)
    x = unit(x, divisible(chosen.stem * chosen.width, at_least=0), 3, "stem", strides=2, **_SLOW)
    planned, i = sum([repeats for *_, repeats in chosen.stages]), 0
    for stage, (wider, filters, strides, repeats) in enumerate(chosen.stages, 1):
        block = _fused if stage <= 3 else inverted
        for j in range(math.ceil(chosen.depth * repeats)):
            name = f"block{stage}{chr(97 + j)}_"
            width = divisible(filters * chosen.width, at_least=0)
            x = block(x, name, wider, width, 1 if j else strides, 0.2 * i / planned, **_SLOW)
            i += 1
    return unit(x, divisible(1280 * chosen.width, at_least=0), 1, "top", **_SLOW)


def _fused(x: Map, name: str, wider: int, filters: int, strides: int, drop: float, **slow: Any) -> Map:
    start = x
    if wider == 1:
        x = unit(x, filters, 3, f"{name}project", strides=strides, **slow)
    else:
        x = unit(x, channels(x) * wider, 3, f"{name}expand", strides=strides, **slow)
        x = unit(x, filters, 1, f"{name}project", "", **slow)
    return added(x, start, strides, drop, name)


preprocess_input: Preprocessor = preprocessor(__name__, None)
_arguments = "include_top weights input_tensor input_shape pooling classes classifier_activation include_preprocessing"
_family = Family[Special](__name__, _body, top, f"{_arguments} name")
_b: dict[str, Any] = {"stages": _B, "stem": 32, "dropped": 0.2}
_whole: dict[str, Any] = {"width": 1.0, "depth": 1.0, "dropped": 0.2}
EfficientNetV2B0 = _family("EfficientNetV2B0", "efficientnetv2-b0", 224, width=1.0, depth=1.0, **_b)
EfficientNetV2B1 = _family("EfficientNetV2B1", "efficientnetv2-b1", 240, width=1.0, depth=1.1, **_b)
EfficientNetV2B2 = _family("EfficientNetV2B2", "efficientnetv2-b2", 260, width=1.1, depth=1.2, **_b)
EfficientNetV2B3 = _family("EfficientNetV2B3", "efficientnetv2-b3", 300, width=1.2, depth=1.4, **_b)
EfficientNetV2S = _family("EfficientNetV2S", "efficientnetv2-s", 384, stages=_S, stem=24, **_whole)
EfficientNetV2M = _family("EfficientNetV2M", "efficientnetv2-m", 480, stages=_M, stem=24, **_whole)
EfficientNetV2L = _family("EfficientNetV2L", "efficientnetv2-l", 480, stages=_L, stem=32, **_whole)
