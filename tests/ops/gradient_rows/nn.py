"""Rows of the ops of neural networks."""

from __future__ import annotations

import numpy as np

from eagerflow import ops
from eagerflow.core.primitive import registry
from eagerflow.ops.neural import dropout, fused, group_norm
from eagerflow.ops.sequences import recurrent, recurrent_pairs
from eagerflow.ops.windows.geometry import window_geometry
from tests.ops.gradient_rows import apart, case, inside, normal, other, positive, smooth, zero

MASK = np.array([[True, True, False], [False, True, True]])
ALIGNED = {"target_length": [3, 2], "output_length": [5, 4]}
UNEVEN = window_geometry((5, 4), (2, 3), 2, "same")


def elementwise(name, make=normal, **settings):
    return smooth(name, case(make(2, 3), **settings))


def primitive(name, *cases):
    """An op that isn't public by itself."""
    return smooth(name, *[case(*arrays, call=call(registry[name].call)) for arrays, call in cases])


def images(*cases, size=(2, 5, 4, 2)):
    """The same cases with channels last and first."""
    both = [case(normal(*size), **settings) for settings in cases]
    turned = np.moveaxis(normal(*size), -1, 1)
    return both + [case(turned, data_format="channels_first", **settings) for settings in cases]


def convolutions(kernel, *cases, size=(1, 5, 4, 2)):
    """A convolution of images with a kernel, in both layouts."""
    last = [case(normal(*size), other(*kernel), **settings) for settings in cases]
    turned = np.moveaxis(normal(*size), -1, 1)
    return [*last, case(turned, other(*kernel), data_format="channels_first", padding="same", strides=2)]


STRIDED = [{}, {"strides": 2, "padding": "same"}, {"dilation_rate": 2, "padding": "same"}, {"strides": (1, 3)}]


def over_time(function, gates, *biases):
    """A recurrent op with and without mask."""
    weights = [normal(2, 3, 2), normal(2, 2), other(2, 2 * gates), normal(2, 2 * gates), *biases]
    return [case(*weights, call=lambda *xs: function(None, *xs)), case(*weights, call=lambda *xs: function(MASK, *xs))]


def parts_of_polar(size, angle):
    """Real numbers that depend on all of the complex ones."""
    z = ops.polar(size, angle)
    return ops.real(z), ops.imag(z)


CONV_BIAS = (normal(1, 5, 4, 2), other(3, 2, 2, 3), normal(3))
TRANSPOSED_BIAS = (normal(1, 3, 2, 2), other(2, 3, 3, 2), normal(3))
TURNED = (np.moveaxis(CONV_BIAS[0], -1, 1), *CONV_BIAS[1:])

ROWS = [
    *[elementwise(n) for n in ("elu", "gelu_exact", "gelu_tanh", "softplus", "softsign", "squareplus", "swish")],
    elementwise("log_sigmoid"),
    *[elementwise(n, apart) for n in ("relu", "leaky_relu", "relu6", "selu", "celu", "hard_sigmoid", "hard_tanh")],
    *[elementwise(n, apart) for n in ("hard_silu", "hard_swish", "hard_shrink", "soft_shrink", "tanh_shrink")],
    *[elementwise(n, apart) for n in ("sparse_plus", "sparse_sigmoid")],
    primitive("limit", ((apart(2, 3),), lambda op: lambda x: op(x, -0.5, 0.5))),
    smooth("gelu", case(normal(2, 3)), case(normal(2, 3), approximate=False)),
    elementwise("threshold", apart, threshold=0.1, default_value=3.0),
    smooth("glu", case(normal(2, 4)), case(normal(4, 2), axis=0)),
    smooth("softmax", case(normal(2, 3)), case(normal(2, 3), axis=0), case(normal(2, 2, 2), axis=(0, 2))),
    smooth("log_softmax", case(normal(2, 3)), case(normal(2, 3), axis=0), case(normal(2, 2, 2), axis=(0, 2))),
    smooth("sparsemax", case(normal(2, 3)), case(normal(3, 2), axis=0)),
    smooth("polar", case(positive(3), normal(3), call=parts_of_polar)),
    smooth("psnr", case(normal(2, 3), other(2, 3), max_val=2.0)),
    zero("one_hot", case(np.arange(3.0), call=lambda x: ops.one_hot(ops.cast(x, "int32"), 4))),
    zero("multi_hot", case(np.arange(3.0), call=lambda x: ops.multi_hot(ops.cast(x, "int32"), 4))),
    # Crossentropies
    smooth(
        "binary_crossentropy", case(positive(3) / 3, positive(3) / 4), case(positive(3), normal(3), from_logits=True)
    ),
    smooth(
        "categorical_crossentropy",
        case(positive(2, 3), positive(2, 3)),
        case(positive(2, 3), normal(2, 3), from_logits=True),
        case(positive(2, 3), normal(2, 3), from_logits=True, axis=0),
    ),
    smooth(
        "sparse_categorical_crossentropy",
        case(positive(2, 3) / 3, call=lambda x: ops.sparse_categorical_crossentropy([0, 2], x)),
        case(normal(2, 3), call=lambda x: ops.sparse_categorical_crossentropy([[0], [2]], x, from_logits=True)),
        case(normal(2, 3), call=lambda x: ops.sparse_categorical_crossentropy([0, 1, 1], x, True, axis=0)),
    ),
    primitive("sigmoid_crossentropy", ((positive(3), normal(3)), lambda op: op)),
    primitive("softmax_crossentropy", ((positive(2, 3), normal(2, 3)), lambda op: op)),
    primitive("of_class", ((normal(2, 3),), lambda op: lambda x: op(np.array([0, 2]), x))),
    primitive("sparse_softmax_crossentropy", ((normal(2, 3),), lambda op: lambda x: op(np.array([0, 2]), x))),
    smooth(
        "ctc_loss",
        case(normal(2, 5, 4), call=lambda x: ops.ctc_loss([[1, 2, 2], [3, 1, 0]], x, **ALIGNED)),
        case(
            normal(2, 5, 4),
            call=lambda x: ops.ctc_loss([[1, 2, 2], [3, 1, 0]], x, mask_index=3, **ALIGNED | {"target_length": [3, 0]}),
        ),
    ),
    zero("ctc_decode", case(normal(2, 5, 4), call=lambda x: ops.ctc_decode(x, [5, 4])[0])),
    # Convolution and pooling
    smooth(
        "conv",
        *convolutions((3, 2, 2, 2), *STRIDED),
        *convolutions((2, 2, 2, 4), {}, size=(1, 3, 3, 4)),
        case(normal(1, 4, 2), other(2, 2, 2), padding="causal"),
        case(normal(1, 2, 3, 2, 1), other(2, 2, 2, 1, 2)),
    ),
    smooth(
        "conv_bias",
        case(*CONV_BIAS, call=lambda *xs: fused.conv_bias(*xs, relu=True)),
        case(*CONV_BIAS, call=lambda *xs: fused.conv_bias(*xs, 2, "same")),
        case(*TURNED, call=lambda *xs: fused.conv_bias(*xs, data_format="channels_first", relu=True)),
    ),
    smooth(
        "conv_transpose_bias",
        case(*TRANSPOSED_BIAS, call=lambda *xs: fused.conv_transpose_bias(*xs, 2, relu=True)),
        case(*TRANSPOSED_BIAS, call=lambda *xs: fused.conv_transpose_bias(*xs, 3, "same")),
    ),
    smooth(
        "dense",
        case(normal(3, 4), other(4, 2), normal(2), call=fused.dense),
        case(normal(2, 3, 4), other(4, 2), normal(2), call=lambda *xs: fused.dense(*xs, relu=True)),
    ),
    smooth("depthwise_conv", *convolutions((3, 2, 2, 2), *STRIDED), case(normal(1, 4, 2), other(2, 2, 1))),
    smooth(
        "separable_conv",
        case(normal(1, 3, 3, 2), other(2, 2, 2, 2), normal(1, 1, 4, 2)),
        case(normal(1, 4, 2), other(2, 2, 1), normal(1, 2, 1), padding="same"),
    ),
    smooth(
        "conv_transpose",
        *[
            case(normal(1, 3, 2, 2), other(2, 3, 2, 2), **s)
            for s in ({}, {"strides": 2}, {"strides": 2, "padding": "same"}, {"strides": 4}, {"dilation_rate": 2})
        ],
        case(normal(1, 2, 3, 2), other(2, 3, 2, 2), data_format="channels_first", strides=2, output_padding=1),
    ),
    smooth(
        "max_pool",
        *images(
            {"pool_size": 2}, {"pool_size": (2, 3), "strides": 1, "padding": "same"}, {"pool_size": 2, "strides": 3}
        ),
    ),
    smooth("average_pool", *images({"pool_size": 2}, {"pool_size": (2, 3), "strides": 2, "padding": "same"})),
    smooth("adaptive_average_pool", *images({"output_size": 2}, {"output_size": (3, 4)})),
    smooth("adaptive_max_pool", *images({"output_size": 2}, {"output_size": (3, 4)})),
    primitive("gather_windows", ((normal(1, 5, 4, 2),), lambda op: lambda x: op(x, UNEVEN))),
    primitive("scatter_windows", ((normal(1, 3, 2, 6, 2),), lambda op: lambda x: op(x, UNEVEN))),
    smooth(
        "unfold",
        case(normal(1, 2, 3, 4), kernel_size=2, padding=1),
        case(normal(1, 1, 5, 4), kernel_size=(2, 1), dilation=2, stride=2),
    ),
    smooth("fold", case(normal(1, 8, 20), output_size=(3, 4), kernel_size=2, padding=1)),
    smooth(
        "depth_to_space",
        case(normal(1, 2, 2, 4), block_size=2),
        case(normal(1, 4, 2, 2), block_size=2, data_format="channels_first"),
    ),
    smooth(
        "space_to_depth",
        case(normal(1, 2, 4, 1), block_size=2),
        case(normal(1, 1, 2, 4), block_size=2, data_format="channels_first"),
    ),
    # Normalization
    smooth("moments", case(normal(2, 3), axes=[0]), case(normal(2, 3, 2), axes=(0, -1), keepdims=True)),
    smooth(
        "batch_normalization",
        case(normal(2, 3, 2), normal(3), positive(3), axis=1),
        case(
            normal(2, 3),
            normal(3),
            positive(3),
            other(3),
            inside(3),
            call=lambda x, m, v, o, s: ops.batch_normalization(x, m, v, -1, o, s),
        ),
    ),
    primitive(
        "normalize_batch",
        ((normal(2, 3, 2), positive(3), normal(3)), lambda op: lambda x, s, o: op(x, s, o, (0, 2))),
        ((normal(4, 2),), lambda op: lambda x: op(x, None, None, (0,))),
    ),
    smooth(
        "group_norm",
        case(normal(2, 3, 4), positive(4), normal(4), call=lambda x, s, o: group_norm.group_norm(x, s, o, 2)),
        case(normal(2, 6), call=lambda x: group_norm.group_norm(x, None, None, 3)),
    ),
    smooth(
        "layer_normalization",
        case(normal(2, 3)),
        case(normal(2, 3), positive(3), other(3)),
        case(normal(2, 3, 2), positive(2, 2), axis=(0, -1)),
        case(normal(2, 3), rms_scaling=True),
    ),
    primitive("layer_norm", ((normal(2, 3), positive(3), other(3)), lambda op: op), ((normal(2, 3),), lambda op: op)),
    smooth("rms_normalization", case(normal(2, 3)), case(normal(2, 3), positive(2), axis=0)),
    primitive("rms_norm", ((normal(2, 3), positive(3)), lambda op: op), ((normal(2, 3),), lambda op: op)),
    smooth("normalize", case(normal(2, 3)), case(normal(2, 3), axis=0, order=1), case(normal(2, 3), order=3)),
    # Sequences
    smooth(
        "masked_scale",
        case(normal(2, 3), call=lambda x: dropout.masked_scale(x, ops.convert_to_tensor(MASK).data, 2.0)),
    ),
    smooth("lstm", *over_time(lambda m, s, h, k, u, b: recurrent.lstm(s, h, h * 0.5, k, u, b, m), 4, normal(8))),
    smooth(
        "gru",
        *over_time(lambda m, s, h, k, u, b, c: recurrent.gru(s, h, k, u, b, c, m), 3, normal(6), other(6)),
        *over_time(lambda m, s, h, k, u: recurrent.gru(s, h, k, u, None, None, m, reset_after=False), 3),
    ),
    smooth(
        "lstm_pair",
        *over_time(
            lambda m, s, h, k, u, b: recurrent_pairs.lstm_pair(
                s, h, h * 0.5, k, u, s * 0.5, h * 2, h, k * 0.5, u * 0.5, b, m, b * 2
            ),
            4,
            normal(8),
        ),
    ),
    smooth(
        "gru_pair",
        *over_time(
            lambda m, s, h, k, u, b, c: recurrent_pairs.gru_pair(
                s, h, k, u, s * 0.5, h * 2, k * 0.5, u * 0.5, b, c, m, c, None, m
            ),
            3,
            normal(6),
            other(6),
        ),
    ),
    smooth("simple_rnn", *over_time(lambda m, s, h, k, u, b: recurrent.simple_rnn(s, h, k, u, b, m), 1, normal(2))),
    smooth(
        "dot_product_attention",
        case(normal(1, 2, 4, 2), normal(1, 3, 2, 2), other(1, 3, 2, 3)),
        case(
            normal(1, 3, 2, 2),
            other(1, 3, 2, 2),
            normal(1, 3, 1, 2)[:, :, [0, 0]],
            normal(1, 2, 3, 3),
            scale=0.3,
            is_causal=True,
            attn_logits_soft_cap=1.5,
        ),
        case(
            normal(1, 2, 2, 2),
            other(1, 3, 1, 2),
            normal(1, 3, 1, 2),
            call=lambda q, k, v: ops.dot_product_attention(q, k, v, mask=MASK),
        ),
    ),
]
