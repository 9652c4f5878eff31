"""`TextTensor`: text in data sets, with the interface of a tensor. Tensors themselves hold numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow.core.host_arrays import shape_and_type
from eagerflow.core.tensor import Tensor
from eagerflow.layer.symbolic.text_type import TEXT, is_text

__all__ = ["TextTensor", "holds_text", "text_tensor"]

_COMPARISONS = ("equal", "greater", "greater_equal", "less", "less_equal", "not_equal")


class TextTensor(numpy.ndarray):
    """An array of `str` or `bytes` with a tensor's `numpy()`, `dtype` and indexing; made by `text_tensor`.

    It is a NumPy array for everything that takes text in arrays, such as `TextVectorization`. Comparisons take `str`
    for its UTF-8 bytes, and `+` joins text; other arithmetic is refused.

    >>> lines = text_tensor(["a b", "c"])
    >>> lines.shape, lines[0].numpy(), (lines == "c").tolist()
    ((2,), b'a b', [False, True])
    """

    __hash__ = None

    @property
    def dtype(self) -> Any:
        """The type of text."""
        return TEXT

    @property  # type: ignore[misc]
    def shape(self) -> Any:
        """The lengths of the axes."""
        return numpy.ndarray.shape.__get__(self)

    def numpy(self) -> Any:
        """The text as `bytes`, as TensorFlow has it: one, or an array of them."""
        if not self.ndim:
            return _bytes(self.item())
        plain = numpy.empty(self.shape, object)
        plain.reshape(-1)[:] = [_bytes(x) for x in self.reshape(-1).tolist()]
        return plain

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, Tensor):
            index = index.numpy()
        found = super().__getitem__(index)
        return found if isinstance(found, numpy.ndarray) else text_tensor(found)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("one text can't be iterated: text.numpy() gives its bytes.")
        return iter([self[i] for i in range(len(self))])

    def __getattr__(self, name: str) -> Any:
        told = f"'TextTensor' object has no attribute {name!r}"
        if hasattr(str, name):
            told += ": it is a tensor of text, not a str. tf.strings has functions for text; "
            told += f"text.item().{name}(...) is Python's."
        raise AttributeError(told)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Comparisons and `+`."""
        name = ufunc.__name__
        if method != "__call__" or kwargs or name not in (*_COMPARISONS, "add"):
            raise TypeError(
                f"{name} of text: text has no numbers. Make some with tf.strings.to_number, or with a layer such as "
                "TextVectorization or StringLookup."
            )
        result = ufunc(*[_strings(x) for x in inputs])
        return text_tensor(result) if name == "add" else Tensor(numpy.asarray(result, "bool"))

    def __repr__(self) -> str:
        shown = numpy.array2string(_strings(self), separator=", ", threshold=20) if self.ndim else repr(self.item())
        return f"TextTensor({shape_and_type(self.shape, 'string')}, {shown})"

    __str__ = __repr__

    def __bool__(self) -> bool:
        raise TypeError("a text is neither true nor false: compare it, or look at its length.")


def text_tensor(values: Any) -> TextTensor:
    """Text as a `TextTensor`.

    Args:
        values: a `str` or `bytes`, a nested list of them, or an array.

    Raises:
        TypeError: for anything that isn't text, numbers among text included.
        ValueError: for lists of unequal lengths.
    """
    if isinstance(values, TextTensor):
        return values
    array = numpy.asarray(values, dtype=object)
    plain = numpy.empty(array.shape, object)
    flat = [x.item() if isinstance(x, numpy.ndarray) and not x.ndim else x for x in array.reshape(-1).tolist()]
    for x in flat:
        if isinstance(x, list):
            raise ValueError("lists of text need equal lengths.")
        if not isinstance(x, (str, bytes)):
            raise TypeError(f"expected text, str or bytes, everywhere; got {type(x).__name__} {x!r:.60} among it.")
    plain.reshape(-1)[:] = flat
    return plain.view(TextTensor)


def holds_text(x: Any) -> bool:
    """Whether `x` is text, or a nested list or array of it."""
    while isinstance(x, (list, tuple)) and len(x):
        x = x[0]
    return isinstance(x, (str, bytes)) or is_text(x)


def _bytes(x: Any) -> bytes:
    return x if isinstance(x, bytes) else x.encode()


def _strings(x: Any) -> Any:
    """Text as plain objects that compare: `str` throughout, bytes decoded where they are UTF-8."""
    array = numpy.asarray(x if isinstance(x, numpy.ndarray) else text_tensor(x))
    plain = numpy.empty(array.shape, object)
    plain.reshape(-1)[:] = [
        x.decode("utf-8", "surrogateescape") if isinstance(x, bytes) else str(x) for x in array.reshape(-1).tolist()
    ]
    return plain
