"""Activations, convolutions, pooling and the like, as `keras.backend` names them."""

from __future__ import annotations

from typing import Any

from eagerflow import ops, random
from eagerflow.base.typing import ConvolutionPadding, Padding
from eagerflow.compat.backend.rearranging import temporal_padding
from eagerflow.compat.backend.settings import normalize_data_format

__all__ = ["bias_add", "conv1d", "conv2d", "conv2d_transpose", "conv3d", "conv3d_transpose", "depthwise_conv2d"]
__all__ += ["dropout", "elu", "hard_sigmoid", "in_top_k", "pool2d", "pool3d", "relu", "separable_conv1d"]
__all__ += ["separable_conv2d", "sigmoid", "softmax", "softplus", "softsign", "tanh"]

elu, sigmoid, softmax = ops.elu, ops.sigmoid, ops.softmax
softplus, softsign, tanh = ops.softplus, ops.softsign, ops.tanh


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """`x` from `threshold` on, at most `max_value`; `alpha * (x - threshold)` below.

    >>> relu([-1.0, 2.0, 9.0], alpha=0.5, max_value=6.0).tolist()
    [-0.5, 2.0, 6.0]
    """
    if alpha == 0 and threshold == 0:
        result = ops.relu(x)
    elif threshold == 0:
        result = ops.leaky_relu(x, alpha)
    else:
        x = ops.convert_to_tensor(x)
        result = ops.where(ops.greater_equal(x, threshold), x, alpha * (x - threshold))
    return result if max_value is None else ops.minimum(result, max_value)


def hard_sigmoid(x: Any) -> Any:
    """`0.2 * x + 0.5`, limited to 0 and 1: Keras 2's, which isn't `keras.activations.hard_sigmoid` of Keras 3.

    >>> hard_sigmoid([-3.0, 0.0, 1.0]).round(4)
    Tensor([0. , 0.5, 0.7], shape=(3,), dtype=float32)
    """
    return ops.clip(ops.convert_to_tensor(x) * 0.2 + 0.5, 0.0, 1.0)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """A part of the elements set to zero, the others scaled up.

    >>> sorted(set(dropout(ef.ops.ones((100,)), 0.5, seed=1).tolist()))
    [0.0, 2.0]
    """
    return random.dropout(x, level, noise_shape, seed)


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Whether each target is among the `k` best predictions.

    >>> in_top_k([[0.1, 0.9], [0.1, 0.9]], [1, 0], 1).tolist()
    [True, False]
    """
    return ops.in_top_k(targets, predictions, k)


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    """`bias` added along the channels axis.

    >>> bias_add([[1.0, 2.0], [3.0, 4.0]], [10.0, 20.0]).tolist()
    [[11.0, 22.0], [13.0, 24.0]]
    """
    x, bias = ops.convert_to_tensor(x), ops.convert_to_tensor(bias)
    if normalize_data_format(data_format) == "channels_first" and len(bias.shape) == 1:
        bias = ops.reshape(bias, (-1, *[1] * (len(x.shape) - 2)))
    return ops.add(x, bias)


def conv1d(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: ConvolutionPadding = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """Convolution of sequences; `padding="causal"` looks back only.

    >>> x, kernel = ef.ops.reshape([1.0, 2.0, 3.0], (1, 3, 1)), ef.ops.reshape([1.0, 10.0], (2, 1, 1))
    >>> conv1d(x, kernel)[0, :, 0].tolist(), conv1d(x, kernel, padding="causal")[0, :, 0].tolist()
    ([21.0, 32.0], [10.0, 21.0, 32.0])
    """
    if padding == "causal":
        rate = dilation_rate if isinstance(dilation_rate, int) else dilation_rate[0]
        x, padding = temporal_padding(x, (rate * (kernel.shape[0] - 1), 0)), "valid"
    return ops.conv(x, kernel, strides, padding, normalize_data_format(data_format), dilation_rate)


def conv2d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1),
    padding: Padding = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """Convolution of images.

    >>> conv2d(ef.ops.ones((2, 8, 8, 3)), ef.ops.ones((3, 3, 3, 16)), padding="same").shape
    (2, 8, 8, 16)
    """
    return ops.conv(x, kernel, strides, padding, normalize_data_format(data_format), dilation_rate)


def conv3d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1, 1),
    padding: Padding = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1, 1),
) -> Any:
    """Convolution of volumes.

    >>> conv3d(ef.ops.ones((1, 4, 4, 4, 2)), ef.ops.ones((2, 2, 2, 2, 5))).shape
    (1, 3, 3, 3, 5)
    """
    return ops.conv(x, kernel, strides, padding, normalize_data_format(data_format), dilation_rate)


def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = (1, 1),
    padding: Padding = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """The transpose of `conv2d`: images enlarged, to `output_shape`.

    Raises:
        ValueError: when kernel and strides give another shape.

    >>> x, kernel = ef.ops.ones((1, 2, 2, 3)), ef.ops.ones((2, 2, 4, 3))
    >>> conv2d_transpose(x, kernel, (1, 4, 4, 4), strides=(2, 2)).shape
    (1, 4, 4, 4)
    """
    return _transposed(x, kernel, output_shape, strides, padding, data_format, dilation_rate)


def conv3d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = (1, 1, 1),
    padding: Padding = "valid",
    data_format: Any = None,
) -> Any:
    """The transpose of `conv3d`.

    >>> x, kernel = ef.ops.ones((1, 2, 2, 2, 3)), ef.ops.ones((2, 2, 2, 4, 3))
    >>> conv3d_transpose(x, kernel, (1, 4, 4, 4, 4), strides=(2, 2, 2)).shape
    (1, 4, 4, 4, 4)
    """
    return _transposed(x, kernel, output_shape, strides, padding, data_format, 1)


def separable_conv1d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: Padding = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """A convolution per channel, then one across channels, of sequences.

    >>> separable_conv1d(ef.ops.ones((1, 5, 2)), ef.ops.ones((3, 2, 1)), ef.ops.ones((1, 2, 4))).shape
    (1, 3, 4)
    """
    layout = normalize_data_format(data_format)
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding, layout, dilation_rate)


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = (1, 1),
    padding: Padding = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """A convolution per channel, then one across channels, of images.

    >>> separable_conv2d(ef.ops.ones((1, 5, 5, 2)), ef.ops.ones((3, 3, 2, 1)), ef.ops.ones((1, 1, 2, 4))).shape
    (1, 3, 3, 4)
    """
    layout = normalize_data_format(data_format)
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding, layout, dilation_rate)


def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: Any = (1, 1),
    padding: Padding = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """A convolution of images per channel.

    >>> depthwise_conv2d(ef.ops.ones((1, 5, 5, 2)), ef.ops.ones((3, 3, 2, 4))).shape
    (1, 3, 3, 8)
    """
    layout = normalize_data_format(data_format)
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, layout, dilation_rate)


def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1),
    padding: Padding = "valid",
    data_format: Any = None,
    pool_mode: str = "max",
) -> Any:
    """The largest number, or the mean (`pool_mode="avg"`), of every window.

    >>> x = ef.ops.reshape([1.0, 2.0, 3.0, 4.0], (1, 2, 2, 1))
    >>> pool2d(x, (2, 2)).item(), pool2d(x, (2, 2), pool_mode="avg").item()
    (4.0, 2.5)
    """
    return _pooled(x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1, 1),
    padding: Padding = "valid",
    data_format: Any = None,
    pool_mode: str = "max",
) -> Any:
    """`pool2d` of volumes.

    >>> pool3d(ef.ops.ones((1, 4, 4, 4, 3)), (2, 2, 2), strides=(2, 2, 2)).shape
    (1, 2, 2, 2, 3)
    """
    return _pooled(x, pool_size, strides, padding, data_format, pool_mode)


def _pooled(x: Any, pool_size: Any, strides: Any, padding: Padding, data_format: Any, pool_mode: str) -> Any:
    pools = {"max": ops.max_pool, "avg": ops.average_pool}
    if pool_mode not in pools:
        raise ValueError(f"pool_mode={pool_mode!r}: expected 'max' or 'avg'.")
    return pools[pool_mode](x, pool_size, strides, padding, normalize_data_format(data_format))


def _transposed(
    x: Any, kernel: Any, output_shape: Any, strides: Any, padding: Padding, data_format: Any, dilation: Any
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
