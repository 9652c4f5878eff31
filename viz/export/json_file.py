"""A recording as JSON that any program can read."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

from viz.facts.flops import all_flops
from viz.facts.json_data import finite
from viz.facts.schema import Record
from viz.facts.selection import step_numbers
from viz.facts.text_files import write_text

__all__ = ["BEGINS", "to_data", "write"]

BEGINS = b'{"kind":"eagerflow trace"'


def to_data(record: Record) -> dict[str, Any]:
    """Everything but kept values, as dicts, lists, numbers and text; the fields are those of `viz.facts.schema`.

    An op's `step` is a place in `steps`, of which each has the `number` that tables and `--step` have.
    Where several ranks took part, `others` is a list of the same for each of them.
    """
    counted = all_flops(record, record.ops)
    ops = [dataclasses.asdict(op) | {"flops": number} for op, number in zip(record.ops, counted, strict=True)]
    numbers = step_numbers(record)
    others = {"others": [to_data(other) for other in record.others]} if record.others else {}
    return {
        "kind": "eagerflow trace",
        "meta": finite(record.meta),
        "notes": list(record.notes),
        "ops": finite(ops),
        "reads": {str(op): [dataclasses.asdict(read) for read in found] for op, found in record.reads.items()},
        "called": {str(tensor): name for tensor, name in record.called.items()},
        **{
            name: finite([dataclasses.asdict(each) for each in getattr(record, name)])
            for name in ("scopes", "tensors", "storages", "logs", "compositions")
        },
        "steps": finite([dataclasses.asdict(step) | {"number": n} for step, n in zip(record.steps, numbers)]),
        **others,
    }


def write(record: Record, path: str | os.PathLike[str] | None) -> str:
    """The JSON text; also written to `path` when given."""
    text = json.dumps(to_data(record), allow_nan=False, separators=(",", ":"))
    if path is not None:
        write_text(path, text)
    return text
