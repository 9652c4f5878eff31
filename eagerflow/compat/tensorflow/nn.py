"""`tf.nn`: activations, convolutions, pooling and crossentropies of logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow import ops, random
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
from eagerflow.core.tensor import Tensor
from eagerflow.world.current import world

__all__ = ["avg_pool", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_normalization", "bias_add"]
__all__ += ["compute_average_loss", "conv1d", "conv2d", "scale_regularization_loss"]
__all__ += ["conv2d_transpose", "crelu", "depth_to_space", "depthwise_conv2d", "dropout", "elu", "embedding_lookup"]
__all__ += ["gelu", "in_top_k", "l2_loss", "l2_normalize", "leaky_relu", "local_response_normalization", "log_softmax"]
__all__ += ["lrn", "max_pool", "max_pool1d", "max_pool2d", "max_pool3d", "moments", "relu", "relu6", "selu", "sigmoid"]
__all__ += ["sigmoid_cross_entropy_with_logits", "silu", "softmax", "softmax_cross_entropy_with_logits", "softplus"]
__all__ += ["softsign", "space_to_depth", "sparse_softmax_cross_entropy_with_logits", "swish", "tanh", "top_k"]
__all__ += ["zero_fraction"]


def relu(features: Any, name: str | None = None) -> Any:
    """`max(features, 0)`."""
    return ops.relu(features)


def relu6(features: Any, name: str | None = None) -> Any:
    """`features` limited to 0 and 6."""
    return ops.relu6(features)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """`features`, times `alpha` where negative."""
    return ops.leaky_relu(features, alpha)


def elu(features: Any, name: str | None = None) -> Any:
    """`features`, `exp(features) - 1` where negative."""
    return ops.elu(features)


def selu(features: Any, name: str | None = None) -> Any:
    """The self-normalizing linear unit."""
    return ops.selu(features)


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
    """`features` times the normal distribution's probability of a smaller number."""
    return ops.gelu(features, approximate)


def silu(features: Any, beta: float = 1.0) -> Any:
    """`features * sigmoid(beta * features)`."""
    return ops.silu(features) if beta == 1.0 else ops.multiply(features, ops.sigmoid(ops.multiply(beta, features)))


swish = silu


def dropout(x: Any, rate: float, noise_shape: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """A part of the elements set to zero, the others scaled up."""
    return random.dropout(x, rate, noise_shape, seed)


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Any:
    """`bias` added along the channels axis."""
    if _layout(data_format) == "channels_first":
        bias = ops.reshape(bias, (-1, *[1] * (len(value.shape) - 2)))
    return ops.add(value, bias)


def conv1d(
    input: Any,
    filters: Any,
    stride: Any,
    padding: str,
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolution of sequences."""
    return _convolved(input, filters, stride, padding, data_format, dilations, 1)


def conv2d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolution of images."""
    return _convolved(input, filters, strides, padding, data_format, dilations, 2)


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: str,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """A convolution of images per channel."""
    layout = _layout(data_format)
    steps, rates = _spatial(strides, layout, 2), _spatial(dilations, layout, 2)
    return ops.depthwise_conv(input, filter, steps, padding.lower(), layout, rates)


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
    """
    layout = _layout(data_format)
    result = ops.conv_transpose(input, filters, _spatial(strides, layout, 2), padding.lower(), None, layout)
    wanted = tuple(output_shape)
    if wanted[1:] != tuple(result.shape[1:]):
        raise ValueError(
            f"conv2d_transpose: output_shape={wanted} differs from {tuple(result.shape)}, which kernel and strides "
            "give; use ops.conv_transpose with output_padding."
        )
    return result


def max_pool(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str | None = None, name: str | None = None
) -> Any:
    """The largest number of every window."""
    layout, rank = _layout(data_format), len(input.shape) - 2
    return ops.max_pool(input, _spatial(ksize, layout, rank), _spatial(strides, layout, rank), padding.lower(), layout)


def avg_pool(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str | None = None, name: str | None = None
) -> Any:
    """The mean of every window."""
    layout, rank = _layout(data_format), len(input.shape) - 2
    return ops.average_pool(
        input, _spatial(ksize, layout, rank), _spatial(strides, layout, rank), padding.lower(), layout
    )


max_pool1d = max_pool2d = max_pool3d = max_pool
avg_pool1d = avg_pool2d = avg_pool3d = avg_pool


def moments(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None) -> tuple[Any, Any]:
    """Mean and variance over some axes."""
    return ops.moments(x, axes if isinstance(axes, int) else tuple(axes), keepdims)


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float, name: str | None = None
) -> Any:
    """`scale * (x - mean) / sqrt(variance + variance_epsilon) + offset`; `scale` and `offset` may be None."""
    scaled = ops.subtract(x, mean) * ops.rsqrt(ops.add(variance, variance_epsilon))
    scaled = scaled if scale is None else scaled * scale
    return scaled if offset is None else scaled + offset


def l2_loss(t: Any, name: str | None = None) -> Any:
    """Half the sum of the squares."""
    return ops.sum(ops.square(t)) / 2


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """The part of the elements that are zero."""
    return ops.mean(ops.cast(ops.equal(value, 0), "float32"))


def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Any:
    """The rows with these numbers."""
    if max_norm is not None:
        raise ValueError("embedding_lookup(max_norm=...): use Embedding(embeddings_constraint='max_norm').")
    return ops.take(params, ids, axis=0)


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Any:
    """The binary crossentropy of every element, of logits."""
    return ops.softplus(logits) - ops.multiply(logits, labels)


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Any:
    """The crossentropy of every row, of logits; labels are probabilities."""
    return ops.categorical_crossentropy(labels, logits, from_logits=True, axis=axis)


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Any:
    """The crossentropy of every row, of logits; labels are class numbers."""
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def compute_average_loss(per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None) -> Any:
    """The sum of the losses of this rank's rows by the number of rows of the whole batch.

    Args:
        per_example_loss: one loss per row, or more.
        sample_weight: what they are multiplied by.
        global_batch_size: the number of rows; default: that of the batch, of which all ranks have their rows.
    """
    losses = ops.convert_to_tensor(per_example_loss)
    if sample_weight is not None:
        losses = losses * ops.cast(ops.convert_to_tensor(sample_weight), losses.dtype)
    rows = (world.share.rows if world.share else losses.shape[0]) if global_batch_size is None else global_batch_size
    return ops.sum(losses) / rows if world.share is None or world.share.own else ops.sum(losses) * 0.0


def scale_regularization_loss(regularization_loss: Any) -> Any:
    """A penalty by the number of ranks, whose losses are summed."""
    total = ops.sum(ops.convert_to_tensor(regularization_loss))
    return total / world.share.communicator.size if world.share else total


def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Blocks of pixels as channels."""
    return ops.space_to_depth(input, block_size, data_format=_layout(data_format))


def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Channels as blocks of pixels."""
    return ops.depth_to_space(input, block_size, data_format=_layout(data_format))


def _convolved(x: Any, kernel: Any, strides: Any, padding: str, data_format: str, dilations: Any, rank: int) -> Any:
    layout = _layout(data_format)
    steps, rates = _spatial(strides, layout, rank), _spatial(dilations, layout, rank)
    return ops.conv(x, kernel, steps, padding.lower(), layout, rates)


def _layout(data_format: str | None) -> str:
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


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """The positive part, and that of the negative, side by side."""
    return ops.concatenate([ops.relu(features), ops.relu(ops.negative(features))], axis=axis)


def local_response_normalization(
    input: Any, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5, name: str | None = None
) -> Tensor:
    """Each value divided by a power of the sum of squares over the channels around it.

    Source: Krizhevsky et al. 2012, ImageNet classification with deep convolutional neural networks.
    """
    x = ops.convert_to_tensor(input)
    channels = x.shape[-1]
    squares = ops.pad(ops.square(x), [(0, 0)] * (x.ndim - 1) + [(depth_radius, depth_radius)])
    around: Any = squares[..., :channels]
    for i in range(1, 2 * depth_radius + 1):
        around = around + squares[..., i : i + channels]
    return x / (bias + alpha * around) ** beta


lrn = local_response_normalization
