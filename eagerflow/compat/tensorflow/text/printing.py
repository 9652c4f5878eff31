"""`tf.print`: values in TensorFlow's form."""

from __future__ import annotations

import pprint
import sys
from typing import Any

import numpy

from eagerflow.base.output import write
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor
from eagerflow.layer.call_context import current_call

__all__ = ["print"]

_STREAMS = {"sys.stdout": "stdout", "sys.stderr": "stderr"}
_DIGITS = {"d": (15, 17)}  # of a float64; of smaller floats 6 and 9: the fewer where they give the same number


def print(
    *inputs: Any,
    output_stream: Any = None,
    summarize: int | None = 3,
    sep: str = " ",
    end: str = "\n",
    name: str | None = None,
) -> None:
    """Prints values, to the standard error as TensorFlow does.

    >>> import sys
    >>> from eagerflow.compat.tensorflow.text.printing import print as tf_print
    >>> tf_print("x =", ef.ops.arange(8), ef.Tensor([0.1, 2.0]), output_stream=sys.stdout)
    x = [0 1 2 ... 5 6 7] [0.1 2]
    """
    _print(inputs, output_stream, -1 if summarize is None else summarize, sep, end)


@composite
def _print(inputs: tuple[Any, ...], stream: Any, edge: int, sep: str, end: str) -> Any:
    context = current_call.get()
    if context is None or not context.probing:
        if len(inputs) == 1 and isinstance(inputs[0], TextTensor) and not inputs[0].ndim:
            text = _plain(inputs[0].item())
        else:
            text = sep.join([x if isinstance(x, str) else pprint.pformat(_written(x, edge)) for x in inputs])
        if isinstance(stream, str) and stream.startswith("file://"):
            with open(stream.removeprefix("file://"), "a", encoding="utf-8") as file:
                write(text + end, file)
        else:
            write(text + end, sys.stderr if stream is None else getattr(sys, _STREAMS.get(str(stream), ""), stream))
    return inputs[0] if inputs else None


class _Written:
    """What `pprint` shows as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _written(value: Any, edge: int) -> Any:
    """The value, with the form that TensorFlow gives tensors in the place of those in it."""
    if isinstance(value, TextTensor):
        return _Written(_rows(numpy.asarray(value, object), edge, _quoted))
    if isinstance(value, Tensor):
        return _Written(_rows(value.numpy(), edge, _number))
    if isinstance(value, dict):
        return {key: _written(each, edge) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)([_written(each, edge) for each in value])
    return value


def _rows(array: Any, edge: int, form: Any, depth: int = 1) -> str:
    if not getattr(array, "ndim", 0):
        return str(form(array[()] if isinstance(array, numpy.ndarray) else array))
    between = "\n" * (array.ndim - 1) + " " * depth if array.ndim > 1 else " "
    if edge < 0 or len(array) <= 2 * edge:
        parts = [_rows(each, edge, form, depth + 1) for each in array]
    else:
        ends = [
            [_rows(each, edge, form, depth + 1) for each in some] for some in (array[:edge], array[len(array) - edge :])
        ]
        parts = [*ends[0], "...", *ends[1]]
    return f"[{between.join(parts)}]"


def _number(value: Any) -> str:
    if value.dtype.kind == "b":
        return str(int(value))
    if value.dtype.kind != "f" and value.dtype.name != "bfloat16":
        return str(value)
    exact = value if value.dtype.char == "d" else numpy.float32(value)
    few, many = _DIGITS.get(exact.dtype.char, (6, 9))
    short = f"{float(exact):.{few}g}"
    return short if exact.dtype.type(float(short)) == exact or exact != exact else f"{float(exact):.{many}g}"


def _plain(text: Any) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _quoted(text: Any) -> str:
    return f'"{_plain(text)}"'
