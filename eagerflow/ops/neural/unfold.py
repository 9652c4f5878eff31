"""Moving elements between space and channels: unfold, fold, depth_to_space, space_to_depth."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DataFormat, Sizes, TensorLike
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.neural.data_format import is_channels_first
from eagerflow.ops.neural.windows import gather_windows, scatter_windows
from eagerflow.ops.windows.geometry import Geometry, effective, per_axis

__all__ = ["depth_to_space", "fold", "space_to_depth", "unfold"]


def _geometry(lengths: Any, kernel_size: Sizes, dilation: Sizes, padding: Any, stride: Sizes) -> Geometry:
    sizes = per_axis(kernel_size, 2, "kernel_size")
    dilations, strides = per_axis(dilation, 2, "dilation"), per_axis(stride, 2, "stride")
    pads = per_axis(padding, 2, "padding", least=0)
    outputs = [
        (n + 2 * p - effective(k, d)) // s + 1 for n, p, k, d, s in zip(lengths, pads, sizes, dilations, strides)
    ]
    if min(outputs) < 1:
        raise ValueError(
            f"kernel_size={kernel_size!r} (dilation {dilation}) doesn't fit into the padded lengths "
            f"{tuple(n + 2 * p for n, p in zip(lengths, pads))}."
        )
    return Geometry(sizes, strides, dilations, pads, pads, tuple(lengths), tuple(outputs))


@composite
def unfold(x: TensorLike, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    """Extracts blocks of images; the elements of each block become a column (im2col).

    Args:
        x: (batch, channels, height, width).
        kernel_size: the size of a block, an integer or a pair.
        dilation: the step between the elements of a block.
        padding: the number of zeros to add on both sides first.
        stride: the step from one block to the next.

    Returns:
        (batch, channels * elements of a block, number of blocks).

    Raises:
        ValueError: when shapes and settings don't fit together.

    Source: the interface of `torch.nn.functional.unfold`, which Keras follows.

    >>> ef.ops.unfold([[[[1.0, 2.0], [3.0, 4.0]]]], 2).tolist()
    [[[1.0], [2.0], [3.0], [4.0]]]
    """
    x = convert_to_tensor(x)
    if x.ndim != 4:
        raise ValueError(f"unfold: x: expected (batch, channels, height, width); got {signature_of(x)}.")
    plan = _geometry(x.shape[2:], kernel_size, dilation, padding, stride)
    windows = gather_windows(x.transpose((0, 2, 3, 1)), plan).transpose((0, 4, 3, 1, 2))
    return windows.reshape((x.shape[0], x.shape[1] * plan.taps, math.prod(plan.outputs)))


@composite
def fold(
    x: TensorLike, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """Adds up blocks to images (col2im), where they overlap; the reverse of `unfold`.

    Args:
        x: (batch, channels * elements of a block, number of blocks).
        output_size: height and width of the images.
        kernel_size: the size of a block, an integer or a pair.
        dilation: the step between the elements of a block.
        padding: the number of zeros that `unfold` added on both sides.
        stride: the step from one block to the next.

    Returns:
        (batch, channels, height, width).

    Raises:
        ValueError: when shapes and settings don't fit together.

    >>> ef.ops.fold([[[1.0], [2.0], [3.0], [4.0]]], 2, 2).tolist()
    [[[[1.0, 2.0], [3.0, 4.0]]]]
    """
    x = convert_to_tensor(x)
    plan = _geometry(per_axis(output_size, 2, "output_size"), kernel_size, dilation, padding, stride)
    count = math.prod(plan.outputs)
    if x.ndim != 3 or x.shape[1] % plan.taps or x.shape[2] != count:
        raise ValueError(
            f"fold: x: expected (batch, channels * {plan.taps}, {count}) for these settings; got {signature_of(x)}."
        )
    channels = x.shape[1] // plan.taps
    windows = x.reshape((x.shape[0], channels, plan.taps, *plan.outputs)).transpose((0, 3, 4, 2, 1))
    return scatter_windows(windows, plan).transpose((0, 3, 1, 2))


def _image(name: str, x: Any, block_size: int, data_format: DataFormat | None) -> tuple[Tensor, bool]:
    x = convert_to_tensor(x)
    if isinstance(block_size, bool) or not isinstance(block_size, int) or block_size < 2:
        raise ValueError(f"{name}: block_size={block_size!r}: expected an integer of at least 2.")
    if x.ndim != 4:
        raise ValueError(f"{name}: x: expected 4 axes (batch, height, width, channels); got {signature_of(x)}.")
    return x, is_channels_first(data_format)


@composite
def depth_to_space(x: TensorLike, block_size: int, data_format: DataFormat = "channels_last") -> Tensor:
    """Rearranges channels to blocks of `block_size` by `block_size` pixels.

    Args:
        x: (batch, height, width, channels), or (batch, channels, height, width) with `"channels_first"`.
        block_size: the side of a block.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        (batch, height * block_size, width * block_size, channels / block_size²), or with channels first.

    Raises:
        ValueError: when the channels can't be divided so.

    >>> ef.ops.depth_to_space([[[[1.0, 2.0, 3.0, 4.0]]]], 2)[0, :, :, 0].tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    x, first = _image("depth_to_space", x, block_size, data_format)
    b, channels = block_size, x.shape[1 if first else 3]
    if channels % (b * b):
        raise ValueError(f"depth_to_space: {channels} channels can't be divided by block_size² = {b * b}.")
    if first:
        n, _, h, w = x.shape
        split = x.reshape((n, channels // b**2, b, b, h, w)).transpose((0, 1, 4, 2, 5, 3))
        return split.reshape((n, channels // b**2, h * b, w * b))
    n, h, w, _ = x.shape
    split = x.reshape((n, h, w, b, b, channels // b**2)).transpose((0, 1, 3, 2, 4, 5))
    return split.reshape((n, h * b, w * b, channels // b**2))


@composite
def space_to_depth(x: TensorLike, block_size: int, data_format: DataFormat = "channels_last") -> Tensor:
    """Rearranges blocks of `block_size` by `block_size` pixels to channels; the reverse of `depth_to_space`.

    Args:
        x: (batch, height, width, channels), or (batch, channels, height, width) with `"channels_first"`.
        block_size: the side of a block.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        (batch, height / block_size, width / block_size, channels * block_size²), or with channels first.

    Raises:
        ValueError: when height or width can't be divided so.

    >>> ef.ops.space_to_depth([[[[1.0], [2.0]], [[3.0], [4.0]]]], 2).tolist()
    [[[[1.0, 2.0, 3.0, 4.0]]]]
    """
    x, first = _image("space_to_depth", x, block_size, data_format)
    b = block_size
    h, w = x.shape[2:] if first else x.shape[1:3]
    if h % b or w % b:
        raise ValueError(f"space_to_depth: height {h} and width {w} can't be divided by block_size = {b}.")
    if first:
        n, c = x.shape[:2]
        split = x.reshape((n, c, h // b, b, w // b, b)).transpose((0, 1, 3, 5, 2, 4))
        return split.reshape((n, c * b * b, h // b, w // b))
    n, c = x.shape[0], x.shape[3]
    split = x.reshape((n, h // b, b, w // b, b, c)).transpose((0, 1, 3, 2, 4, 5))
    return split.reshape((n, h // b, w // b, b * b * c))
