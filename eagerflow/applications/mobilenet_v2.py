"""MobileNet V2 by Sandler, Howard, Zhu, Zhmoginov and Chen: a small network of blocks that are wide inside.

Takes images from `preprocess_input`.
Source: MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018, arXiv:1801.04381.
"""

from eagerflow import layers
from eagerflow.applications.blocks import Map, channels, conv, depthwise, divisible, norm, sides, unnamed
from eagerflow.applications.building import Chosen, Family, Preprocessor, Special, decode_predictions, preprocessor
from eagerflow.applications.mobilenet import check, named, side
from eagerflow.applications.published import Published
from eagerflow.base.typing import Shape

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

# Channels, stride of the first block, and how many blocks.
_STAGES = [(16, 1, 1), (24, 2, 2), (32, 2, 3), (64, 2, 4), (96, 1, 3), (160, 2, 3), (320, 1, 1)]
_BLOCKS = [(filters, 1 if i else strides) for filters, strides, repeats in _STAGES for i in range(repeats)]


def _check(chosen: Chosen) -> None:
    check(chosen, shape_given(chosen))


def shape_given(chosen: Chosen) -> Shape | None:
    """The shape of images by `input_shape` or by `input_tensor`, which may not contradict each other."""
    asked, given = chosen.input_shape, chosen.input_tensor
    if asked is None or given is None:
        return asked if given is None else tuple(given.shape[1:])
    if len(asked) == 3 and sides(asked)[1] != sides(given.shape[1:])[1]:
        why = f"input_tensor has the shape {tuple(given.shape)}. Fix: leave input_shape out."
        raise ValueError(f"{chosen.function}(input_shape={asked}): {why}")
    return asked


def normal(x: Map, name: str) -> Map:
    """Normalization that remembers for long."""
    return norm(x, name, epsilon=1e-3, momentum=0.999)


def _body(x: Map, chosen: Chosen) -> Map:
    x = conv(x, divisible(32 * chosen.alpha), 3, "Conv1", strides=2, padding="same", use_bias=False)
    x = layers.ReLU(6.0, name="Conv1_relu")(normal(x, "bn_Conv1"))
    for i, (filters, strides) in enumerate(_BLOCKS):
        x = _block(x, divisible(int(filters * chosen.alpha)), strides, f"block_{i}_" if i else "expanded_conv_")
    x = conv(x, divisible(1280 * max(chosen.alpha, 1.0)), 1, "Conv_1", use_bias=False)
    return layers.ReLU(6.0, name="out_relu")(normal(x, "Conv_1_bn"))


def _block(x: Map, filters: int, strides: int, name: str) -> Map:
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
_family = Family[Special](__name__, _body, unnamed, _arguments, pooled=False, check=_check, name=named, file=_file)
MobileNetV2 = _family(
    "MobileNetV2",
    None,
    example="alpha=0.35, input_shape=(32, 32, 3) -> 1280",
    trained=(96, 128, 160, 192, 224),
    alphas=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
)
