"""The ops of neural networks, as `keras.ops.nn` lists them."""

from __future__ import annotations

from eagerflow.ops.neural.activations import elu, leaky_relu, relu, sigmoid, silu, softplus
from eagerflow.ops.neural.adaptive_pooling import adaptive_average_pool, adaptive_max_pool
from eagerflow.ops.neural.attention import dot_product_attention
from eagerflow.ops.neural.composed_activations import (
    celu,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    log_sigmoid,
    relu6,
    selu,
    soft_shrink,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    swish,
    tanh_shrink,
    threshold,
)
from eagerflow.ops.neural.composed_normalization import layer_normalization, normalize, rms_normalization
from eagerflow.ops.neural.convolution import conv, depthwise_conv, separable_conv
from eagerflow.ops.neural.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from eagerflow.ops.neural.ctc import ctc_decode, ctc_loss
from eagerflow.ops.neural.measures import polar, psnr
from eagerflow.ops.neural.normalization import batch_normalization, moments
from eagerflow.ops.neural.one_hot import multi_hot, one_hot
from eagerflow.ops.neural.pooling import average_pool, max_pool
from eagerflow.ops.neural.softmax import log_softmax, softmax, sparsemax
from eagerflow.ops.neural.transposed_convolution import conv_transpose
from eagerflow.ops.neural.unfold import depth_to_space, fold, space_to_depth, unfold

__all__ = [
    "adaptive_average_pool", "adaptive_max_pool", "average_pool", "batch_normalization",
    "binary_crossentropy", "categorical_crossentropy", "celu", "conv", "conv_transpose", "ctc_decode",
    "ctc_loss", "depth_to_space", "depthwise_conv", "dot_product_attention", "elu", "fold", "gelu",
    "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "layer_normalization",
    "leaky_relu", "log_sigmoid", "log_softmax", "max_pool", "moments", "multi_hot", "normalize",
    "one_hot", "polar", "psnr", "relu", "relu6", "rms_normalization", "selu", "separable_conv",
    "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "space_to_depth",
    "sparse_categorical_crossentropy", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus",
    "swish", "tanh_shrink", "threshold", "unfold",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
