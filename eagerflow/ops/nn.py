"""The ops of neural networks, as `keras.ops.nn` lists them."""

from __future__ import annotations

from eagerflow.ops.activation import elu, leaky_relu, relu, sigmoid, silu, softplus
from eagerflow.ops.activation_forms import (
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
from eagerflow.ops.adaptive import adaptive_average_pool, adaptive_max_pool
from eagerflow.ops.attention import dot_product_attention
from eagerflow.ops.blocks import depth_to_space, fold, space_to_depth, unfold
from eagerflow.ops.convolution import conv, depthwise_conv, separable_conv
from eagerflow.ops.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from eagerflow.ops.ctc import ctc_decode, ctc_loss
from eagerflow.ops.measures import polar, psnr
from eagerflow.ops.normalization import batch_normalization, moments
from eagerflow.ops.normalization_forms import layer_normalization, normalize, rms_normalization
from eagerflow.ops.onehot import multi_hot, one_hot
from eagerflow.ops.pool import average_pool, max_pool
from eagerflow.ops.softmaxes import log_softmax, softmax, sparsemax
from eagerflow.ops.transposed import conv_transpose

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
