"""MobileNet V2: `MobileNetV2`.

Sandler, Howard, Zhu, Zhmoginov and Chen's small network, with blocks wide inside, for images from `preprocess_input`.
Source: MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018, arXiv:1801.04381.
"""

from typing import Any

from eagerflow import layers
from eagerflow.applications.blocks import channels, conv, depthwise, divisible, norm, sides
from eagerflow.applications.building import Chosen, Family, unnamed
from eagerflow.applications.imagenet_utils import Preprocessor, decode_predictions as decode_predictions, preprocessor
from eagerflow.applications.mobilenet import check, named, side
from eagerflow.applications.published import Published

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

# Channels, stride of the first block, and how many blocks.
_STAGES = [(16, 1, 1), (24, 2, 2), (32, 2, 3), (64, 2, 4), (96, 1, 3), (160, 2, 3), (320, 1, 1)]
_BLOCKS = [(filters, 1 if i else strides) for filters, strides, repeats in _STAGES for i in range(repeats)]


def _check(chosen: Chosen) -> None:
    check_width(chosen)
    given = chosen.input_shape is None and chosen.input_tensor is not None
    check(chosen, chosen.input_tensor.shape[1:] if given else chosen.input_shape)


def check_width(chosen: Chosen) -> None:
    """Refuse an `input_shape` that contradicts `input_tensor`."""
    asked, given = chosen.input_shape, chosen.input_tensor
    known = asked is not None and given is not None and len(asked) == 3
    if known and sides(asked)[1] != sides(given.shape[1:])[1]:
        raise ValueError(
            f"{chosen.function}(input_shape={asked}): input_tensor has the shape {tuple(given.shape)}. Fix: leave "
            "input_shape out."
        )


def normal(x: Any, name: str) -> Any:
    """Normalization that remembers for long."""
    return norm(x, name, epsilon=1e-3, momentum=0.999)


def _body(x: Any, chosen: Chosen) -> Any:
    x = conv(x, divisible(32 * chosen.alpha), 3, "Conv1", strides=2, padding="same", use_bias=False)
    x = layers.ReLU(6.0, name="Conv1_relu")(normal(x, "bn_Conv1"))
    for i, (filters, strides) in enumerate(_BLOCKS):
        x = _block(x, divisible(int(filters * chosen.alpha)), strides, f"block_{i}_" if i else "expanded_conv_")
    x = conv(x, divisible(1280 * max(chosen.alpha, 1.0)), 1, "Conv_1", use_bias=False)
    return layers.ReLU(6.0, name="out_relu")(normal(x, "Conv_1_bn"))


def _block(x: Any, filters: int, strides: int, name: str) -> Any:
    start = x
    if name[0] == "b":  # all but the first
        x = conv(x, 6 * channels(x), 1, f"{name}expand", padding="same", use_bias=False)
        x = layers.ReLU(6.0, name=f"{name}expand_relu")(normal(x, f"{name}expand_BN"))
    x = depthwise(x, 3, strides, f"{name}depthwise", f"{name}pad")
    x = layers.ReLU(6.0, name=f"{name}depthwise_relu")(normal(x, f"{name}depthwise_BN"))
    x = normal(conv(x, filters, 1, f"{name}project", padding="same", use_bias=False), f"{name}project_BN")
    return layers.Add(name=f"{name}add")([start, x]) if strides == 1 and channels(start) == filters else x


def _file(chosen: Chosen) -> Published:
    kind = f"{float(chosen.alpha)}_{side(chosen, aloud=True)}{'' if chosen.include_top else '_no_top'}"
    return Published(f"mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{kind}.h5")


preprocess_input: Preprocessor = preprocessor(__name__, "tf")
_arguments = "input_shape alpha include_top weights input_tensor pooling classes classifier_activation name"
_known: dict[str, Any] = {"trained": (96, 128, 160, 192, 224), "alphas": (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)}
_hooks: dict[str, Any] = {"check": _check, "name": named, "file": _file}
MobileNetV2 = Family(__name__, _body, unnamed, _arguments, pooled=False, **_hooks)("MobileNetV2", None, **_known)
