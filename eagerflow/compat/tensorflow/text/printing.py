"""`tf.print`: values as NumPy shows them."""

from __future__ import annotations

import sys
from typing import Any

from eagerflow.base.output import write
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor
from eagerflow.layer.call_context import current_call

__all__ = ["print"]


def print(
    *inputs: Any,
    output_stream: Any = None,
    sep: str = " ",
    end: str = "\n",
    summarize: Any = 3,
    name: str | None = None,
) -> None:
    """Prints values, to the standard error as TensorFlow does.

    >>> import sys
    >>> from eagerflow.compat.tensorflow.text.printing import print as tf_print
    >>> tf_print("x =", ef.Tensor([0.1, 2.0]), output_stream=sys.stdout)
    x = [0.1 2. ]
    """
    _print(inputs, sys.stderr if output_stream is None else output_stream, sep, end)


@composite
def _print(inputs: tuple[Any, ...], stream: Any, sep: str, end: str) -> Any:
    context = current_call.get()
    if context is None or not context.probing:
        write(sep.join(map(_shown, inputs)) + end, getattr(sys, str(stream).removeprefix("sys."), stream))
    return inputs[0] if inputs else None


def _shown(value: Any) -> str:
    value = value.numpy() if isinstance(value, (Tensor, TextTensor)) else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
