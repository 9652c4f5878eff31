"""`tf.strings`: functions of text, one or many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.compat.tensorflow.casts import as_dtype
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor, text_tensor
from eagerflow.layers.preprocessing.text.fingerprint import fingerprint64

__all__ = ["as_string", "bytes_split", "format", "join", "length", "lower", "reduce_join", "regex_full_match"]
__all__ += ["regex_replace", "split", "strip", "substr", "to_hash_bucket_fast", "to_number", "unicode_decode"]
__all__ += ["unicode_split", "upper"]


class TextRows(list[Any]):
    """Rows of unequal lengths, for what TensorFlow has ragged tensors: a list, and `to_tensor`."""

    def to_tensor(self, default_value: Any = None, shape: Any = None) -> Any:
        """One tensor, short rows padded with a default: an empty text, or 0."""
        width = max([len(row) for row in self], default=0)
        width = width if shape is None or shape[-1] is None else int(shape[-1])
        words = not self or isinstance(self[0], TextTensor)
        empty = default_value if default_value is not None else "" if words else 0
        rows = [[*row.tolist()[:width], *[empty] * (width - len(row))] for row in self]
        return text_tensor(rows) if words else ops.convert_to_tensor(numpy.array(rows, self[0].dtype))

    def numpy(self) -> Any:
        """The rows in an array of arrays."""
        plain = numpy.empty(len(self), object)
        plain[:] = [row.numpy() for row in self]
        return plain


def lower(input: Any, encoding: str = "", name: str | None = None) -> TextTensor:
    """Small letters; without `encoding="utf-8"` only those of ASCII.

    >>> lower(["Yes", "NO"]).tolist()
    ['yes', 'no']
    """
    return _each(input, str.lower if encoding else lambda x: _ascii(x, str.lower))


def upper(input: Any, encoding: str = "", name: str | None = None) -> TextTensor:
    """Capital letters; without `encoding="utf-8"` only those of ASCII.

    >>> upper(["Yes", "no"]).tolist()
    ['YES', 'NO']
    """
    return _each(input, str.upper if encoding else lambda x: _ascii(x, str.upper))


def strip(input: Any, name: str | None = None) -> TextTensor:
    """Without white space around it.

    >>> strip(["  yes "]).tolist()
    ['yes']
    """
    return _each(input, str.strip)


def length(input: Any, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """The number of bytes, or of letters: `unit="UTF8_CHAR"`.

    >>> length(["yes", ""]).tolist()
    [3, 0]
    """
    return _numbers(input, (lambda x: len(_encoded(x))) if unit == "BYTE" else len, "int32")


def substr(input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None) -> TextTensor:
    """`len` bytes, or letters, from `pos` on.

    >>> substr(["yesterday"], 0, 3).tolist()
    [b'yes']
    """
    first, count = int(pos), int(len)
    if unit != "BYTE":
        return _each(input, lambda x: x[first:][:count])
    return _each(input, lambda x: _encoded(x)[first:][:count])


def join(inputs: Iterable[Any], separator: str = "", name: str | None = None) -> TextTensor:
    """Several texts as one, element by element.

    >>> join([["a", "b"], ["x", "y"]], separator="-").tolist()
    ['a-x', 'b-y']
    """
    parts = numpy.broadcast_arrays(*[numpy.asarray(_texts(x)) for x in inputs])
    joined = [separator.join(row) for row in zip(*[part.reshape(-1).tolist() for part in parts])]
    return text_tensor(numpy.array(joined, object).reshape(parts[0].shape))


def reduce_join(
    inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "", name: str | None = None
) -> TextTensor:
    """All texts along an axis as one; by default all there are.

    >>> reduce_join(["a", "b"], separator=" ").item()
    'a b'
    """
    if isinstance(inputs, TextRows):
        return text_tensor([separator.join(_strings(row)) for row in inputs])
    texts = numpy.asarray(_texts(inputs))
    if axis is None:
        joined = numpy.asarray(separator.join(texts.reshape(-1).tolist()), object)
        return text_tensor(joined.reshape((1,) * texts.ndim) if keepdims else joined)
    moved = numpy.moveaxis(texts, axis, -1)
    rows = [separator.join(row) for row in moved.reshape(-1, moved.shape[-1]).tolist()]
    found = numpy.array(rows, object).reshape(moved.shape[:-1])
    return text_tensor(numpy.expand_dims(found, axis) if keepdims else found)


def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> TextTensor:
    r"""What fits a pattern, replaced; `\1` stands for the first group.

    >>> regex_replace(["a1b22"], "[0-9]+", "#").tolist()
    ['a#b#']
    """
    fits, new = re.compile(_string(pattern)), _string(rewrite).replace("\\0", "\\g<0>")
    return _each(input, lambda x: fits.sub(new, x, 0 if replace_global else 1))


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Whether the whole text fits a pattern.

    >>> regex_full_match(["abc", "ab1"], "[a-z]+").tolist()
    [True, False]
    """
    fits = re.compile(_string(pattern))
    return _numbers(input, lambda x: fits.fullmatch(x) is not None, "bool")


def split(input: Any, sep: Any = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """The parts between separators (white space by default): of one text a tensor, of several their rows.

    >>> split("one two").tolist()
    ['one', 'two']
    """
    between = None if sep is None or _string(sep) == "" else _string(sep)
    return _parts(input, lambda x: x.split(between, maxsplit))


def unicode_split(input: Any, input_encoding: str = "UTF-8", name: str | None = None, **kwargs: Any) -> Any:
    """The letters: of one text a tensor, of several their rows."""
    return _parts(input, list)


def bytes_split(input: Any, name: str | None = None) -> Any:
    """The bytes: of one text a tensor, of several their rows."""
    return _parts(input, lambda x: [bytes([b]) for b in _encoded(x)])


def unicode_decode(input: Any, input_encoding: str = "UTF-8", name: str | None = None, **kwargs: Any) -> Any:
    """The numbers of the letters: of one text a tensor, of several their rows."""
    texts = _texts(input)
    rows = [ops.convert_to_tensor(numpy.array([ord(c) for c in x], "int32")) for x in _strings(texts)]
    return TextRows(rows) if texts.ndim else rows[0]


def to_number(input: Any, out_type: Any = "float32", name: str | None = None) -> Tensor:
    """The numbers that are written there.

    Raises:
        ValueError: for a text that is no number.

    >>> to_number(["1.5", "2"]).tolist()
    [1.5, 2.0]
    """
    wanted = numpy.dtype(as_dtype(out_type))
    return _numbers(input, int if wanted.kind in "iu" else float, wanted)


def to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
    """A number from 0 to below `num_buckets`, always the same for the same text."""
    return _numbers(input, lambda x: int(fingerprint64([_encoded(x)])[0]) % int(num_buckets), "int64")


def as_string(input: Any, precision: int = -1, name: str | None = None, **kwargs: Any) -> TextTensor:
    """Numbers as text.

    >>> as_string([1, 2]).tolist()
    ['1', '2']
    """
    values = ops.convert_to_numpy(input)

    def written(x: Any) -> str:
        if values.dtype.kind == "b":
            return str(x).lower()
        digits = 6 if precision < 0 else precision
        return f"{x:.{digits}f}" if values.dtype.kind == "f" else str(x)

    found = numpy.array([written(x) for x in values.reshape(-1).tolist()], object)
    return text_tensor(found.reshape(values.shape))


def format(
    template: str, inputs: Any = (), placeholder: str = "{}", summarize: int = 3, name: Any = None
) -> TextTensor:
    """A text with values in the place of `{}`."""
    values = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    for value in values:
        shown = value.numpy() if isinstance(value, (Tensor, TextTensor)) else value
        template = template.replace(placeholder, shown.decode() if isinstance(shown, bytes) else str(shown), 1)
    return text_tensor(template)


def _texts(x: Any) -> TextTensor:
    """Text as a tensor of `str`."""
    given = text_tensor(x)
    return text_tensor(numpy.array(_strings(given), object).reshape(given.shape))


def _strings(x: TextTensor) -> list[str]:
    return [_string(text) for text in x.reshape(-1).tolist()]


def _string(x: Any) -> str:
    x = x.item() if isinstance(x, TextTensor) else x
    return x.decode("utf-8", "surrogateescape") if isinstance(x, bytes) else str(x)


def _encoded(x: str) -> bytes:
    return x.encode("utf-8", "surrogateescape")


def _each(x: Any, function: Callable[[str], Any]) -> Any:
    if isinstance(x, TextRows):
        return TextRows([_each(row, function) for row in x])
    given = text_tensor(x)
    return text_tensor(numpy.array([function(t) for t in _strings(given)], object).reshape(given.shape))


def _numbers(x: Any, function: Callable[[str], Any], dtype: Any) -> Any:
    if isinstance(x, TextRows):
        return TextRows([_numbers(row, function, dtype) for row in x])
    given = text_tensor(x)
    return ops.convert_to_tensor(numpy.array([function(t) for t in _strings(given)], dtype).reshape(given.shape))


def _parts(x: Any, function: Callable[[str], list[Any]]) -> Any:
    given = text_tensor(x)
    rows = [text_tensor(numpy.array(function(t), object)) for t in _strings(given)]
    return TextRows(rows) if given.ndim else rows[0]


def _ascii(x: str, change: Callable[[str], str]) -> str:
    return "".join([change(c) if c.isascii() else c for c in x])
