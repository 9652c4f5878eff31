"""MobileNet by Howard and others: a small network of depthwise convolutions.

Takes images from `preprocess_input`.
Source: MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, 2017, arXiv:1704.04861.
"""

import warnings
from typing import Any

from eagerflow import layers
from eagerflow.applications.blocks import Map, conv, depthwise, norm, sides
from eagerflow.applications.building import Chosen, Family, Preprocessor, Special, decode_predictions, preprocessor
from eagerflow.applications.published import Published
from eagerflow.base.errors import expect_one_of

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

# Channels and stride of each block.
_BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]


def _check(chosen: Chosen) -> None:
    check(chosen, chosen.input_shape)
    if chosen.weights == "imagenet" and chosen.depth_multiplier != 1:
        raise ValueError(f"MobileNet(depth_multiplier={chosen.depth_multiplier!r:.60}): weights='imagenet' needs 1.")


def check(chosen: Chosen, shape: Any) -> None:
    """Refuse a width that can't be, or that there are no weights for; of several trained sizes take that of images."""
    if isinstance(chosen.alpha, bool) or not isinstance(chosen.alpha, (int, float)) or not chosen.alpha > 0:
        raise ValueError(f"{chosen.function}(alpha={chosen.alpha!r:.60}): expected a number above 0.")
    if chosen.weights == "imagenet":
        expect_one_of(f"{chosen.function}(weights='imagenet')", "alpha", chosen.alpha, chosen.alphas)
    if shape is not None and len(shape) == 3 and len({*sides(shape)}) == 1 and sides(shape)[0] in chosen.trained:
        chosen.size = sides(shape)[0]


def side(chosen: Chosen, aloud: bool = False) -> int | None:
    """The side in names of models and files; `aloud`, with a warning where it is not that of the images."""
    height, width = sides(chosen.input_shape)
    if chosen.weights != "imagenet" or (height == width and height in chosen.trained):
        return height
    if aloud:
        known = f"there are weights for squares of {', '.join(map(str, chosen.trained))}; taking those for 224"
        warnings.warn(f"{chosen.function}(weights='imagenet'): {known}. Fix: give such an input_shape.", stacklevel=2)
    return 224


def named(chosen: Chosen) -> str:
    """The name of a model: of the family, with its width and the side of its images."""
    return f"{chosen.function.lower()}_{chosen.alpha:0.2f}_{side(chosen)}"


def _body(x: Map, chosen: Chosen) -> Map:
    x = conv(x, int(32 * chosen.alpha), 3, "conv1", strides=2, padding="same", use_bias=False)
    x = layers.ReLU(6.0, name="conv1_relu")(norm(x, "conv1_bn"))
    for i, (filters, strides) in enumerate(_BLOCKS, 1):
        if strides == 2:
            x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{i}")(x)
        settings = {"padding": "valid" if strides == 2 else "same", "depth_multiplier": chosen.depth_multiplier}
        x = depthwise(x, 3, strides, f"conv_dw_{i}", **settings)
        x = layers.ReLU(6.0, name=f"conv_dw_{i}_relu")(norm(x, f"conv_dw_{i}_bn"))
        x = conv(x, int(filters * chosen.alpha), 1, f"conv_pw_{i}", padding="same", use_bias=False)
        x = layers.ReLU(6.0, name=f"conv_pw_{i}_relu")(norm(x, f"conv_pw_{i}_bn"))
    return x


def _top(x: Map, chosen: Chosen) -> Map:
    x = layers.Dropout(chosen.dropout, name="dropout")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Reshape((chosen.classes,), name="reshape_2")(conv(x, chosen.classes, 1, "conv_preds", padding="same"))
    return layers.Activation(chosen.classifier_activation, name="predictions")(x)


def _file(chosen: Chosen) -> Published:
    width = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}[chosen.alpha]
    kind = f"{width}_{side(chosen, aloud=True)}_tf{'' if chosen.include_top else '_no_top'}"
    return Published(f"mobilenet/mobilenet_{kind}.h5")


preprocess_input: Preprocessor = preprocessor(__name__, "tf")
_arguments = "input_shape alpha depth_multiplier dropout include_top weights input_tensor pooling classes"
_hooks: dict[str, Any] = {"check": _check, "name": named, "file": _file}
_family = Family[Special](__name__, _body, _top, f"{_arguments} classifier_activation name", pooled=False, **_hooks)
MobileNet = _family(
    "MobileNet",
    None,
    example="alpha=0.25, input_shape=(32, 32, 3) -> 256",
    trained=(128, 160, 192, 224),
    alphas=(0.25, 0.5, 0.75, 1.0),
)
