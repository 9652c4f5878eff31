"""NASNet: `NASNetMobile`, `NASNetLarge`.

Zoph, Vasudevan, Shlens and Le's network of cells that were found by search. Its images come from `preprocess_input`.
Their sides must be known, for the cells depend on them.
Source: Learning Transferable Architectures for Scalable Image Recognition, 2017, arXiv:1707.07012.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from eagerflow import layers
from eagerflow.applications.blocks import act, channels, conv, correct_pad, join, norm
from eagerflow.applications.building import Chosen, Family, unnamed
from eagerflow.applications.imagenet_utils import Preprocessor, decode_predictions as decode_predictions, preprocessor
from eagerflow.base.name_scope import name_scope

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

_Cell: TypeAlias = Callable[[Any, Any, int, str], tuple[Any, Any]]

_NORM = {"momentum": 0.9997, "epsilon": 1e-3}
_CONV = {"use_bias": False, "kernel_initializer": "he_normal"}


def _check(chosen: Chosen) -> None:
    """Without `input_shape`, the default size, with a top or without."""
    if chosen.input_shape is None and chosen.input_tensor is None:
        chosen.input_shape = (chosen.size, chosen.size, 3)
    sides = chosen.input_shape if chosen.input_tensor is None else chosen.input_tensor.shape[1:3]
    if None in sides:
        raise ValueError(f"{chosen.function}: expected images of known sides; got {tuple(sides)}.")


def _body(x: Any, chosen: Chosen) -> Any:
    x = norm(conv(x, chosen.stem, 3, "stem_conv1", strides=2, **_CONV), "stem_bn1", **_NORM)
    x, before = _reduction(x, None, chosen.filters // 4, "stem_1")
    x, before = _reduction(x, before, chosen.filters // 2, "stem_2")
    for stage in range(3):
        filters = chosen.filters << stage
        if stage:
            x, reduced = _reduction(x, before, filters, f"reduce_{stage * chosen.repeats}")
            before = before if chosen.skips else reduced
        for i in range(chosen.repeats):
            x, before = _normal(x, before, filters, str(stage * chosen.repeats + i + bool(stage)))
    return act(x)


def _scoped(kind: str) -> Callable[[_Cell], _Cell]:
    """The paths of a cell's weights begin with its name, as in Keras; these scopes mean nothing else."""

    def scoped(cell: _Cell) -> _Cell:
        def within(x: Any, before: Any, filters: int, name: str) -> tuple[Any, Any]:
            with name_scope(f"{kind}_A_block_{name}"):
                return cell(x, before, filters, name)

        return within

    return scoped


def _separable(x: Any, filters: int, kernel: int, name: str, strides: int = 1, block: str = "") -> Any:
    """Two separable convolutions; the first one may have a stride."""
    with name_scope(f"block_{block}"), name_scope(f"separable_conv_block_{name}"):
        return _twice_separable(x, filters, kernel, name, strides)


def _twice_separable(x: Any, filters: int, kernel: int, name: str, strides: int) -> Any:
    x = act(x)
    if strides == 2:
        x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"separable_conv_1_pad_{name}")(x)
    for i, step in enumerate((strides, 1), 1):
        x = act(x) if i == 2 else x
        padding = "valid" if step == 2 else "same"
        x = layers.SeparableConv2D(
            filters, kernel, strides=step, padding=padding, use_bias=False, name=f"separable_conv_{i}_{name}"
        )(x)
        x = norm(x, f"separable_conv_{i}_bn_{name}", **_NORM)
    return x


def _projected(x: Any, filters: int, kind: str, name: str) -> Any:
    x = conv(act(x), filters, 1, f"{kind}_conv_1_{name}", padding="same", **_CONV)
    return norm(x, f"{kind}_bn_1_{name}", **_NORM)


def _adjusted(before: Any, x: Any, filters: int, name: str) -> Any:
    """What came before `x`, brought to the sides of `x`, or to `filters` channels."""
    if before is None or (before.shape[2] == x.shape[2] and channels(before) == filters):
        return x if before is None else before
    how = "projection" if before.shape[2] == x.shape[2] else "reduction"
    with name_scope("adjust_block"), name_scope(f"adjust_{how}_block_{name}"):
        if how == "projection":
            before = conv(act(before), filters, 1, f"adjust_conv_projection_{name}", padding="same", **_CONV)
            return norm(before, f"adjust_bn_{name}", **_NORM)
        before = act(before, f"adjust_relu_1_{name}")
        halves = []
        for i in (1, 2):
            if i == 2:
                before = layers.ZeroPadding2D(((0, 1), (0, 1)))(before)
                before = layers.Cropping2D(((1, 0), (1, 0)))(before)
            half = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_{i}_{name}")(before)
            halves.append(conv(half, filters // 2, 1, f"adjust_conv_{i}_{name}", padding="same", **_CONV))
        return norm(join(halves), f"adjust_bn_{name}", **_NORM)


@_scoped("normal")
def _normal(x: Any, before: Any, filters: int, name: str) -> tuple[Any, Any]:
    """A cell that keeps the sides; gives its output and its input."""
    before = _adjusted(before, x, filters, name)
    h = _projected(x, filters, "normal", name)

    def smooth(y: Any, place: str) -> Any:
        return layers.AveragePooling2D(3, strides=1, padding="same", name=f"normal_{place}_{name}")(y)

    def separable(y: Any, kernel: int, place: str) -> Any:
        return _separable(y, filters, kernel, f"normal_{place}_{name}", block=place[-1])

    x1 = layers.add([separable(h, 5, "left1"), separable(before, 3, "right1")], name=f"normal_add_1_{name}")
    x2 = layers.add([separable(before, 5, "left2"), separable(before, 3, "right2")], name=f"normal_add_2_{name}")
    x3 = layers.add([smooth(h, "left3"), before], name=f"normal_add_3_{name}")
    x4 = layers.add([smooth(before, "left4"), smooth(before, "right4")], name=f"normal_add_4_{name}")
    x5 = layers.add([separable(h, 3, "left5"), h], name=f"normal_add_5_{name}")
    return join([before, x1, x2, x3, x4, x5], f"normal_concat_{name}"), x


@_scoped("reduction")
def _reduction(x: Any, before: Any, filters: int, name: str) -> tuple[Any, Any]:
    """A cell that halves the sides; gives its output and its input."""
    before = _adjusted(before, x, filters, name)
    h = _projected(x, filters, "reduction", name)
    padded = layers.ZeroPadding2D(correct_pad(h, 3), name=f"reduction_pad_1_{name}")(h)

    def separable(y: Any, kernel: int, place: str, strides: int = 2) -> Any:
        block = "5" if place == "left4" else place[-1]
        return _separable(y, filters, kernel, f"reduction_{place}_{name}", strides, block)

    def pool(kind: str, place: str) -> Any:
        return getattr(layers, f"{kind}Pooling2D")(3, strides=2, name=f"reduction_{place}_{name}")(padded)

    x1 = layers.add([separable(h, 5, "left1"), separable(before, 7, "right1")], name=f"reduction_add_1_{name}")
    x2 = layers.add([pool("Max", "left2"), separable(before, 7, "right2")], name=f"reduction_add_2_{name}")
    x3 = layers.add([pool("Average", "left3"), separable(before, 5, "right3")], name=f"reduction_add3_{name}")
    x4 = layers.AveragePooling2D(3, strides=1, padding="same", name=f"reduction_left4_{name}")(x1)
    x4 = layers.add([x2, x4])
    x5 = [separable(x1, 3, "left4", strides=1), pool("Max", "right5")]
    return join([x2, x3, x4, layers.add(x5, name=f"reduction_add4_{name}")], f"reduction_concat_{name}"), x


preprocess_input: Preprocessor = preprocessor(__name__, "tf")
_arguments = "input_shape include_top weights input_tensor pooling classes classifier_activation name"
_family = Family(__name__, _body, unnamed, _arguments, pooled=False, channels_last_only=True, check=_check)
NASNetMobile = _family("NASNetMobile", "nasnet_mobile", 224, stem=32, filters=44, repeats=4, skips=False)
NASNetLarge = _family("NASNetLarge", "nasnet_large", 331, stem=96, filters=168, repeats=6, skips=True)
