"""The ops that a fused op stands for, as ops of a recording."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy

from viz.facts.schema import Op, Record, TensorInfo
from viz.facts.selection import origin

__all__ = ["SinglePart", "part_names", "parts_of", "reads_of_parts", "weights_of_parts"]


class SinglePart(NamedTuple):
    """One of the parts of a fused op.

    Attributes:
        op: as if it had run by itself, without times. Its inputs and outputs are ids of the recording's tensors where
            they are those of the fused op; what lies between the parts, which no memory holds, has negative ones.
        read, made: its tensors.
        inner: which of its inputs other parts made.
    """

    op: Op
    read: list[TensorInfo]
    made: list[TensorInfo]
    inner: list[bool]


def parts_of(record: Record, op: Op) -> list[SinglePart]:
    """The parts of a fused op, in the order of their execution; none for any other op.

    Of an op that failed there is nothing to tell: it has no parts.
    """
    if op.composition is None:
        return []
    found = record.compositions[op.composition]
    outside = len(op.inputs)
    ids = [*op.inputs, *range(-1, outside - len(found.shapes) - 1, -1)]
    for local, output in zip(found.results, op.outputs):
        ids[local] = output
    made = dict[int, TensorInfo]()
    for number, shape, dtype in zip(ids, found.shapes, found.dtypes):
        made[number] = record.tensors[number] if number >= 0 else TensorInfo(number, shape, dtype, _size(shape, dtype))
    parts = []
    for part in found.parts:
        single = Op(op.id, part.name, op.phase, op.scope, op.step, stack=op.stack, thread=op.thread)
        single.inputs, single.outputs = (tuple([ids[i] for i in numbers]) for numbers in (part.inputs, part.outputs))
        single.input_names, single.settings = part.input_names, part.settings
        read, written = ([made[i] for i in numbers] for numbers in (single.inputs, single.outputs))
        parts.append(SinglePart(single, read, written, [i >= outside for i in part.inputs]))
    return parts


def reads_of_parts(record: Record, op: Op) -> list[list[int]]:
    """The tensors of the recording that each part of a fused op reads: of `parts_of` what shares out weights."""
    if op.composition is None:
        return []
    found = record.compositions[op.composition]
    ids = dict(enumerate(op.inputs)) | dict(zip(found.results, op.outputs))
    return [[ids[i] for i in part.inputs if i in ids] for part in found.parts]


def weights_of_parts(
    reads: Sequence[Sequence[int]], weights: Sequence[int], variables: Mapping[int, int]
) -> list[list[int]]:
    """The weights that a fused op is the first to read, shared out: each part has those that it is the first to read.

    The first part has those that no part reads: they were cast before.
    """
    left, found = list(weights), []
    for each in reads:
        read = {variables.get(i) for i in each}
        found.append([v for v in left if v in read])
        left = [v for v in left if v not in read]
    if found:
        found[0] += left
    return found


def part_names(record: Record, op: Op) -> list[str]:
    """The names of a fused op's parts, also of its backward op; none for other ops."""
    number = origin(record, op).composition
    return [] if number is None else [part.name for part in record.compositions[number].parts]


def _size(shape: tuple[int, ...], dtype: str) -> int:
    width = {"bfloat16": 2}.get(dtype) or numpy.dtype(dtype).itemsize
    return math.prod(shape) * width
