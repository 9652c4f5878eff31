"""A recording as a table of pandas: a row an op."""

from __future__ import annotations

from typing import Any

from viz.facts.flops import all_flops
from viz.facts.schema import Record
from viz.facts.selection import step_numbers

__all__ = ["to_pandas"]


def to_pandas(record: Record) -> Any:
    """A DataFrame; see `Recording.to_pandas`."""
    try:
        import pandas
    except ImportError:
        raise ImportError("Recording.to_pandas needs pandas: pip install pandas") from None
    numbers = step_numbers(record)
    rows = [
        {
            "step": None if op.step is None else numbers[op.step],
            "phase": op.phase,
            "layer": record.path((op if op.forward is None else record.ops[op.forward]).scope, shown=True),
            "op": op.name,
            "inputs": [record.tensors[i].shape for i in op.inputs],
            "output": record.tensors[op.outputs[0]].shape if op.outputs else None,
            "dtype": record.tensors[op.outputs[0]].dtype if op.outputs else None,
            "nbytes": sum([record.tensors[i].nbytes for i in op.outputs]),
            "flops": flops,
            "start_ms": None if op.start is None else op.start / 1e6,
            "ms": None if op.start is None else op.duration / 1e6,
            "line": None if op.source is None else f"{op.source.file}:{op.source.line}",
        }
        for op, flops in zip(record.ops, all_flops(record, record.ops), strict=True)
    ]
    table = pandas.DataFrame(rows, index=pandas.RangeIndex(len(rows), name="id"))
    return table.astype({"step": "Int64", "flops": "Int64"})
