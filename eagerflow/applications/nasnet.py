"""NASNet by Zoph, Vasudevan, Shlens and Le: cells that were found by search.

Takes images from `preprocess_input`. Their sides must be known, for the cells depend on them.
Source: Learning Transferable Architectures for Scalable Image Recognition, 2017, arXiv:1707.07012.
"""

from eagerflow import layers
from eagerflow.applications.blocks import Map, act, channels, conv, correct_pad, join, norm, unnamed
from eagerflow.applications.building import Chosen, Family, Network, Preprocessor, decode_predictions, preprocessor
from eagerflow.base.name_scope import name_scope
from eagerflow.base.typing import Padding

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

_NORM = {"momentum": 0.9997, "epsilon": 1e-3}
_CONV = {"use_bias": False, "kernel_initializer": "he_normal"}

# A cell is sums of two things, each of them `input, what is done to it, where it stands`: a number is the size
# of a separable convolution, with `/2` it has a stride of 2; `Max` and `Average` halve, `smooth` is an average, too.
_SUMS = {
    "normal": [
        ("add_1", "x 5 left1", "before 3 right1"),
        ("add_2", "before 5 left2", "before 3 right2"),
        ("add_3", "x smooth left3", "before"),
        ("add_4", "before smooth left4", "before smooth right4"),
        ("add_5", "x 3 left5", "x"),
    ],
    "reduction": [
        ("add_1", "x 5/2 left1", "before 7/2 right1"),
        ("add_2", "padded Max left2", "before 7/2 right2"),
        ("add3", "padded Average left3", "before 5/2 right3"),
        ("unnamed", "add_2", "add_1 smooth left4"),
        ("add4", "add_1 3 left4", "padded Max right5"),
    ],
}
_JOINED = {"normal": "before add_1 add_2 add_3 add_4 add_5", "reduction": "add_2 add3 unnamed add4"}


def _check(chosen: Chosen) -> None:
    """Without `input_shape`, the default size, with a top or without."""
    if chosen.input_shape is None and chosen.input_tensor is None:
        chosen.input_shape = (chosen.size, chosen.size, 3)
    sides = chosen.input_shape if chosen.input_tensor is None else chosen.input_tensor.shape[1:3]
    if None in sides:
        raise ValueError(f"{chosen.function}: expected images of known sides; got {tuple(sides)}.")


def _body(x: Map, chosen: Chosen) -> Map:
    x = norm(conv(x, chosen.stem, 3, "stem_conv1", strides=2, **_CONV), "stem_bn1", **_NORM)
    x, before = _cell("reduction", x, None, chosen.filters // 4, "stem_1")
    x, before = _cell("reduction", x, before, chosen.filters // 2, "stem_2")
    for stage in range(3):
        filters = chosen.filters << stage
        if stage:
            x, reduced = _cell("reduction", x, before, filters, f"reduce_{stage * chosen.repeats}")
            before = before if chosen.skips else reduced
        for i in range(chosen.repeats):
            x, before = _cell("normal", x, before, filters, str(stage * chosen.repeats + i + bool(stage)))
    return act(x)


def _cell(kind: str, x: Map, before: Map, filters: int, name: str) -> tuple[Map, Map]:
    """A cell that keeps or halves the sides; gives its output and its input.

    The paths of its weights begin with its name, as in Keras; scopes mean nothing else.
    """
    with name_scope(f"{kind}_A_block_{name}"):
        known = {"before": _adjusted(before, x, filters, name)}
        known["x"] = h = _projected(x, filters, f"{kind}_conv_1_{name}", f"{kind}_bn_1_{name}")
        if kind == "reduction":
            known["padded"] = layers.ZeroPadding2D(correct_pad(h, 3), name=f"reduction_pad_1_{name}")(h)
        for label, *addends in _SUMS[kind]:
            both = []
            for source, *how in map(str.split, addends):
                both.append(_branch(known[source], filters, kind, name, *how) if how else known[source])
            known[label] = layers.add(both, name=None if label == "unnamed" else f"{kind}_{label}_{name}")
        return join([known[label] for label in _JOINED[kind].split()], f"{kind}_concat_{name}"), x


def _branch(x: Map, filters: int, kind: str, name: str, how: str, place: str) -> Map:
    block, name = "5" if place == "left4" else place[-1], f"{kind}_{place}_{name}"
    if how == "smooth":
        return layers.AveragePooling2D(3, strides=1, padding="same", name=name)(x)
    if how in ("Average", "Max"):
        return getattr(layers, f"{how}Pooling2D")(3, strides=2, name=name)(x)
    with name_scope(f"block_{block}"), name_scope(f"separable_conv_block_{name}"):
        for i, strides in enumerate((2 if how.endswith("/2") else 1, 1), 1):
            x, kernel = act(x), int(how[0])
            if strides == 2:
                x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"separable_conv_1_pad_{name}")(x)
            padding: Padding = "valid" if strides == 2 else "same"
            label = f"separable_conv_{i}_{name}"
            x = layers.SeparableConv2D(filters, kernel, strides, padding, use_bias=False, name=label)(x)
            x = norm(x, f"separable_conv_{i}_bn_{name}", **_NORM)
    return x


def _projected(x: Map, filters: int, name: str, norm_name: str) -> Map:
    return norm(conv(act(x), filters, 1, name, padding="same", **_CONV), norm_name, **_NORM)


def _adjusted(before: Map, x: Map, filters: int, name: str) -> Map:
    """What came before `x`, brought to the sides of `x`, or to `filters` channels."""
    if before is None or (before.shape[2] == x.shape[2] and channels(before) == filters):
        return x if before is None else before
    how = "projection" if before.shape[2] == x.shape[2] else "reduction"
    with name_scope("adjust_block"), name_scope(f"adjust_{how}_block_{name}"):
        if how == "projection":
            return _projected(before, filters, f"adjust_conv_projection_{name}", f"adjust_bn_{name}")
        before = act(before, f"adjust_relu_1_{name}")
        halves = [before, layers.Cropping2D(((1, 0), (1, 0)))(layers.ZeroPadding2D(((0, 1), (0, 1)))(before))]
        for i, half in enumerate(halves, 1):
            half = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_{i}_{name}")(half)
            halves[i - 1] = conv(half, filters // 2, 1, f"adjust_conv_{i}_{name}", padding="same", **_CONV)
        return norm(join(halves), f"adjust_bn_{name}", **_NORM)


preprocess_input: Preprocessor = preprocessor(__name__, "tf")
_arguments = "input_shape include_top weights input_tensor pooling classes classifier_activation name"
_family = Family[Network](__name__, _body, unnamed, _arguments, pooled=False, channels_last_only=True, check=_check)
NASNetMobile = _family("NASNetMobile", "nasnet_mobile", 224, stem=32, filters=44, repeats=4, skips=False)
NASNetLarge = _family("NASNetLarge", "nasnet_large", 331, stem=96, filters=168, repeats=6, skips=True)
