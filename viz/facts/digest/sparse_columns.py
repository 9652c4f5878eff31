"""The few columns of a recording that its digest is made of, as arrays: from a file, or from a record in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from viz.facts.columns import NONE, Damaged, Pool, encode
from viz.facts.schema import PHASES, ROLES, Op, Record, Stats, Storage, TensorInfo

__all__ = ["FIELDS", "SparseColumns", "columns_of_record"]

FIELDS: dict[type, tuple[str, ...]] = {
    Op: ("name", "phase", "scope", "step", "stack", "start", "end", "forward"),
    TensorInfo: ("shape", "role", "name", "producer", "storage"),
    Storage: ("nbytes", "allocated", "freed"),
    Stats: ("nan", "inf"),
}


class SparseColumns(NamedTuple):
    """Columns by their names in a `.efz` file, and the tables that they refer to."""

    columns: dict[str, numpy.ndarray]
    texts: Pool
    frames: Pool
    ops: int
    tensors: int

    def array(self, name: str) -> numpy.ndarray:
        """A column of numbers, `NONE` where there is none."""
        found = self.columns.get(name)
        if found is None or found.dtype.kind != "i":
            raise Damaged(f"no column {name}")
        return found

    def where(self, name: str, word: str) -> numpy.ndarray:
        """In which rows a column of texts has this word."""
        column = self.array(name)
        known = self.texts.values
        return column == known.index(word) if word in known else numpy.zeros(len(column), bool)

    def slice_of(self, name: str, row: int) -> list[int]:
        """The numbers of a list in a column of lists."""
        starts, values = self.array(f"{name}@"), self.array(name)
        begin, end = int(starts[row]), int(starts[row + 1])
        if not 0 <= begin <= end <= len(values):
            raise Damaged(f"column {name}@ doesn't cut {len(values)} values into lists")
        return list(map(int, values[begin:end]))

    def check(self) -> None:
        """Refuse columns of other lengths, and numbers that lead nowhere.

        Raises:
            Damaged: when there are such.
        """
        lengths = {"Op": self.ops, "TensorInfo": self.tensors, "Storage": len(self.array("Storage.nbytes"))}
        lengths["Stats"] = len(self.array("Stats.tensor"))
        for cls, fields in FIELDS.items():
            for field in fields:
                nested = f"{cls.__name__}.{field}@" in self.columns
                found = len(self.array(f"{cls.__name__}.{field}{'@' * nested}")) - nested
                if found != lengths[cls.__name__]:
                    raise Damaged(f"column {cls.__name__}.{field} has {found} rows, not {lengths[cls.__name__]}")
        within = {"TensorInfo.producer": self.ops, "TensorInfo.storage": lengths["Storage"]}
        for name, count in within.items():
            numbers = self.array(name)
            if ((numbers != NONE) & ((numbers < 0) | (numbers >= count))).any():
                raise Damaged(f"{name} refers to a number outside of {count}")
        measured = self.array("Stats.tensor")
        if ((measured < 0) | (measured >= self.tensors)).any():
            raise Damaged(f"Stats.tensor refers to a number outside of {self.tensors}")
        forward = self.array("Op.forward")
        if ((forward != NONE) & ((forward < 0) | (forward >= numpy.arange(self.ops)))).any():
            raise Damaged("an op is the derivative of one that came after it")
        for name, known in (("Op.phase", PHASES), ("TensorInfo.role", ROLES)):
            for word in self.texts.look_up(numpy.unique(self.array(name))):
                if word not in known:
                    raise Damaged(f"{name} is {word!r:.40}")


def columns_of_record(record: Record) -> SparseColumns:
    """The columns of a record in memory."""
    texts, frames = Pool(), Pool()
    columns: dict[str, numpy.ndarray] = {}
    measured = [tensor for tensor in record.tensors if tensor.stats is not None]
    rows: tuple[tuple[type, Sequence[Any]], ...] = (
        (Op, record.ops),
        (TensorInfo, record.tensors),
        (Storage, record.storages),
        (Stats, [tensor.stats for tensor in measured]),
    )
    for cls, objects in rows:
        columns |= encode(objects, cls, texts, frames, FIELDS[cls])
    columns["Stats.tensor"] = numpy.array([tensor.id for tensor in measured], numpy.int64)
    return SparseColumns(columns, texts, frames, len(record.ops), len(record.tensors))
