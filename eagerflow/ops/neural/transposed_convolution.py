"""The transposed convolution: the adjoint of a convolution, used to make images larger."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Array, DataFormat, Needs, Numpy, Padding, Sizes
from eagerflow.core.op import op
from eagerflow.ops.neural.convolution import placed
from eagerflow.ops.neural.data_format import channels_first_to_last, is_channels_first, spatial_rank, to_first
from eagerflow.ops.neural.windows import scatter_windows
from eagerflow.ops.windows import convolution
from eagerflow.ops.windows.geometry import Geometry, effective, per_axis

__all__ = ["conv_transpose"]


def planned(
    x: Any, kernel: Any, strides: Sizes, padding: Padding, output_padding: Sizes | None, dilation_rate: Sizes
) -> Geometry:
    """The windows of the convolution from the result to `x`, channels last, whose adjoint we are.

    Raises:
        ValueError: when shapes and settings don't fit together.
    """
    rank = spatial_rank(x)
    if kernel.ndim != rank + 2 or kernel.shape[-1] != x.shape[-1]:
        raise ValueError(
            f"kernel: expected ({rank} sizes, filters, {x.shape[-1]}) for inputs of {x.shape[-1]} channels; "
            f"got {signature_of(kernel)}."
        )
    mode = padding.lower() if isinstance(padding, str) else padding
    if mode not in ("valid", "same"):
        raise ValueError(f"padding={padding!r}: expected 'valid' or 'same'.")
    strides, dilation = per_axis(strides, rank, "strides"), per_axis(dilation_rate, rank, "dilation_rate")
    extra = (None,) * rank if output_padding is None else per_axis(output_padding, rank, "output_padding", least=0)
    sizes, outputs = tuple(kernel.shape[:-2]), tuple(x.shape[1:-1])
    before, after, lengths = [], [], []
    for n, k, s, d, e in zip(outputs, sizes, strides, dilation, extra):
        if e is not None and e >= s:
            raise ValueError(f"output_padding={output_padding!r}: expected less than strides, {strides}.")
        front, length = _along_axis(n, effective(k, d), s, mode, e)
        before.append(front)
        lengths.append(length)
        after.append(max(0, (n - 1) * s + effective(k, d) - front - length))
    return Geometry(sizes, strides, dilation, tuple(before), tuple(after), tuple(lengths), outputs)


def _along_axis(n: int, reach: int, stride: int, padding: str, extra: int | None) -> tuple[int, int]:
    """What is cut off in front of the full result, and the length that is left."""
    full = (n - 1) * stride + reach
    if padding == "valid":
        return 0, full + (max(reach, stride) - reach if extra is None else extra)
    # The whole padding around the spread input, of which a part lies in front.
    around = stride + reach - 2 if extra is None else reach + reach % 2 - 2 + extra
    front = min(around // 2 + around % 2, reach - 1)
    return reach - 1 - front, (n - 1) * stride + 2 + around - reach


def _rule(
    xp: Numpy, g: Array, needs: Needs, inputs: Array, kernel: Array, data_format: DataFormat | None, plan: Any
) -> Any:
    x, g = channels_first_to_last(inputs, data_format), channels_first_to_last(g, data_format)
    dx = convolution.forward(xp, g, kernel, plan) if needs[0] else None
    dk = convolution.kernel_gradient(xp, g, x, kernel.shape, plan) if needs[1] else None
    return placed(dx, data_format), dk


def _of_windows(inputs: Any, kernel: Any, data_format: DataFormat | None, plan: Any, **_: Any) -> Any:
    """Each input element's copy of the kernel, added where it lands."""
    x = channels_first_to_last(inputs, data_format)
    filters, channels = kernel.shape[-2:]
    columns = x.reshape((-1, channels)) @ kernel.reshape((plan.taps * filters, channels)).swapaxes(0, 1)
    out = scatter_windows(columns.reshape((x.shape[0], *plan.outputs, plan.taps, filters)), plan)
    return to_first(out) if is_channels_first(data_format) else out


@op(_rule, joint=True, reference=_of_windows, saves=("plan",))
def conv_transpose(
    xp: Numpy,
    inputs: Array,
    kernel: Array,
    strides: Sizes = 1,
    padding: Padding = "valid",
    output_padding: Sizes | None = None,
    data_format: DataFormat | None = None,
    dilation_rate: Sizes = 1,
) -> Any:
    """Transposed convolution ("deconvolution") over one, two or three spatial axes.

    Args:
        inputs: (batch, *spatial, channels), or (batch, channels, *spatial) with `"channels_first"`.
        kernel: (*sizes, filters, channels).
        strides: an integer or one per spatial axis: about how many times as large the result is.
        padding: `"valid"` (the result has length `(length - 1) * stride + max(size, stride)`) or `"same"`
            (`length * stride`).
        output_padding: how much longer the result is than its shortest possible length, below `strides`; None: its
            length is that which `padding` gives.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dilation_rate: an integer or one per spatial axis.

    Returns:
        (batch, *outputs, filters), or (batch, filters, *outputs).

    Raises:
        ValueError: when shapes and settings don't fit together.

    Source: lengths and alignment after TensorFlow's, which Keras follows.

    >>> x, kernel = ef.ops.reshape([1.0, 2.0], (1, 2, 1)), ef.ops.reshape([1.0, 10.0], (2, 1, 1))
    >>> ef.ops.conv_transpose(x, kernel, strides=2).tolist()
    [[[1.0], [10.0], [2.0], [20.0]]]
    """
    x = channels_first_to_last(inputs, data_format)
    plan = planned(x, kernel, strides, padding, output_padding, dilation_rate)
    return placed(convolution.input_gradient(xp, x, kernel, plan), data_format), plan
