"""`tf.nn`: activations, convolutions, pooling and crossentropies of logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eagerflow import ops, random
from eagerflow.base.typing import DataFormat, Padding
from eagerflow.compat.arguments import Older, renamed, taking
from eagerflow.compat.tensorflow.math import (
    in_top_k,
    l2_normalize,
    log_softmax,
    sigmoid,
    softmax,
    softplus,
    softsign,
    tanh,
    top_k,
)
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor

__all__ = ["avg_pool", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_normalization", "bias_add"]
__all__ += ["compute_average_loss", "conv1d", "conv2d", "scale_regularization_loss"]
__all__ += ["conv2d_transpose", "depth_to_space", "depthwise_conv2d", "dropout", "elu", "embedding_lookup"]
__all__ += ["gelu", "in_top_k", "l2_loss", "l2_normalize", "leaky_relu", "local_response_normalization", "log_softmax"]
__all__ += ["lrn", "max_pool", "max_pool1d", "max_pool2d", "max_pool3d", "moments", "relu", "relu6", "selu", "sigmoid"]
__all__ += ["sigmoid_cross_entropy_with_logits", "silu", "softmax", "softmax_cross_entropy_with_logits", "softplus"]
__all__ += ["softsign", "space_to_depth", "sparse_softmax_cross_entropy_with_logits", "swish", "tanh", "top_k"]
__all__ += ["weighted_cross_entropy_with_logits", "zero_fraction"]

relu, relu6, elu, selu = (renamed(op, "features") for op in (ops.relu, ops.relu6, ops.elu, ops.selu))
leaky_relu, gelu = (
    renamed(ops.leaky_relu, "features alpha"),
    renamed(ops.gelu, "features approximate", approximate=False),
)
dropout = renamed(random.dropout, "x rate noise_shape seed")
softmax_cross_entropy_with_logits = renamed(
    ops.categorical_crossentropy, "labels logits axis:axis", from_logits=True, axis=-1
)
sparse_softmax_cross_entropy_with_logits = renamed(
    ops.sparse_categorical_crossentropy, "labels logits", from_logits=True
)


def silu(features: Any, beta: float = 1.0) -> Any:
    """`features * sigmoid(beta * features)`.

    >>> silu([-1.0, 1.0]).round(4)
    Tensor(2 float32, [-0.2689,  0.7311])
    """
    return ops.silu(features) if beta == 1.0 else ops.multiply(features, ops.sigmoid(ops.multiply(beta, features)))


swish = silu


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Any:
    """`bias` added along the channels axis.

    >>> bias_add([[1.0, 2.0], [3.0, 4.0]], [10.0, 20.0]).tolist()
    [[11.0, 22.0], [13.0, 24.0]]
    """
    value = ops.convert_to_tensor(value)
    if _layout(data_format) == "channels_first":
        bias = ops.reshape(bias, (-1, *[1] * (len(value.shape) - 2)))
    return ops.add(value, bias)


def _convolution(rank: int) -> Callable[..., Any]:
    def call(
        input: Any,
        filters: Any,
        strides: Any,
        padding: str,
        data_format: str | None = None,
        dilations: Any = None,
        name: str | None = None,
    ) -> Any:
        layout = _layout(data_format)
        steps, rates = _spatial(strides, layout, rank), _spatial(dilations, layout, rank)
        return ops.conv(input, filters, steps, _border(padding), layout, rates)

    return call


conv1d, conv2d = taking(Older({"stride": "strides"}))(_convolution(1)), _convolution(2)


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: str,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """A convolution of images per channel.

    >>> depthwise_conv2d(ef.ops.ones((1, 8, 8, 3)), ef.ops.ones((3, 3, 3, 2)), [1, 1, 1, 1], "VALID").shape
    (1, 6, 6, 6)
    """
    layout = _layout(data_format)
    steps, rates = _spatial(strides, layout, 2), _spatial(dilations, layout, 2)
    return ops.depthwise_conv(input, filter, steps, _border(padding), layout, rates)


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The transpose of `conv2d`: images enlarged.

    Raises:
        ValueError: when kernel and strides give another shape than `output_shape`.

    >>> conv2d_transpose(ef.ops.ones((1, 4, 4, 2)), ef.ops.ones((2, 2, 3, 2)), [1, 8, 8, 3], 2).shape
    (1, 8, 8, 3)
    """
    layout = _layout(data_format)
    result = ops.conv_transpose(input, filters, _spatial(strides, layout, 2), _border(padding), None, layout)
    wanted = tuple(output_shape)
    if wanted[1:] != tuple(result.shape[1:]):
        raise ValueError(
            f"conv2d_transpose: output_shape={wanted} differs from {tuple(result.shape)}, which kernel and strides "
            "give; use ops.conv_transpose with output_padding."
        )
    return result


def _pooling(op: Callable[..., Any]) -> Callable[..., Any]:
    def call(
        input: Any, ksize: Any, strides: Any, padding: str, data_format: str | None = None, name: str | None = None
    ) -> Any:
        input, layout = ops.convert_to_tensor(input), _layout(data_format)
        rank = len(input.shape) - 2
        return op(input, _spatial(ksize, layout, rank), _spatial(strides, layout, rank), _border(padding), layout)

    return call


max_pool = max_pool1d = max_pool2d = max_pool3d = _pooling(ops.max_pool)
avg_pool = avg_pool1d = avg_pool2d = avg_pool3d = _pooling(ops.average_pool)


def _blocks(op: Callable[..., Any]) -> Callable[..., Any]:
    def call(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
        return op(input, block_size, data_format=_layout(data_format))

    return call


space_to_depth, depth_to_space = _blocks(ops.space_to_depth), _blocks(ops.depth_to_space)


@taking(Older({"keep_dims": "keepdims"}))
def moments(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None) -> tuple[Any, Any]:
    """Mean and variance over some axes.

    >>> mean, variance = moments([[1.0, 10.0], [3.0, 10.0]], [0])
    >>> mean.tolist(), variance.tolist()
    ([2.0, 10.0], [1.0, 0.0])
    """
    return ops.moments(x, axes if isinstance(axes, int) else tuple(axes), keepdims)


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float, name: str | None = None
) -> Any:
    """`scale * (x - mean) / sqrt(variance + variance_epsilon) + offset`; `scale` and `offset` may be None.

    >>> batch_normalization([[1.0], [5.0]], [3.0], [4.0], None, None, 0.0).tolist()
    [[-1.0], [1.0]]
    """
    scaled = ops.subtract(x, mean) * ops.rsqrt(ops.add(variance, variance_epsilon))
    scaled = scaled if scale is None else scaled * scale
    return scaled if offset is None else scaled + offset


def l2_loss(t: Any, name: str | None = None) -> Any:
    """Half the sum of the squares.

    >>> float(l2_loss([3.0, 4.0]))
    12.5
    """
    return ops.sum(ops.square(t)) / 2


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """The part of the elements that are zero.

    >>> float(zero_fraction([0.0, 1.0, 0.0, 2.0]))
    0.5
    """
    return ops.mean(ops.cast(ops.equal(value, 0), "float32"))


def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Any:
    """The rows with these numbers.

    >>> embedding_lookup([[1.0, 2.0], [3.0, 4.0]], [1, 0, 1]).tolist()
    [[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]
    """
    if max_norm is not None:
        raise ValueError("embedding_lookup(max_norm=...): use Embedding(embeddings_constraint='max_norm').")
    return ops.take(params, ids, axis=0)


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Any:
    """The binary crossentropy of every element, of logits.

    >>> sigmoid_cross_entropy_with_logits(labels=[1.0, 0.0], logits=[0.0, 0.0]).round(4)
    Tensor(2 float32, [0.6931, 0.6931])
    """
    return ops.softplus(logits) - ops.multiply(logits, labels)


def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any, name: str | None = None) -> Any:
    """The binary crossentropy of every element, of logits; where the label is 1, `pos_weight` times as much.

    >>> weighted_cross_entropy_with_logits(labels=[1.0, 0.0], logits=[0.0, 0.0], pos_weight=3.0).round(4)
    Tensor(2 float32, [2.0794, 0.6931])
    """
    weight = 1 + (pos_weight - 1) * ops.convert_to_tensor(labels)
    return ops.multiply(1 - ops.convert_to_tensor(labels), logits) + weight * ops.softplus(ops.negative(logits))


def compute_average_loss(per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None) -> Any:
    """The sum of the losses of this rank's rows by the number of rows of the whole batch.

    >>> float(compute_average_loss([1.0, 3.0])), float(compute_average_loss([1.0, 3.0], global_batch_size=8))
    (2.0, 0.5)
    """
    losses = ops.convert_to_tensor(per_example_loss)
    if sample_weight is not None:
        losses = losses * ops.cast(ops.convert_to_tensor(sample_weight), losses.dtype)
    rows = (active.shard.rows if active.shard else losses.shape[0]) if global_batch_size is None else global_batch_size
    return ops.sum(losses) / rows if active.shard is None or active.shard.own else ops.sum(losses) * 0.0


def scale_regularization_loss(regularization_loss: Any) -> Any:
    """A penalty by the number of ranks, whose losses are summed.

    >>> float(scale_regularization_loss(0.5))
    0.5
    """
    total = ops.sum(ops.convert_to_tensor(regularization_loss))
    return total / active.shard.size if active.shard else total


def _border(padding: str) -> Padding:
    """The padding in lower case, as our ops take it."""
    word: Any = padding.lower()
    return word


def _layout(data_format: str | None) -> DataFormat:
    """TensorFlow's `"NHWC"` and its kin as eagerflow names layouts."""
    return "channels_first" if data_format is not None and data_format.startswith("NC") else "channels_last"


def _spatial(value: Any, layout: str, rank: int) -> Any:
    """Numbers for the inner axes, of one number, or of numbers for inner or all axes."""
    if value is None or isinstance(value, int):
        return value or 1
    numbers: Sequence[int] = list(value)
    if len(numbers) != rank + 2:
        return tuple(numbers) * (rank if len(numbers) == 1 else 1)
    return tuple(numbers[1:-1]) if layout == "channels_last" else tuple(numbers[2:])


def local_response_normalization(
    input: Any, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5, name: str | None = None
) -> Tensor:
    """Each value divided by a power of the sum of squares over the channels around it.

    Source: Krizhevsky et al. 2012, ImageNet classification with deep convolutional neural networks.

    >>> local_response_normalization([[[[1.0, 1.0]]]], depth_radius=1, bias=2.0, beta=1.0).tolist()
    [[[[0.25, 0.25]]]]
    """
    x = ops.convert_to_tensor(input)
    channels = x.shape[-1]
    squares = ops.pad(ops.square(x), [(0, 0)] * (x.ndim - 1) + [(depth_radius, depth_radius)])
    around: Any = squares[..., :channels]
    for i in range(1, 2 * depth_radius + 1):
        around = around + squares[..., i : i + channels]
    return x / (bias + alpha * around) ** beta


lrn = local_response_normalization
