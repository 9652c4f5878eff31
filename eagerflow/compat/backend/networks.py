"""Activations, convolutions, pooling and the like, as `keras.backend` names them."""

from __future__ import annotations

from typing import Any

from eagerflow import ops, random
from eagerflow.compat.backend.rearranging import temporal_padding
from eagerflow.compat.backend.settings import normalize_data_format

__all__ = ["bias_add", "conv1d", "conv2d", "conv2d_transpose", "conv3d", "conv3d_transpose", "depthwise_conv2d"]
__all__ += ["dropout", "elu", "hard_sigmoid", "in_top_k", "pool2d", "pool3d", "relu", "separable_conv1d"]
__all__ += ["separable_conv2d", "sigmoid", "softmax", "softplus", "softsign", "tanh"]

elu, sigmoid, softmax = ops.elu, ops.sigmoid, ops.softmax
softplus, softsign, tanh = ops.softplus, ops.softsign, ops.tanh


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """`x` from `threshold` on, at most `max_value`; `alpha * (x - threshold)` below."""
    if alpha == 0 and threshold == 0:
        result = ops.relu(x)
    elif threshold == 0:
        result = ops.leaky_relu(x, alpha)
    else:
        result = ops.where(ops.greater_equal(x, threshold), x, alpha * (x - threshold))
    return result if max_value is None else ops.minimum(result, max_value)


def hard_sigmoid(x: Any) -> Any:
    """`0.2 * x + 0.5`, limited to 0 and 1: Keras 2's, which isn't `keras.activations.hard_sigmoid` of Keras 3."""
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """A part of the elements set to zero, the others scaled up."""
    return random.dropout(x, level, noise_shape, seed)


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Whether each target is among the `k` best predictions."""
    return ops.in_top_k(targets, predictions, k)


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    """`bias` added along the channels axis."""
    if normalize_data_format(data_format) == "channels_first" and len(bias.shape) == 1:
        bias = ops.reshape(bias, (-1, *[1] * (len(x.shape) - 2)))
    return ops.add(x, bias)


def conv1d(
    x: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None, dilation_rate: Any = 1
) -> Any:
    """Convolution of sequences; `padding="causal"` looks back only."""
    if padding == "causal":
        rate = dilation_rate if isinstance(dilation_rate, int) else dilation_rate[0]
        x, padding = temporal_padding(x, (rate * (kernel.shape[0] - 1), 0)), "valid"
    return ops.conv(x, kernel, strides, padding, normalize_data_format(data_format), dilation_rate)


def conv2d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """Convolution of images."""
    return ops.conv(x, kernel, strides, padding, normalize_data_format(data_format), dilation_rate)


def conv3d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1, 1),
) -> Any:
    """Convolution of volumes."""
    return ops.conv(x, kernel, strides, padding, normalize_data_format(data_format), dilation_rate)


def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """The transpose of `conv2d`: images enlarged, to `output_shape`.

    Raises:
        ValueError: when kernel and strides give another shape.
    """
    return _transposed(x, kernel, output_shape, strides, padding, data_format, dilation_rate)


def conv3d_transpose(
    x: Any, kernel: Any, output_shape: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: Any = None
) -> Any:
    """The transpose of `conv3d`."""
    return _transposed(x, kernel, output_shape, strides, padding, data_format, 1)


def separable_conv1d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """A convolution per channel, then one across channels, of sequences."""
    layout = normalize_data_format(data_format)
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding, layout, dilation_rate)


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """A convolution per channel, then one across channels, of images."""
    layout = normalize_data_format(data_format)
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding, layout, dilation_rate)


def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """A convolution of images per channel."""
    layout = normalize_data_format(data_format)
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, layout, dilation_rate)


def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    pool_mode: str = "max",
) -> Any:
    """The largest number, or the mean (`pool_mode="avg"`), of every window."""
    return _pooled(x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: Any = None,
    pool_mode: str = "max",
) -> Any:
    """`pool2d` of volumes."""
    return _pooled(x, pool_size, strides, padding, data_format, pool_mode)


def _pooled(x: Any, pool_size: Any, strides: Any, padding: str, data_format: Any, pool_mode: str) -> Any:
    pools = {"max": ops.max_pool, "avg": ops.average_pool}
    if pool_mode not in pools:
        raise ValueError(f"pool_mode={pool_mode!r}: expected 'max' or 'avg'.")
    return pools[pool_mode](x, pool_size, strides, padding, normalize_data_format(data_format))


def _transposed(
    x: Any, kernel: Any, output_shape: Any, strides: Any, padding: str, data_format: Any, dilation: Any
) -> Any:
    """Without `output_shape`'s help: the one size that kernel and strides give, refused when another is wanted."""
    layout = normalize_data_format(data_format)
    result = ops.conv_transpose(x, kernel, strides, padding, None, layout, dilation)
    wanted = tuple(output_shape)
    if any(n not in (None, -1, m) for n, m in zip(wanted[1:], result.shape[1:])):
        raise ValueError(
            f"conv transpose: output_shape={wanted} differs from {tuple(result.shape)}, which kernel and strides give; "
            "use ops.conv_transpose with output_padding."
        )
    return result
