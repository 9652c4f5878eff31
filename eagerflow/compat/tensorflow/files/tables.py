"""`tf.data.experimental.make_csv_dataset` and `CsvDataset`: tables of text as data sets."""

from __future__ import annotations

import csv
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy

from eagerflow import data, ops
from eagerflow.compat.tensorflow.files.gfile import matching
from eagerflow.compat.tensorflow.files.io import type_and_value
from eagerflow.compat.tensorflow.files.records import opened
from eagerflow.data.text import TextTensor, text_tensor

__all__ = ["CsvDataset", "make_csv_dataset"]


def make_csv_dataset(
    file_pattern: Any,
    batch_size: int,
    column_names: Sequence[str] | None = None,
    column_defaults: Any = None,
    label_name: str | None = None,
    select_columns: Any = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    num_rows_for_inference: int = 100,
    ignore_errors: bool = False,
    compression_type: Any = None,
    **kwargs: Any,
) -> data.Dataset:
    """Batches of a table's columns, in a dict by name; with their labels where `label_name` says which they are.

    Args:
        file_pattern: the files, or a pattern of their names.
        batch_size: rows per batch.
        column_names: the columns' names; default: the first line of the files.
        column_defaults: for every column its type, or the value that stands for a missing one; default: whole numbers,
            floats or text, as they look.
        label_name: the column of the labels.
        select_columns: the names, or numbers, of the columns that are wanted; default: all.
        field_delim: what separates the columns.
        use_quote_delim: whether quotes hold a column together.
        na_value: what is written for a missing value.
        header: whether the files begin with a line of names.
        num_epochs: how often the rows come; None: without end.
        shuffle: whether in random order.
        shuffle_buffer_size: from how many rows each is drawn.
        shuffle_seed: the seed of the order.
        num_rows_for_inference: accepted; the types are those of all rows.
        ignore_errors: whether rows with another number of columns are left out.
        compression_type: `"GZIP"`, or None.
        **kwargs: `prefetch_buffer_size` and others of TensorFlow's that change nothing.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: for rows with another number of columns, or a label that is no column.
    """
    files = matching(
        [os.fspath(f) for f in file_pattern] if isinstance(file_pattern, list) else os.fspath(file_pattern)
    )
    if not files:
        raise FileNotFoundError(f"make_csv_dataset({file_pattern!r}): there is no such file.")
    quoting = csv.QUOTE_MINIMAL if use_quote_delim else csv.QUOTE_NONE
    names, rows = _read(files, column_names, header, field_delim, quoting, ignore_errors, compression_type)
    chosen = _chosen(names, select_columns)
    if label_name is not None and label_name not in chosen:
        raise ValueError(f"make_csv_dataset(label_name={label_name!r}): the columns are {', '.join(chosen)}.")
    defaults = _defaults(column_defaults, chosen)
    at = {name: i for i, name in enumerate(names)}
    columns: dict[str, Any] = {
        name: _column([row[at[name]] for row in rows], default, na_value) for name, default in zip(chosen, defaults)
    }
    if label_name is not None:
        label = columns.pop(label_name)
        made = data.Dataset.from_tensor_slices((columns, label))
    else:
        made = data.Dataset.from_tensor_slices(columns)
    made = made.shuffle(max(shuffle_buffer_size, len(rows)), shuffle_seed) if shuffle else made
    if num_epochs is None or num_epochs > 1:
        made = made.repeat(num_epochs)
    return made.batch(batch_size, drop_remainder=num_epochs is None)


def CsvDataset(
    filenames: Any,
    record_defaults: Any,
    compression_type: Any = None,
    buffer_size: Any = None,
    header: bool = False,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: Any = None,
    exclude_cols: Any = None,
) -> data.Dataset:
    """The rows of tables as tuples; see `tf.io.decode_csv` for the arguments."""
    files = [os.fsdecode(f.numpy() if isinstance(f, TextTensor) else f) for f in _listed(filenames)]
    quoting: Any = csv.QUOTE_MINIMAL if use_quote_delim else csv.QUOTE_NONE
    kinds = [type_and_value(default) for default in record_defaults]

    def make() -> Iterator[Any]:
        for file in files:
            with opened(file, compression_type, "rt", encoding="utf-8", newline="") as lines:
                for row in itertools.islice(
                    csv.reader(lines, delimiter=field_delim, quoting=quoting), int(header), None
                ):
                    wanted = range(len(row)) if select_cols is None else select_cols
                    kept = [row[i] for i in wanted if i not in (exclude_cols or ())]
                    pairs = zip(kept, kinds, strict=True)
                    yield tuple([_value(text, *kind, na_value) for text, kind in pairs])

    return data.Dataset(make)


def _listed(filenames: Any) -> list[Any]:
    return list(filenames) if isinstance(filenames, (list, tuple)) else [filenames]


def _value(text: str, dtype: Any, fallback: Any, missing: str) -> Any:
    if text in ("", missing):
        if fallback is None:
            raise ValueError("CsvDataset: a value is missing, and record_defaults has only its type there.")
        text = fallback
    if dtype == "string":
        return text_tensor(text)
    return ops.convert_to_tensor(numpy.array(float(text)).astype(dtype))


def _read(
    files: list[str],
    names: Sequence[str] | None,
    header: bool,
    delimiter: str,
    quoting: Any,
    lenient: bool,
    compression: Any,
) -> tuple[list[str], list[list[str]]]:
    """The columns' names and all rows.

    Raises:
        ValueError: for rows with another number of columns.
    """
    rows: list[list[str]] = []
    found = list(names or ())
    for file in files:
        with opened(file, compression, "rt", encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines, delimiter=delimiter, quoting=quoting)
            if header:
                found = found or next(reader)
                rows += list(reader) if names is None else list(itertools.islice(reader, 1, None))
            else:
                rows += list(reader)
    rows = [row for row in rows if row]
    wrong = next((row for row in rows if len(row) != len(found)), None)
    if wrong is not None and not lenient:
        raise ValueError(f"make_csv_dataset: expected {len(found)} columns; got {len(wrong)}: {wrong!r:.80}.")
    return found, [row for row in rows if len(row) == len(found)]


def _chosen(names: list[str], wanted: Any) -> list[str]:
    if wanted is None:
        return names
    return [names[w] if isinstance(w, int) else w for w in wanted]


def _defaults(given: Any, names: list[str]) -> list[Any]:
    if given is None:
        return [None] * len(names)
    return [given.get(name) for name in names] if isinstance(given, dict) else list(given)


def _column(texts: list[str], default: Any, missing: str) -> Any:
    """A column as an array; without a default of the type that all its values have."""
    if default is not None:
        dtype, fallback = type_and_value(default)
    else:
        dtype, fallback = _looks_like([t for t in texts if t not in ("", missing)]), None
    if fallback is None:
        fallback = "" if dtype == "string" else 0
    found = [fallback if t in ("", missing) else t for t in texts]
    if dtype == "string":
        return numpy.array(found, object)
    return numpy.array([float(x) for x in found]).astype(dtype)


def _looks_like(texts: list[str]) -> str:
    for dtype, read in (("int32", int), ("float32", float)):
        try:
            for text in texts:
                read(text)
        except ValueError:
            continue
        return dtype
    return "string"
