"""`tf.lookup`: tables of keys and values."""

from __future__ import annotations

import os
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.compat.tensorflow.casts import as_dtype
from eagerflow.data.text import holds_text, text_tensor

__all__ = ["KeyValueTensorInitializer", "StaticHashTable", "StaticVocabularyTable", "TextFileIndex"]
__all__ += ["TextFileInitializer"]


class KeyValueTensorInitializer:
    """What is in a table.

    Args:
        keys: numbers or text.
        values: as many numbers or texts.
        key_dtype: accepted; the types are those of the keys and values.
        value_dtype: the same.
    """

    def __init__(self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None) -> None:
        self.pairs = dict(zip(_plain(keys), _plain(values), strict=True))
        self.gives_text = holds_text(values)
        self.dtype = "string" if self.gives_text else numpy.asarray(list(self.pairs.values())).dtype.name


class TextFileIndex:
    """What stands for a whole line of a file, and for its number, in the place of a column's number."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


class TextFileInitializer(KeyValueTensorInitializer):
    """What is in a table, read from the lines of a file.

    Args:
        filename: the file.
        key_dtype: the type of the keys: of text `"string"`.
        key_index: in which column they stand, or one of `TextFileIndex`.
        value_dtype: the type of the values.
        value_index: in which column they stand, or one of `TextFileIndex`.
        vocab_size: how many lines are read; default: all.
        delimiter: what stands between columns.
        name: accepted for TensorFlow's signature.

    Raises:
        ValueError: for a line that has too few columns, or no number where one is expected.
    """

    def __init__(
        self,
        filename: Any,
        key_dtype: Any,
        key_index: int,
        value_dtype: Any,
        value_index: int,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        path = os.fsdecode(filename.numpy() if hasattr(filename, "numpy") else filename)
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()[:vocab_size]
        columns = []
        for index, dtype in ((key_index, key_dtype), (value_index, value_dtype)):
            kind = "text" if getattr(dtype, "name", dtype) == "string" else numpy.dtype(as_dtype(dtype)).kind
            columns.append([_field(path, n, line, index, delimiter, kind) for n, line in enumerate(lines)])
        keys, values = [numpy.array(x, object) if x and isinstance(x[0], str) else x for x in columns]
        super().__init__(keys, values)
        if not self.gives_text:
            self.dtype = numpy.dtype(as_dtype(value_dtype)).name


def _field(path: str, number: int, line: str, index: int, delimiter: str, kind: str) -> Any:
    """What stands in a column of a line."""
    if index == TextFileIndex.LINE_NUMBER:
        return number
    parts = [line] if index == TextFileIndex.WHOLE_LINE else line.split(delimiter)
    text = parts[0] if index == TextFileIndex.WHOLE_LINE else parts[index] if index < len(parts) else None
    if text is None:
        raise ValueError(f"{path}, line {number + 1}: there is no column {index}; it has {len(parts)}.")
    if kind == "text":
        return text
    try:
        return int(text) if kind in "iu" else float(text)
    except ValueError:
        raise ValueError(f"{path}, line {number + 1}, column {index}: expected a number; got {text!r:.60}.") from None


class StaticHashTable:
    """The value of each key.

    Args:
        initializer: keys and values.
        default_value: for keys that aren't there.
        name: accepted for TensorFlow's signature.
    """

    def __init__(self, initializer: KeyValueTensorInitializer, default_value: Any, name: str | None = None) -> None:
        self.initializer, self.default = initializer, _plain(default_value)[0]

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values, in the shape of the keys."""
        found = [self.initializer.pairs.get(key, self.default) for key in _plain(keys)]
        shape = text_tensor(keys).shape if holds_text(keys) else ops.convert_to_numpy(keys).shape
        if self.initializer.gives_text:
            return text_tensor(numpy.array(found, object).reshape(shape))
        return ops.convert_to_tensor(numpy.array(found, self.initializer.dtype).reshape(shape))

    __getitem__ = lookup

    def size(self, name: str | None = None) -> int:
        """The number of keys."""
        return len(self.initializer.pairs)


class StaticVocabularyTable(StaticHashTable):
    """The number of each word; words that aren't there share the numbers after the last.

    Args:
        initializer: words and numbers.
        num_oov_buckets: how many numbers there are for other words: only 1.
        **kwargs: accepted for TensorFlow's signature.

    Raises:
        ValueError: for another number of buckets.
    """

    def __init__(self, initializer: KeyValueTensorInitializer, num_oov_buckets: int, **kwargs: Any) -> None:
        if num_oov_buckets != 1:
            raise ValueError("StaticVocabularyTable(num_oov_buckets): only 1 is possible here; or use StringLookup.")
        super().__init__(initializer, len(initializer.pairs))

    def size(self, name: str | None = None) -> int:
        """The number of words, and one for those that aren't there."""
        return super().size() + 1


def _plain(x: Any) -> list[Any]:
    """The keys in a flat list: bytes or Python's numbers."""
    if holds_text(x):
        return list(numpy.ravel(text_tensor(x).numpy()).tolist()) if numpy.ndim(x) else [text_tensor(x).numpy()]
    found: list[Any] = numpy.ravel(ops.convert_to_numpy(x)).tolist()
    return found
