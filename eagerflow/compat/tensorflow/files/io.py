"""`tf.io`: files, the text and pictures in them, and rows of tables."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.compat.tensorflow.files.gfile import matching
from eagerflow.compat.tensorflow.images.encoded import (
    decode_bmp,
    decode_gif,
    decode_image,
    decode_jpeg,
    decode_png,
    encode_jpeg,
    encode_png,
)
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor, text_tensor

__all__ = ["decode_bmp", "decode_csv", "decode_gif", "decode_image", "decode_jpeg", "decode_png", "decode_raw"]
__all__ += ["encode_jpeg", "encode_png", "matching_files", "read_file", "write_file"]


def read_file(filename: Any, name: str | None = None) -> TextTensor:
    """The bytes of a file."""
    return text_tensor(Path(os.fsdecode(text_tensor(_plain(filename)).numpy())).read_bytes())


def write_file(filename: Any, contents: Any, name: str | None = None) -> None:
    """Write bytes into a file, whose folder is made where it isn't there."""
    path = Path(os.fsdecode(text_tensor(_plain(filename)).numpy()))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text_tensor(contents).numpy())


def matching_files(pattern: Any, name: str | None = None) -> TextTensor:
    """The files whose names fit a pattern such as `"images/*.png"`, in order."""
    return text_tensor(numpy.array(matching(pattern), object))


def decode_raw(input_bytes: Any, out_type: Any, little_endian: bool = True, name: str | None = None) -> Tensor:
    """Bytes as the numbers that they are in memory."""
    dtype = numpy.dtype(out_type).newbyteorder("<" if little_endian else ">")
    texts = text_tensor(input_bytes)
    rows = [numpy.frombuffer(x, dtype).astype(out_type) for x in numpy.ravel(texts.numpy()).tolist()]
    return ops.convert_to_tensor(numpy.stack(rows).reshape(*texts.shape, -1))


def decode_csv(
    records: Any,
    record_defaults: Any,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: Any = None,
    name: str | None = None,
) -> list[Any]:
    """The columns of rows of text.

    Raises:
        ValueError: for rows with another number of columns, or a missing value without a default.
    """
    lines = text_tensor(records)
    texts = [x.decode() if isinstance(x, bytes) else x for x in lines.reshape(-1).tolist()]
    quoting: Any = csv.QUOTE_MINIMAL if use_quote_delim else csv.QUOTE_NONE
    rows = list(csv.reader(texts, delimiter=field_delim, quoting=quoting))
    rows = [[row[i] for i in select_cols] for row in rows] if select_cols is not None else rows
    for row in rows:
        if len(row) != len(record_defaults):
            raise ValueError(f"decode_csv: expected {len(record_defaults)} columns; got {len(row)}: {row!r:.80}.")
    return [
        _column([row[i] for row in rows], default, na_value, lines.shape) for i, default in enumerate(record_defaults)
    ]


def _column(texts: list[str], default: Any, missing: str, shape: Any) -> Any:
    """A column as a tensor of its default's type."""
    dtype, fallback = type_and_value(default)
    if any(text in ("", missing) for text in texts) and fallback is None:
        raise ValueError("decode_csv: a value is missing, and record_defaults has only its type there.")
    found = [fallback if text in ("", missing) else text for text in texts]
    if dtype == "string":
        return text_tensor(numpy.array(found, object).reshape(shape))
    return ops.convert_to_tensor(numpy.array([float(x) for x in found]).astype(dtype).reshape(shape))


def type_and_value(default: Any) -> tuple[Any, Any]:
    """The type of a column, and what stands for a missing value there (None: nothing)."""
    if isinstance(default, TextTensor):
        return "string", default.numpy().decode() if not default.ndim else (default.tolist() or [None])[0]
    if isinstance(default, Tensor):
        return default.dtype, default.numpy().reshape(-1)[0].item() if default.size else None
    if isinstance(default, (list, tuple)):
        return type_and_value(default[0]) if default else ("float32", None)
    if isinstance(default, bytes):
        return "string", default.decode()
    if isinstance(default, (str, numpy.dtype, type)) or hasattr(default, "kind"):
        known = default == "string" or not isinstance(default, str) or _is_type(default)
        return (default, None) if known else ("string", default)
    return ("int32" if isinstance(default, int) else "float32"), default


def _is_type(name: str) -> bool:
    return name in ("float32", "float64", "int32", "int64")


def _plain(path: Any) -> Any:
    return os.fspath(path) if isinstance(path, os.PathLike) else path
