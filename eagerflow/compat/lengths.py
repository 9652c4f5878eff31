"""`keras.utils.conv_utils` of Keras 2: lengths that convolutions and pooling give, and their arguments."""

from __future__ import annotations

from typing import Any

__all__ = ["conv_input_length", "conv_output_length", "deconv_output_length", "normalize_padding", "normalize_tuple"]


def normalize_tuple(value: Any, n: int, name: str, **kwargs: Any) -> tuple[int, ...]:
    """`n` integers, from one or as many.

    Raises:
        ValueError: for anything else.

    >>> normalize_tuple(3, 2, "kernel_size")
    (3, 3)
    """
    found = (value,) * n if isinstance(value, int) else tuple(value) if isinstance(value, (list, tuple)) else ()
    if len(found) != n or any(not hasattr(x, "__index__") for x in found):
        raise ValueError(f"The `{name}` argument must be an integer or a tuple of {n} integers; got {value!r}.")
    return tuple([int(x) for x in found])


def normalize_padding(value: Any) -> str:
    """A mode of padding, in lower case.

    Raises:
        ValueError: for another one.
    """
    padding = str(value).lower()
    if padding not in {"valid", "same", "causal"}:
        raise ValueError(f"The `padding` argument must be 'valid', 'same' or 'causal'; got {value!r}.")
    return padding


def conv_output_length(
    input_length: int | None, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> int | None:
    """How long the output of a convolution is along an axis.

    >>> conv_output_length(28, 3, "valid", 2)
    13
    """
    if input_length is None:
        return None
    reach = (filter_size - 1) * dilation
    length = {"same": input_length, "causal": input_length, "full": input_length + reach}.get(
        padding, input_length - reach
    )
    return (length + stride - 1) // stride


def conv_input_length(output_length: int | None, filter_size: int, padding: str, stride: int) -> int | None:
    """How long the input of a convolution is, at least, whose output has a length."""
    if output_length is None:
        return None
    pad = {"same": filter_size // 2, "full": filter_size - 1}.get(padding, 0)
    return (output_length - 1) * stride - 2 * pad + filter_size


def deconv_output_length(
    input_length: int | None,
    filter_size: int,
    padding: str,
    output_padding: int | None = None,
    stride: int = 0,
    dilation: int = 1,
) -> int | None:
    """How long the output of a transposed convolution is along an axis.

    >>> deconv_output_length(14, 3, "same", stride=2)
    28
    """
    if input_length is None:
        return None
    size = filter_size + (filter_size - 1) * (dilation - 1)
    if output_padding is None:
        added = {"valid": max(size - stride, 0), "full": -(stride + size - 2)}.get(padding, 0)
        return input_length * stride + added
    pad = {"same": size // 2, "full": size - 1}.get(padding, 0)
    return (input_length - 1) * stride + size - 2 * pad + output_padding
