"""Files that TensorBoard's projector reads: tables of points, their labels, and what there is of them."""

from __future__ import annotations

import csv
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

__all__ = ["add_entry", "file_name", "projector_config", "write_labels", "write_points"]

_CONFIG = "projector_config.pbtxt"
_BLOCK = re.compile(r"^embeddings \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)


def projector_config(entries: Sequence[Mapping[str, str]]) -> str:
    """The file that tells TensorBoard's projector which tables there are, in protobuf's text format."""
    blocks = ["".join([f"  {field}: {_quoted(text)}\n" for field, text in entry.items()]) for entry in entries]
    return "".join([f"embeddings {{\n{block}}}\n" for block in blocks])


def add_entry(folder: pathlib.Path, entry: Mapping[str, str]) -> None:
    """Add a table to those of a folder, where it takes the place of one of the same name."""
    config = folder / _CONFIG
    told = config.read_text(encoding="utf-8") if config.exists() else ""
    own = f"tensor_name: {_quoted(entry['tensor_name'])}\n"
    others = [block for block in _BLOCK.findall(told) if own not in block]
    config.write_text("".join(others) + projector_config([entry]), encoding="utf-8")


def file_name(name: str) -> str:
    """A name without what file systems refuse."""
    return "".join([c if c.isalnum() or c in "-_" else "_" for c in name])[:80] or "_"


def write_points(path: pathlib.Path, points: numpy.ndarray) -> None:
    """A table (points, dimensions); numbers that aren't finite are 0, or the largest."""
    numpy.savetxt(path, numpy.nan_to_num(points), delimiter="\t", fmt="%.6g")


def write_labels(path: pathlib.Path, what: str, labels: Any, count: int) -> None:
    """Labels of points."""
    columns = dict(labels) if isinstance(labels, Mapping) else {"": list(labels)}
    for column, values in columns.items():
        if len(values) != count:
            which = f" {column!r}" if column else ""
            raise ValueError(f"{what}: {count} points, but {len(values)} labels{which}")
    rows: list[list[str]] = [[re.sub(r"\s+", " ", str(v)) for v in row] for row in zip(*columns.values())]
    if len(columns) > 1:  # a table of one column has no heading, says the projector
        rows.insert(0, [re.sub(r"\s+", " ", str(column)) for column in columns])
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\").writerows(rows)


def _quoted(text: str) -> str:
    """A string of protobuf's text format, which are bytes with C's escapes."""
    plain = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join([plain.get(c, c) for c in text]) + '"'
