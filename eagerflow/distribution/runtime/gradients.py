"""The gradients of all ranks become those of the global batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.core.device import device_of, place, to_host
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.distribution.report import note
from eagerflow.distribution.runtime.gradient_sums import sums_of

__all__ = ["arrays_of", "reduce_gradients"]


def reduce_gradients(
    shard: Any, variables: Sequence[Any], gradients: Sequence[Any], kept: bool = True, owner: int = 0
) -> list[Any]:
    """The gradients of the global loss: the sum over ranks of `weight * gradient`, the same bits on all.

    Where some ranks have no gradient for a variable, they count 0; where none has one, it stays None. Of variables
    whose "gradient" is their new value (`overwrite_with_gradient`), the largest is taken, as of one batch.

    Args:
        shard: of the running step.
        variables: what the gradients belong to, the same on all ranks.
        gradients: tensors, arrays or None.
        kept: whether anybody may keep a gradient, or change it; False: they are read before the next step, and then
            forgotten.
        owner: whose gradients of earlier steps, held back, are added; see `GradientSums.hold`.
    """
    arrays = arrays_of(gradients)
    replaced = [i for i, v in enumerate(variables) if getattr(v, "overwrite_with_gradient", False)]
    if replaced:
        return _with_replaced(shard, variables, arrays, kept, replaced)
    found = sums_of(shard.communicator).sum(variables, shard.weight, arrays, owner)
    return [g if g is None else Tensor(_handed(g, v, kept), None, None) for g, v in zip(found, variables)]


def arrays_of(gradients: Sequence[Any]) -> list[Any]:
    """Raw arrays, None for missing ones."""
    return [g if g is None else g.data if isinstance(g, Tensor) else convert_to_tensor(g).data for g in gradients]


def _handed(array: Any, variable: Any, kept: bool) -> Any:
    if type(variable.data) is not type(array):
        return place(array, device_of(variable.data))  # of a rank that had no gradient itself
    return array.copy() if kept else array


def _with_replaced(
    shard: Any, variables: Sequence[Any], arrays: list[Any], kept: bool, replaced: list[int]
) -> list[Any]:
    """The same, where some gradients are their variables' new values."""
    note(f"{variables[replaced[0]].path} and others like it: the largest of all ranks', each of its own rows")
    others = [i for i in range(len(arrays)) if i not in replaced]
    summed = reduce_gradients(shard, [variables[i] for i in others], [arrays[i] for i in others], kept)
    there = numpy.array([arrays[i] is not None for i in replaced], "int64")
    shard.communicator.all_reduce(there)
    found: dict[int, Any] = dict(zip(others, summed))
    for i, count in zip(replaced, there):
        now = variables[i].data
        array = numpy.array(to_host(now if arrays[i] is None else arrays[i]), now.dtype, order="C")  # a copy
        if count:
            shard.communicator.all_reduce(array, "max")
        found[i] = Tensor(place(array, device_of(now)), None, None) if count else None
    return [found[i] for i in range(len(arrays))]
