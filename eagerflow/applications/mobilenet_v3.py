"""MobileNet V3 by Howard and others: a small network, found by search.

It prepares images itself, see `include_preprocessing`; without, it takes numbers from -1 to 1.
Source: Searching for MobileNetV3, 2019, arXiv:1905.02244.
"""

from typing import Any

from eagerflow import layers
from eagerflow.applications.blocks import Map, act, channels, conv, depthwise, divisible
from eagerflow.applications.building import Chosen, Family, Preprocessor, Special, decode_predictions, preprocessor
from eagerflow.applications.mobilenet import check, side
from eagerflow.applications.mobilenet_v2 import normal, shape_given
from eagerflow.applications.published import Published, published

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

# Channels inside by channels before, channels after, kernel; then `/` for a stride of 2, and, where a model isn't
# minimalistic, `s` for squeeze and excitation and `h` for hard swish.
_SMALL = "1:16:3:/s 72/16:24:3:/ 88/24:24:3: 4:40:5:/sh 6:40:5:sh 6:40:5:sh 3:48:5:sh 3:48:5:sh"
_SMALL += " 6:96:5:/sh 6:96:5:sh 6:96:5:sh"
_LARGE = "1:16:3: 4:24:3:/ 3:24:3: 3:40:5:/s 3:40:5:s 3:40:5:s 6:80:3:/h 5/2:80:3:h 23/10:80:3:h 23/10:80:3:h"
_LARGE += " 6:112:3:sh 6:112:3:sh 6:160:5:/sh 6:160:5:sh 6:160:5:sh"


def _check(chosen: Chosen) -> None:
    chosen.input_shape = shape_given(chosen)
    check(chosen, None)
    if chosen.weights == "imagenet" and chosen.minimalistic and chosen.alpha != 1.0:
        raise ValueError(f"{chosen.function}(alpha={chosen.alpha}): minimalistic weights have alpha=1.0.")


def _body(x: Map, chosen: Chosen) -> Map:
    if chosen.include_preprocessing:
        x = layers.Rescaling(scale=1.0 / 127.5, offset=-1.0)(x)
    plain = chosen.minimalistic
    x = conv(x, 16, 3, "conv", strides=2, padding="same", use_bias=False)
    x = _activated(normal(x, "conv_bn"), not plain)
    for i, row in enumerate(chosen.blocks.split()):
        wider, filters, kernel, marks = row.split(":")
        over, _, under = wider.partition("/")
        wide = divisible(channels(x) * (int(over) / int(under or 1)))
        marks = marks.strip("sh") if plain else marks
        x = _block(x, i, wide, divisible(int(filters) * chosen.alpha), 3 if plain else int(kernel), marks)
    x = conv(x, divisible(channels(x) * 6), 1, "conv_1", padding="same", use_bias=False)
    return _activated(normal(x, "conv_1_bn"), not plain)


def _top(x: Map, chosen: Chosen) -> Map:
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = conv(x, divisible(chosen.last * max(chosen.alpha, 1.0)), 1, "conv_2", padding="same")
    x = _activated(x, not chosen.minimalistic)
    x = layers.Dropout(chosen.dropout_rate)(x) if chosen.dropout_rate > 0 else x
    x = layers.Flatten()(conv(x, chosen.classes, 1, "logits", padding="same"))
    return layers.Activation(chosen.classifier_activation, name="predictions")(x)


def _activated(x: Map, hard: bool) -> Map:
    return act(x, kind="hard_swish") if hard else layers.ReLU()(x)


def _block(x: Map, i: int, wide: int, filters: int, kernel: int, marks: str) -> Map:
    start, name, strides, hard = x, f"expanded_conv_{i}_" if i else "expanded_conv_", 1 + ("/" in marks), "h" in marks
    if i:
        x = conv(x, wide, 1, f"{name}expand", padding="same", use_bias=False)
        x = _activated(normal(x, f"{name}expand_bn"), hard)
    x = depthwise(x, kernel, strides, f"{name}depthwise", f"{name}depthwise_pad")
    x = _activated(normal(x, f"{name}depthwise_bn"), hard)
    if "s" in marks:
        x = _squeezed(x, divisible(wide * 0.25), wide, f"{name}squeeze_excite_")
    x = normal(conv(x, filters, 1, f"{name}project", padding="same", use_bias=False), f"{name}project_bn")
    return layers.Add(name=f"{name}add")([start, x]) if strides == 1 and channels(start) == filters else x


def _squeezed(x: Map, narrow: int, wide: int, name: str) -> Map:
    """Channels times factors that the whole image tells."""
    factors = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}avg_pool")(x)
    factors = layers.ReLU(name=f"{name}relu")(conv(factors, narrow, 1, f"{name}conv", padding="same"))
    factors = conv(factors, wide, 1, f"{name}conv_1", padding="same")
    factors = layers.ReLU(6.0)(factors + 3.0) * (1.0 / 6.0)
    return layers.Multiply(name=f"{name}mul")([x, factors])


def _file(chosen: Chosen) -> Published:
    side(chosen, aloud=True)
    kind = f"{chosen.kind}{'_minimalistic' if chosen.minimalistic else ''}_224_{float(chosen.alpha)}"
    return published(f"mobilenet_v3_{kind}_float", chosen.include_top)


preprocess_input: Preprocessor = preprocessor(__name__, None)
_arguments = "input_shape alpha minimalistic include_top weights input_tensor classes pooling dropout_rate"
_arguments += " classifier_activation include_preprocessing name"
_family = Family[Special](__name__, _body, _top, _arguments, fixed=False, check=_check, file=_file)
_known: dict[str, Any] = {"trained": (224,), "alphas": (0.75, 1.0)}
MobileNetV3Small = _family(
    "MobileNetV3Small",
    "MobileNetV3Small",
    kind="small",
    blocks=_SMALL,
    last=1024,
    example="input_shape=(32, 32, 3) -> 576",
    **_known,
)
MobileNetV3Large = _family(
    "MobileNetV3Large",
    "MobileNetV3Large",
    kind="large",
    blocks=_LARGE,
    last=1280,
    example="input_shape=(32, 32, 3) -> 960",
    **_known,
)
