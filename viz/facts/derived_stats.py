"""What follows from tensors' statistics: norms and shares, and where NaN and infinity began."""

from __future__ import annotations

import math
from collections.abc import Iterator

from viz.facts.schema import Op, Record, TensorInfo

__all__ = ["came_in", "first_flaw", "flaws", "is_measured", "norm", "origins", "zero_share"]


def is_measured(tensor: TensorInfo) -> bool:
    """Is more known of a tensor's elements than their L2 norm, which is all that is taken of updated weights?"""
    stats = tensor.stats
    return stats is not None and (stats.l2 is None or stats.min is not None or bool(stats.nan or stats.inf))


def norm(tensor: TensorInfo) -> float | None:
    """The L2 norm of a tensor's finite elements; None where it wasn't measured."""
    stats = tensor.stats
    if stats is None:
        return None
    if stats.l2 is not None:
        return stats.l2
    if stats.mean is None or stats.std is None:
        return None
    return math.hypot(stats.mean, stats.std) * math.sqrt(math.prod(tensor.shape) - stats.nan - stats.inf)


def zero_share(tensor: TensorInfo) -> float | None:
    """Which share of a tensor's elements is zero; None where it wasn't measured."""
    size = math.prod(tensor.shape)
    if tensor.stats is None or tensor.stats.zeros is None or not size:
        return None
    return tensor.stats.zeros / size


def flaws(tensor: TensorInfo) -> int:
    """How many elements of a tensor are not finite, as far as that was counted."""
    return 0 if tensor.stats is None else tensor.stats.nan + tensor.stats.inf


def origins(record: Record) -> list[int]:
    """The ids of the ops that made non-finite elements of finite ones.

    A backward op also computes with what its forward op read and made.
    """
    flawed = _flawed(record)
    if not flawed:
        return []
    made = (op for op in record.ops if flawed.intersection(op.outputs))
    return [op.id for op in made if flawed.isdisjoint(_read(record, op))]


def came_in(record: Record) -> list[int]:
    """The ids of the weights, inputs and other tensors that held NaN or infinity when they came to the first op.

    Infinity counts where it spoils what is made of it: in the mask of an attention it does no harm.
    """
    if not _flawed(record):
        return []
    used = [record.tensors[i] for i in dict.fromkeys([i for op in record.ops for i in op.inputs])]
    bad = [t for t in used if t.producer is None and not t.version and t.role != "gradient" and flaws(t)]
    return [tensor.id for tensor in bad if _holds_nan(tensor) or _spoils(record, tensor.id)]


def first_flaw(record: Record) -> tuple[Op, int | None] | None:
    """The first op with a result that isn't finite of finite inputs, or that read NaN from outside, in which tensor."""
    flawed = _flawed(record)
    if not flawed:
        return None
    made_here, before = set(origins(record)), set(came_in(record))
    for op in record.ops:
        read = [record.tensors[i] for i in op.inputs]  # also a weight in which an update left NaN
        tensor = next((t.id for t in read if t.id in before or (t.version and _holds_nan(t))), None)
        if tensor is not None or op.id in made_here:
            return op, tensor
    return next(((op, i) for op in record.ops for i in op.inputs if i in flawed), None)


def _read(record: Record, op: Op) -> Iterator[int]:
    """What an op computes with: a backward op's forward op, of whatever order, left its values for it."""
    yield from op.inputs
    while op.phase == "backward" and op.forward is not None:
        op = record.ops[op.forward]
        yield from op.inputs
        yield from op.outputs


def _holds_nan(tensor: TensorInfo) -> bool:
    return tensor.stats is not None and tensor.stats.nan > 0


def _flawed(record: Record) -> set[int]:
    return {tensor.id for tensor in record.tensors if tensor.stats is not None and flaws(tensor)}


def _spoils(record: Record, tensor: int) -> bool:
    """Does an infinite tensor lead to NaN, or to an infinite result that no op of the forward pass reads?"""
    flawed, readers = _flawed(record), dict[int, list[Op]]()
    for op in record.ops:
        for i in flawed.intersection(op.inputs):
            readers.setdefault(i, []).append(op)
    waiting, seen = [tensor], {tensor}
    while waiting:
        made = [i for op in readers.get(waiting.pop(), ()) for i in flawed.intersection(op.outputs) - seen]
        for i in made:
            if _holds_nan(record.tensors[i]) or all(op.phase != "forward" for op in readers.get(i, ())):
                return True
        seen.update(made)
        waiting += made
    return False
