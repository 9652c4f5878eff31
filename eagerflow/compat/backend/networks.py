"""Activations, convolutions, pooling and the like, as `keras.backend` names them."""

from __future__ import annotations

from typing import Any

from eagerflow import ops, random
from eagerflow.base.typing import ConvolutionPadding, Padding
from eagerflow.compat.arguments import renamed
from eagerflow.compat.backend.rearranging import temporal_padding
from eagerflow.compat.backend.settings import normalize_data_format

__all__ = ["bias_add", "conv1d", "conv2d", "conv2d_transpose", "conv3d", "conv3d_transpose", "depthwise_conv2d"]
__all__ += ["dropout", "elu", "hard_sigmoid", "in_top_k", "pool2d", "pool3d", "relu", "separable_conv1d"]
__all__ += ["separable_conv2d", "sigmoid", "softmax", "softplus", "softsign", "tanh"]

elu, sigmoid, softmax = ops.elu, ops.sigmoid, ops.softmax
softplus, softsign, tanh = ops.softplus, ops.softsign, ops.tanh
dropout = renamed(random.dropout, "x level noise_shape seed")
in_top_k = renamed(ops.in_top_k, "predictions:predictions targets:targets k")

_CONVOLUTION = "strides padding data_format dilation_rate"
conv2d = conv3d = renamed(ops.conv, f"x kernel {_CONVOLUTION}")
separable_conv1d = separable_conv2d = renamed(ops.separable_conv, f"x depthwise_kernel pointwise_kernel {_CONVOLUTION}")
depthwise_conv2d = renamed(ops.depthwise_conv, f"x depthwise_kernel {_CONVOLUTION}")


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
    Tensor(3 float32, [0. , 0.5, 0.7])
    """
    return ops.clip(ops.convert_to_tensor(x) * 0.2 + 0.5, 0.0, 1.0)


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


def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = 1,
    padding: Padding = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """The transpose of `conv2d` or `conv3d`: images or volumes enlarged, to `output_shape`.

    Raises:
        ValueError: when kernel and strides give another shape.

    >>> x, kernel = ef.ops.ones((1, 2, 2, 3)), ef.ops.ones((2, 2, 4, 3))
    >>> conv2d_transpose(x, kernel, (1, 4, 4, 4), strides=(2, 2)).shape
    (1, 4, 4, 4)
    """
    layout = normalize_data_format(data_format)
    result = ops.conv_transpose(x, kernel, strides, padding, None, layout, dilation_rate)
    wanted = tuple(output_shape)
    if any(n not in (None, -1, m) for n, m in zip(wanted[1:], result.shape[1:])):
        raise ValueError(
            f"conv transpose: output_shape={wanted} differs from {tuple(result.shape)}, which kernel and strides give; "
            "use ops.conv_transpose with output_padding."
        )
    return result


def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = 1,
    padding: Padding = "valid",
    data_format: Any = None,
    pool_mode: str = "max",
) -> Any:
    """The largest number, or the mean (`pool_mode="avg"`), of every window of images or volumes.

    >>> x = ef.ops.reshape([1.0, 2.0, 3.0, 4.0], (1, 2, 2, 1))
    >>> pool2d(x, (2, 2)).item(), pool2d(x, (2, 2), pool_mode="avg").item()
    (4.0, 2.5)
    """
    pools = {"max": ops.max_pool, "avg": ops.average_pool}
    if pool_mode not in pools:
        raise ValueError(f"pool_mode={pool_mode!r}: expected 'max' or 'avg'.")
    return pools[pool_mode](x, pool_size, strides, padding, normalize_data_format(data_format))


conv3d_transpose, pool3d = conv2d_transpose, pool2d
