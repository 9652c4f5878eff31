"""Sequences: of different lengths made into one array, and what else `keras.preprocessing.sequence` has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy

from eagerflow.base.errors import a_kind, did_you_mean
from eagerflow.base.typing import DType, End
from eagerflow.core.dtypes import as_dtype
from eagerflow.preprocessing.skipgrams import make_sampling_table, skipgrams
from eagerflow.preprocessing.timeseries_generator import TimeseriesGenerator

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]

_ENDS = ("pre", "post")


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: DType = "int32",
    padding: End = "pre",
    truncating: End = "pre",
    value: Any = 0.0,
) -> numpy.ndarray:
    """Pads or cuts sequences to the same length, and returns them as the rows of an array.

    Args:
        sequences: a list of sequences; their elements are numbers, or arrays of the same shape.
        maxlen: the length of the rows; default: that of the longest sequence.
        dtype: the type of the array; `object` for strings of any length.
        padding: whether to pad at the beginning (`"pre"`) or the end (`"post"`).
        truncating: whether to cut at the beginning (`"pre"`) or the end (`"post"`).
        value: the value to pad with.

    Returns:
        An array of shape `(len(sequences), maxlen, ...)`.

    Raises:
        TypeError: when `sequences` or one of them can't be iterated.
        ValueError: for another `padding` or `truncating`, elements of different shapes, or a value outside of the
            type's range.

    >>> ef.utils.pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2).tolist()
    [[0, 1], [2, 3], [5, 6]]
    """
    for name, end in (("padding", padding), ("truncating", truncating)):
        if end not in _ENDS:
            hint = did_you_mean(str(end), _ENDS)
            raise ValueError(f"pad_sequences({name}={end!r}): expected 'pre' or 'post'.{hint}")
    rows = _rows(sequences)
    if maxlen is None:
        maxlen = max((len(row) for row in rows), default=0)
    elif isinstance(maxlen, bool) or not isinstance(maxlen, (int, numpy.integer)) or maxlen < 0:
        raise ValueError(f"pad_sequences(maxlen={maxlen!r}): expected a whole number of at least 0.")
    kind = _dtype(dtype, value)
    out = numpy.full((len(rows), maxlen, *_element_shape(rows)), value, kind)
    for place, row in zip(out, rows):
        kept = row[-maxlen:] if truncating == "pre" and maxlen else row[:maxlen]
        if len(kept):
            part = slice(len(kept)) if padding == "post" else slice(maxlen - len(kept), None)
            place[part] = _as_numbers(kept, kind)
    return out


def _as_numbers(kept: Any, kind: Any) -> numpy.ndarray:
    """A sequence as an array of a type."""
    try:
        return numpy.asarray(kept, kind)
    except (TypeError, ValueError) as error:
        odd = next((each for each in kept if not isinstance(each, (int, float, numpy.number))), error)
        if odd is error:
            raise
        if not isinstance(odd, (str, bytes)):
            raise type(error)(f"pad_sequences(sequences): expected numbers; got {odd!r:.40} in a sequence.") from None
        raise ValueError(
            f"pad_sequences(sequences): expected numbers; got text, {odd!r:.40}. Turn tokens into numbers first "
            "(layers.StringLookup, or layers.TextVectorization, which pads too); dtype=object, value='' keeps text."
        ) from None


def _rows(sequences: Any) -> list[Any]:
    if not isinstance(sequences, Iterable) or isinstance(sequences, (str, bytes)):
        raise TypeError(f"pad_sequences(sequences): expected a list of sequences; got {type(sequences).__name__}.")
    rows = []
    for i, row in enumerate(sequences):
        if not hasattr(row, "__len__") or not hasattr(row, "__getitem__"):
            raise TypeError(f"pad_sequences(sequences): expected a list of sequences; sequences[{i}] is {a_kind(row)}.")
        rows.append(row)
    return rows


def _element_shape(rows: list[Any]) -> tuple[int, ...]:
    """The shape that the elements of all sequences have."""
    shape: tuple[int, ...] | None = None
    for i, row in enumerate(rows):
        if not len(row):
            continue
        found = numpy.asarray(row).shape[1:]
        if shape is not None and found != shape:
            raise ValueError(
                f"pad_sequences(sequences): the elements must have one shape; it is {shape} before and {found} in "
                f"sequences[{i}]."
            )
        shape = found
    return shape or ()


def _dtype(dtype: DType, value: Any) -> Any:
    kind = numpy.dtype(dtype) if dtype is object or dtype is str else None
    if kind is None:
        named = isinstance(dtype, (str, numpy.dtype)) and numpy.dtype(dtype).kind in "OUS"
        kind = numpy.dtype(dtype) if named else as_dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ValueError(
            f"pad_sequences(value={value!r}, dtype={dtype!r}): the type can't hold text; dtype=object holds strings of "
            "any length."
        )
    return kind


def __dir__() -> list[str]:
    return sorted(__all__)
