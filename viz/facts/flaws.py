"""NaN and infinity in a recording with statistics: how many, and which ops made them of finite numbers."""

from __future__ import annotations

from viz.facts.schema import Op, Record, TensorInfo

__all__ = ["first_flaw", "flaws", "origins"]


def flaws(tensor: TensorInfo) -> int:
    """How many elements of a tensor are not finite, as far as that was counted."""
    return 0 if tensor.stats is None else tensor.stats.nan + tensor.stats.inf


def origins(record: Record) -> list[int]:
    """The ids of the ops that made non-finite elements of finite ones."""
    flawed = _flawed(record)
    return [op.id for op in record.ops if flawed.intersection(op.outputs) and not flawed.intersection(op.inputs)]


def first_flaw(record: Record) -> Op | None:
    """The first op whose result isn't finite while its inputs are; else the first that read such a tensor."""
    found = origins(record)
    if found:
        return record.ops[found[0]]
    flawed = _flawed(record)
    return next((op for op in record.ops if flawed.intersection(op.inputs)), None)


def _flawed(record: Record) -> set[int]:
    return {tensor.id for tensor in record.tensors if flaws(tensor)}
